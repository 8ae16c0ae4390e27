"""Build the accelerator for a board: ``python -m hw.build --board icestick``."""

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import boards
from sw.golden import asking, networks
from sw.golden.errors import UserError
from sw.golden.network import Network
from sw.golden.qonnx import executor, reader
from sw.golden.split import Split
from sw.terminal import runs
from sw.terminal.command import Parser, command

if TYPE_CHECKING:
    from hw.flow.report import Report
    from hw.plan.plans import Plan

__all__ = ["main"]

BEST = "best"


def find_split(network: Path) -> Split | None:
    """Read what host and board do from the file beside a network's, if there is one."""
    path = network.with_name("split.json")
    return Split.load(path) if path.exists() else None


def megahertz(text: str) -> float | str:
    """Read a frequency in MHz; return hertz, or ``best`` as it is."""
    if text == BEST:
        return text
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be a positive number of MHz, not {text!r}")
    return value * 1e6


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m hw.build", description=__doc__)
    parser.add_argument("--board", metavar="NAME", required=True,
                        help=f"board to build for, one of: {', '.join(boards.NAMES)}")
    parser.add_argument("--network", metavar="FILE", type=Path,
                        help="network file or run folder (default: the newest run)")
    parser.add_argument("--clock", metavar="MHZ", type=megahertz,
                        help="clock the engine with at most MHZ, or best, as placed "
                             "(default: what the board can; the best where images wait for it)")
    parser.add_argument("--baud", metavar="N", type=int, choices=asking.BAUDS,
                        help=f"speed of the link, one of: {', '.join(map(str, asking.BAUDS))} "
                             "(default: what all hosts of the board can do)")
    parser.add_argument("--link", choices=("uart", "spi"), default="uart",
                        help="what the host is connected by; spi: at the board's PMOD, a clock "
                             f"of at most {asking.SPI_CLOCK / 1e6:g} MHz (default: %(default)s)")
    parser.add_argument("--fold", metavar="PExSIMD,...",
                        help="neurons and synapses a cycle of each layer, like 1x200, or hardwired "
                             "(default: the fastest that fits)")
    parser.add_argument("--reloadable", action="store_true",
                        help="let the host load other networks of this shape: python -m hw.load")
    parser.add_argument("--dry-run", action="store_true",
                        help="predict size and speed of every choice, build nothing")
    parser.add_argument("--plot", metavar="FILE", type=Path,
                        help="with --dry-run: draw the choices too, as .png, .svg or .pdf")
    parser.add_argument("--seed", metavar="N", type=int, default=1,
                        help="placement seed (default: %(default)s)")
    parser.add_argument("--out", metavar="DIR", type=Path,
                        help="folder of the bitstream (default: build/BOARD beside the network)")
    parser.add_argument("--program", action="store_true",
                        help="load the bitstream into the board afterwards")
    args = parser.parse_args(argv)
    if args.reloadable and args.link == "spi":
        parser.error("--reloadable needs the UART, by which python -m hw.load loads: leave it or "
                     "--link spi out")
    if args.baud and args.link == "spi":
        parser.error("--baud is the speed of a UART; SPI has the clock of its controller: leave "
                     "one of them out")
    if args.plot and not args.dry_run:
        parser.error("--plot draws the choices of --dry-run: give that too")
    if args.program and args.dry_run:
        parser.error("--dry-run builds nothing that --program could load: leave one of them out")
    return args


@command("there is no bitstream")
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    # Imported here, and below: --help needs no Amaranth.
    from hw.flow.built import find_board
    from hw.flow.choosing import choose, default_clock
    from hw.flow.programming import program

    board = find_board(args.board)
    board = _linked(board, args.link, args.baud)
    file = runs.network_file(args.network)
    directory = args.out or file.parent / "build" / args.board
    network = networks.load(file)
    inputs = None
    if file.suffix == ".onnx":
        inputs = reader.load(file).inputs
        print(f"{file} is {executor.check(file)}")
    plan = choose(network, board, args.fold, reloadable=args.reloadable)
    clock = default_clock(board, plan) if args.clock in (None, BEST) else args.clock
    if args.dry_run:
        _forecast(network, board, plan, clock, args.reloadable, args.plot)
        return 0
    print(f"building {file} for {board.name} in {directory}", flush=True)
    report = _show_build(args.clock, network, board, plan, directory, clock=clock, seed=args.seed,
                         reloadable=args.reloadable, split=find_split(file))
    print(report.table())
    if inputs:
        print(f"  input        {inputs}")
    print(f"  bitstream    {directory / report.bitstream}")
    return program(board, directory) if args.program else 0


def _linked(board: boards.Board, link: str, baud: int | None) -> boards.Board:
    """Return a board with the link that is asked for."""
    if link == "uart":
        return replace(board, baud=baud or board.baud)
    if not board.spi:
        able = [name for name in boards.NAMES if boards.find(name).spi]
        raise UserError(f"{board.name} has no pins for SPI here; boards that have: "
                        f"{', '.join(able)}")
    return replace(board, link=link, baud=asking.SPI_CLOCK)


def _show_build(asked: float | str | None, *args, **settings) -> "Report":
    """Build with the clock that is asked for, and show the steps; say which variables are not
    heeded."""
    from hw.flow import building, clocking
    from hw.flow.tools import toolchain
    from hw.flow.tools.steps import Steps

    if names := toolchain.ignored():
        print(f"  ignored from the environment: {', '.join(names)}")
    shown = Steps()
    try:
        if asked in (None, BEST):
            return clocking.build(*args, **settings, always=asked == BEST, show=shown)
        return building.build(*args, **settings, show=shown)
    finally:
        shown.close()


def _forecast(network: Network, board: boards.Board, plan: "Plan", clock: float, reloadable: bool,
              file: Path | None) -> None:
    """Print what is predicted of the choices, and draw it to ``file``."""
    from hw.flow.building import clocks
    from hw.flow.choosing import default_clock, forecast, forecast_table
    from hw.flow.compared import plots as plot
    from hw.flow.report import Rates

    usual, clock = default_clock(board, plan), clocks(board, clock)[0].output
    choices = forecast(network, board, plan, reloadable=reloadable)
    print(forecast_table(network, board, choices, plan, clock))
    if clock > usual:
        print(f"{board.name} is known to do {usual / 1e6:g} MHz: whether this engine does "
              f"{clock / 1e6:g} is known when it is placed")
    if file:
        plot.draw_front(
            choices, plan, network.signature,
            title=f"{network} on {board.name} at {clock / 1e6:g} MHz",
            clock=clock, logic_cells=board.logic_cells, block_rams=board.block_rams, file=file,
            link_rate=Rates(network, board, plan, clock).link)
        print(f"the picture is in {file}")


if __name__ == "__main__":
    sys.exit(main())
