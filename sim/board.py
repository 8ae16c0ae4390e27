"""A board without a board: ``python -m sim.board --network RUN``.

The accelerator's Verilog, compiled by Verilator, sits behind a pseudo-terminal. What talks to a
board through a serial port can talk to it, byte for byte. A byte takes as many cycles as on the
wires of an iCEBreaker; the seconds are more.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hw import folding, verilog
from hw.accelerator import Accelerator
from hw.folding import Plan
from sim import simulator
from sim.simulator import SimulationFailed
from sw.golden import runs
from sw.golden.command import Parser, command
from sw.golden.network import Network

__all__ = ["BYTE", "VirtualBoard", "main", "virtual_board"]

YEAR = 365 * 24 * 3600.0    # A board has no deadline.
BYTE = 120    # Cycles that a byte is on the wire: ten bits at 3 MBd, clocked with 36 MHz.


@dataclass
class VirtualBoard:
    """A virtual board at work.

    Attributes
    ----------
    terminal : Path
        What answers.
    tally : dict
        When it has ended: what :mod:`sim.bench_virtual` counted.
    """

    terminal: Path
    tally: dict[str, int] = field(default_factory=dict)

    @property
    def busy(self) -> float:
        """Share of its time, from the first code to the last, in which bytes came to the board."""
        return self.tally["bytes"] * BYTE / max(1, self.tally["cycles"])


@contextmanager
def virtual_board(network: Network, plan: Plan, *, reloadable: bool,
                  terminal: Path | None = None) -> Iterator[VirtualBoard]:
    """Give a board that answers at a terminal until the context is left.

    Raises
    ------
    SimulationFailed
        The simulator stopped by itself; raised when the context is left.
    """
    source = verilog.convert(Accelerator(network, plan, reloadable=reloadable), "accelerator")
    model = simulator.find("verilator").build(source, "accelerator")
    failures: list[Exception] = []
    with tempfile.TemporaryDirectory() as folder:
        virtual = VirtualBoard((terminal or Path(folder, "tty")).absolute())
        tally = Path(folder, "tally.json").absolute()

        def serve() -> None:
            try:
                model.run("sim.bench_virtual", Path(folder), deadline=YEAR, BYTE=str(BYTE),
                          TERMINAL=str(virtual.terminal), TALLY=str(tally))
            except SimulationFailed as error:
                failures.append(error)

        board = threading.Thread(target=serve)
        board.start()
        while not virtual.terminal.exists() and board.is_alive():
            time.sleep(0.05)
        try:
            yield virtual
        finally:
            virtual.terminal.unlink(missing_ok=True)
            board.join()
            if tally.exists():
                virtual.tally = json.loads(tally.read_text())
    if failures:
        raise failures[0]


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
    try:
        network = Network.load(runs.network_file(args.network))
        plan = (folding.default(network.shape) if args.fold is None
                else folding.parse(args.fold, network.shape))
        if args.port.is_symlink() or args.port.exists():
            raise OSError(f"{args.port} exists already: remove it or choose another --port")
        with virtual_board(network, plan, reloadable=args.reloadable,
                           terminal=args.port) as board:
            print(f"a virtual board with {network} is at {args.port}; Ctrl-C ends it", flush=True)
            while board.terminal.is_symlink():
                time.sleep(0.2)
    except ValueError as error:    # Of a network that no engine can be made of.
        raise SimulationFailed(str(error)) from error
    except KeyboardInterrupt:
        if board is None:
            raise
    if board.tally.get("codes"):
        print(f"{board.tally['codes']:,} codes came; from the first to the last, the wire to the "
              f"board was busy for {board.busy:.1%} of the board's time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
