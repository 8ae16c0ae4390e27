"""A board without a board: ``python -m sim.board --network RUN``.

The accelerator's Verilog, compiled by Verilator, sits behind a pseudo-terminal. What talks to a
board through a serial port can talk to it, byte for byte. A byte takes as many cycles as on the
wires of an iCEBreaker; the seconds are more.
"""

import argparse
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from hw.accelerator import Accelerator
from hw.flow import verilog
from hw.plan import folding
from hw.plan.folding import Plan
from sim import simulator
from sim.simulator import SimulationFailed
from sw.golden import networks
from sw.golden.network import Network
from sw.terminal import runs
from sw.terminal.command import Parser, command

__all__ = ["BYTE", "VirtualBoard", "main", "virtual_board"]

YEAR = 365 * 24 * 3600.0    # A board has no deadline.
SIGNALS = signal.SIGTERM, signal.SIGHUP    # End it as Ctrl-C does: nothing is left behind.
BYTE = 120    # Cycles that a byte is on the wire: ten bits at 3 MBd, clocked with 36 MHz.


@dataclass
class VirtualBoard:
    """A virtual board at work.

    Attributes
    ----------
    terminal : Path
        What answers.
    tally : dict
        When it has ended: what :mod:`sim.benches.virtual` counted.
    """

    terminal: Path
    simulation: threading.Thread
    tally: dict[str, int] = field(default_factory=dict)

    @property
    def is_alive(self) -> bool:
        return self.simulation.is_alive() and self.terminal.is_symlink()

    @property
    def busy(self) -> float:
        """Share of its time, from the first code to the last, in which bytes came to the board."""
        return self.tally["bytes"] * BYTE / max(1, self.tally["cycles"])


@contextmanager
def virtual_board(network: Network, plan: Plan, *, reloadable: bool,
                  terminal: Path | None = None) -> Iterator[VirtualBoard]:
    """Return a board that answers at a terminal until the context is left; then the terminal's link
    is gone.

    Raises
    ------
    SimulationFailed
        The simulator did not start, or stopped by itself; this is raised when the context is left.
    """
    source = verilog.convert(Accelerator(network, plan, reloadable=reloadable), "accelerator")
    model = simulator.find("verilator").build(source, "accelerator")
    failures: list[Exception] = []
    with tempfile.TemporaryDirectory() as folder:
        link = (terminal or Path(folder, "tty")).absolute()
        tally = Path(folder, "tally.json").absolute()

        def serve() -> None:
            try:
                model.run("sim.benches.virtual", Path(folder), deadline=YEAR, BYTE=str(BYTE),
                          TERMINAL=str(link), TALLY=str(tally))
            except Exception as error:    # Of whatever kind: the other thread must know.
                failures.append(error)

        virtual = VirtualBoard(link, threading.Thread(target=serve))
        try:
            virtual.simulation.start()
            while not link.is_symlink() and virtual.simulation.is_alive():
                time.sleep(0.05)
            if not failures:
                yield virtual
        finally:
            # Again and again: one that has just begun makes its link yet.
            while virtual.simulation.is_alive():
                link.unlink(missing_ok=True)
                virtual.simulation.join(0.2)
            link.unlink(missing_ok=True)
            if tally.exists():
                virtual.tally = json.loads(tally.read_text())
        if failures:
            raise SimulationFailed(f"The simulator of the virtual board at {link} has ended by "
                                   f"itself{_reason(failures[0])}: start python -m sim.board again")


def _reason(failure: Exception) -> str:
    """Return what an exception in the bench said last, if there was one."""
    said = [line.strip() for line in str(failure).splitlines() if "Error: " in line]
    return f" ({said[-1]})" if said else ""


class Ended(KeyboardInterrupt):
    """Another signal than Ctrl-C's has come."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = signal.Signals(number)


def _end(number: int, _: object) -> NoReturn:
    raise Ended(number)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m sim.board", description=__doc__)
    parser.add_argument("--network", metavar="FILE", type=Path,
                        help="network file or run folder (default: the newest run)")
    parser.add_argument("--fold", metavar="PExSIMD,...",
                        help="as for python -m hw.build (default: a neuron at a time)")
    parser.add_argument("--reloadable", action="store_true",
                        help="as for python -m hw.build")
    parser.add_argument("--port", metavar="PATH", type=Path, default=Path("virtual-board"),
                        help="link to make to the terminal (default: %(default)s)")
    return parser.parse_args(argv)


@command()
def main(argv: list[str] | None = None) -> int:
    args, board = parse_args(argv), None
    for number in SIGNALS:
        signal.signal(number, _end)
    try:
        network = networks.load_dense(runs.network_file(args.network), "sim.board")
        plan = (folding.default(network.shape) if args.fold is None
                else folding.parse(args.fold, network.shape))
        if args.port.is_symlink() or args.port.exists():
            raise OSError(f"{args.port} exists already: remove it or choose another --port")
        with virtual_board(network, plan, reloadable=args.reloadable,
                           terminal=args.port) as board:
            print(f"a virtual board with {network} is at {args.port}; Ctrl-C ends it", flush=True)
            while board.is_alive:
                time.sleep(0.2)
    except ValueError as error:    # Of a network that no engine can be made of.
        raise SimulationFailed(str(error)) from error
    except Ended as ended:
        print(f"error: {ended.signal.name} has ended the virtual board", file=sys.stderr)
        return 128 + ended.signal
    except KeyboardInterrupt:
        if board is None:
            raise
    if board.tally.get("codes"):
        print(f"{board.tally['codes']:,} codes came; from the first to the last, the wire to the "
              f"board was busy for {board.busy:.1%} of the board's time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
