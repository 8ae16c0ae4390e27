"""A board without a board: ``python -m sim.board --network RUN``.

The accelerator's Verilog, compiled by Verilator, sits behind a pseudo-terminal. What talks to a
board through a serial port can talk to it, byte for byte. A byte takes as many cycles as on the
wires of an iCEBreaker, or a tenth of it to a serial engine, whose images are long; the seconds are
more.
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from hw.plan import plans
from sw.golden import networks
from sw.terminal import runs
from sw.terminal.command import Parser, command

__all__ = ["main"]

SIGNALS = signal.SIGTERM, signal.SIGHUP    # End it as Ctrl-C does: nothing is left behind.


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
                        help="as for python -m hw.build (default: a neuron at a time, or "
                             "'serial 4x32' for stages)")
    parser.add_argument("--reloadable", action="store_true",
                        help="as for python -m hw.build")
    parser.add_argument("--port", metavar="PATH", type=Path, default=Path("virtual-board"),
                        help="link to make to the terminal (default: %(default)s)")
    return parser.parse_args(argv)


@command()
def main(argv: list[str] | None = None) -> int:
    args, board = parse_args(argv), None
    # Imported here: --help needs no Amaranth.
    from sim.simulator import SimulationFailed
    from sim.virtual import virtual_board

    for number in SIGNALS:
        signal.signal(number, _end)
    try:
        network = networks.load(runs.network_file(args.network))
        plan = (plans.default(network.signature) if args.fold is None
                else plans.parse(args.fold, network.signature))
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
