"""Put every test code or image of a run through its core: ``python -m sim.core --network RUN``.

The core is what hw.core writes for this network, compiled by Verilator. Each class must be
golden's.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sw.golden.bits import Bits
from sw.golden.errors import UserError
from sw.golden.network import Network
from sw.terminal import runs
from sw.terminal.command import Parser, command

if TYPE_CHECKING:
    from hw.plan.plans import Plan

__all__ = ["CoreDiffers", "classify", "main"]

TOP = Path(__file__).parent / "cells" / "bytes.sv"
NAME = "hybnn_core"    # In the top.
RATE = 10_000          # Cycles a second, at the least, of a busy computer.
PAUSES = 300           # Cycles that the driver may let an answer wait, and the next input.


class CoreDiffers(UserError):
    """A class is not golden's, or there is nothing to compare; the message says which."""


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m sim.core", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", metavar="FILE", type=Path,
                        help="network file or run folder (default: the newest run)")
    parser.add_argument("--fold", metavar="PExSIMD,...", help="as for python -m hw.core")
    parser.add_argument("--count", metavar="N", type=int,
                        help="how many, from the first (default: all)")
    return parser.parse_args(argv)


@command("no class is checked")
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    # Imported here: --help needs no Amaranth.
    from hw.flow import cores
    from sim.ask import first_other
    from sw.golden import networks
    from sw.golden.codes import load_codes

    file = runs.network_file(args.network)
    network = networks.load(file)
    given, labels = load_codes(runs.codes_file(file), network.n_in)
    count = len(given) if args.count is None else args.count
    if not 1 <= count <= len(given):
        raise CoreDiffers(f"--count must be of 1 to {len(given):,}, as many as there are, "
                          f"not {count}")
    plan, begun = cores.choose(network, args.fold), time.monotonic()
    classes = classify(network, plan, given[:count])
    if (wrong := first_other(network, given[:count], classes)) is not None:
        raise CoreDiffers(f"the core's class of input {wrong} must be golden's")
    right = sum(klass == label for klass, label in zip(classes, labels.tolist()))
    print(f"  network      {network}\n  engine       {plan}\n"
          f"  classes      {count:,} of {count:,} are golden's, {right / count:.2%} the labels'\n"
          f"  seconds      {time.monotonic() - begun:.0f}")
    return 0


def classify(network: Network, plan: "Plan", given: Bits) -> list[int]:
    """Return what the written core answers to inputs ``(n, n_in)``; bytes are taken at odd paces.
    """
    from hw.flow import cores
    from sim import simulator
    from sim.ask import DRIVER
    from sw.golden import bits

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        said = cores.write(network, plan, folder / "core", name=NAME, scores=False,
                           codes=folder / "none")
        n_bytes, cycles = said["input"]["bytes"], said["cycles"]    # type: ignore[index]
        top = TOP.read_text().replace("N = 1)", f"N = {n_bytes})")
        model = simulator.find("verilator").build(
            (folder / "core" / f"{NAME}.sv").read_text() + top, "bytes", driver=DRIVER)
        (folder / "inputs").write_bytes(bits.pack(given).tobytes())
        silence = cycles["latency"] + cycles["period"] + PAUSES
        limit = (len(given) + 1) * (silence + 20 * n_bytes)
        model.drive(["inputs", "answers", str(silence), str(limit)], folder,
                    deadline=60 + limit / RATE)
        return list((folder / "answers").read_bytes())


if __name__ == "__main__":
    sys.exit(main())
