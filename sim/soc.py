"""Classify codes by a program in a simulated SoC of LiteX: ``python -m sim.soc``.

The core is what hw.core writes for this network; the program calls it by the header beside it.
Each class must be golden's.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sw.golden.errors import UserError
from sw.terminal import runs
from sw.terminal.command import Parser, command

__all__ = ["SocError", "main"]

SYSTEM = Path(__file__).parent / "system"
COMPILER = "riscv64-unknown-elf-gcc"
OPTIONS = ["-O1", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib"]
CPUS = {"vexriscv": ("vexriscv", "minimal"), "serv": ("serv", "standard")}
MOST = 1000        # Inputs, which lie in the ROM.
CYCLES = 50_000    # That an input may take, and the first,
A_BYTE = 2_000     # and more for each byte.


class SocError(UserError):
    """The SoC cannot be made, or a class is not golden's; the message says why."""


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m sim.soc", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", metavar="FILE", type=Path,
                        help="network file or run folder (default: the newest run)")
    parser.add_argument("--fold", metavar="PExSIMD,...", help="as for python -m hw.core")
    parser.add_argument("--bus", choices=["csr", "wishbone"], default="csr",
                        help="how the CPU reaches the core (default: %(default)s)")
    parser.add_argument("--cpu", choices=sorted(CPUS), default="vexriscv",
                        help="the SoC's CPU (default: %(default)s)")
    parser.add_argument("--count", metavar="N", type=int, default=100,
                        help="how many codes (default: %(default)s)")
    return parser.parse_args(argv)


@command("no class is checked")
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if not 1 <= args.count <= MOST:
        raise SocError(f"--count must be of 1 to {MOST:,}, not {args.count}")
    with tempfile.TemporaryDirectory() as folder:
        print(check(runs.network_file(args.network), args.fold, args.bus, args.cpu, args.count,
                    Path(folder)))
    return 0


def check(file: Path, fold: str | None, bus: str, cpu: str, count: int, folder: Path) -> str:
    """Compare the classes of ``count`` inputs; return what was done in a few lines.

    Raises
    ------
    SocError
        The compiler is missing, or a class differs.
    """
    from hw.flow import cores
    from sim import litex_soc, simulator
    from sim.ask import first_other
    from sw.golden import bits, networks

    verilator = simulator.find("verilator")
    network = networks.load(file)
    # The first of the codes beside the network, if there are any; else random ones.
    given = cores.vectors(network, 2 * count + 2, runs.codes_file(file))[2:count + 2]
    core = folder / "core"
    plan = cores.choose(network, fold)
    cores.write(network, plan, core, name=litex_soc.NAME, scores=False, codes=file)
    packed = bits.pack(given)
    _write_codes(folder / "codes.h", packed)
    with _quiet():
        made = litex_soc.make(core, bus, CPUS[cpu], lambda *how: _compile(folder, *how), folder,
                              packed.size)
    model = verilator.build(made, litex_soc.TOP, driver=SYSTEM / "driver.cpp")
    model.drive(["said", str(CYCLES * (count + 1) + A_BYTE * packed.size)], folder)
    classes = [int(line) for line in (folder / "said").read_text().split()]
    if (wrong := first_other(network, given, classes)) is not None:
        raise SocError(f"the SoC's class of input {wrong} must be golden's")
    return (f"  network      {network}\n  engine       {plan}\n"
            f"  SoC          LiteX, {cpu}, the core on its {bus} bus\n"
            f"  classes      {len(classes)} of {count} are golden's")


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what LiteX tells of its progress."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


def _write_codes(file: Path, packed: np.ndarray) -> None:
    """Write inputs as a header."""
    rows = ",\n".join("\t{" + ", ".join(map(str, row)) + "}" for row in packed.tolist())
    file.write_text(f"#define COUNT {len(packed)}\n"
                    f"static const uint8_t codes[COUNT][{packed.shape[1]}] = {{\n{rows}\n}};\n")


def _compile(folder: Path, flags: list[str], headers: list[Path]) -> Path:
    """Compile the program to a file of bytes."""
    linked, image = folder / "program.elf", folder / "program.bin"
    for each in (
            [COMPILER, *OPTIONS, *flags, "-T", SYSTEM / "program.ld",
             *(f"-I{header}" for header in headers), "-o", linked, SYSTEM / "program.c"],
            [COMPILER.replace("gcc", "objcopy"), "-O", "binary", linked, image]):
        try:
            result = subprocess.run(each, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise SocError(f"{each[0]} was not found on PATH. "
                           "Try: apt install gcc-riscv64-unknown-elf") from None
        if result.returncode:
            raise SocError(f"{each[0]} failed: {result.stderr.strip()}")
    return image


if __name__ == "__main__":
    sys.exit(main())
