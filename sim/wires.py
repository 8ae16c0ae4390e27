"""Measure how many codes the wires of a board carry: ``python -m sim.wires --board icestick``.

The accelerator and its link are compiled by Verilator, with the board's clock. A host at the wires
has as many requests under way as sw.host has, and sends the next as soon as it hears an answer; it
loses no time itself. Each class must be golden's.

A --count of one more than a multiple of the requests under way gives the rate that lasts.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sw.golden import asking, frame
from sw.golden.bits import Bits
from sw.golden.errors import UserError
from sw.golden.network import Network
from sw.terminal import markdown, runs
from sw.terminal.command import Parser, command

if TYPE_CHECKING:
    import boards
    from hw.plan.plans import Plan

__all__ = ["Carried", "WiresError", "main", "measure"]

HEADING = ["link", "predicted, codes/s", "simulated, codes/s", "the wire to the board is in use"]
MOST = 10_000
LONGEST = 100    # Milliseconds.


class WiresError(UserError):
    """A class did not come or is not golden's; the message says which."""


@dataclass(frozen=True)
class Carried:
    """What a link has carried.

    Attributes
    ----------
    predicted : float
        Codes a second, where no byte is escaped.
    rate : float
        Codes a second, from the end of the first answer to that of the last.
    use : float
        Share of this time in which bits of requests were on the wire, by their number.
    """

    predicted: float
    rate: float
    use: float


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m sim.wires", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", metavar="FILE", type=Path,
                        help="network file or run folder (default: the newest run)")
    parser.add_argument("--board", metavar="NAME", default="icestick",
                        help="board with its clock and its links (default: %(default)s)")
    parser.add_argument("--fold", metavar="PExSIMD,...",
                        help="as for python -m hw.build (default: the fastest that fits)")
    parser.add_argument("--count", metavar="N", type=int, default=257,
                        help="how many codes (default: %(default)s)")
    parser.add_argument("--latency", metavar="MS", type=float, default=0,
                        help="milliseconds from an answer's end until the host hears of it, as of "
                             "USB (default: %(default)s)")
    return parser.parse_args(argv)


@command("nothing is measured")
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if not 2 <= args.count <= MOST:
        raise WiresError(f"--count must be of 2 to {MOST:,}, not {args.count}")
    if not 0 <= args.latency <= LONGEST:
        raise WiresError(f"--latency must be of 0 to {LONGEST} ms, not {args.latency:g}")
    # Imported here: --help needs no Amaranth.
    from hw.flow import choosing, cores
    from hw.flow.built import find_board
    from sw.golden import networks

    file = runs.network_file(args.network)
    network, board = networks.load(file), find_board(args.board)
    plan = choosing.choose(network, board, args.fold)
    codes = cores.vectors(network, args.count, runs.codes_file(file))
    rows = []
    for each in links(board, choosing.default_clock(board, plan)):
        carried = measure(network, each, plan, codes, args.latency / 1e3)
        rows.append([asking.speed(each.baud, each.link), f"{carried.predicted:,.0f}",
                     f"{carried.rate:,.0f}", f"{carried.use:.1%}"])
    print(f"{network} on {board.name}, {plan}; {args.count} classes are golden's, by each link")
    print(markdown.table(HEADING, rows))
    return 0


def links(board: "boards.Board", clock: float) -> "Iterator[boards.Board]":
    """Return the board with the fastest UART that its clock makes, and with SPI if it has that."""
    from hw.blocks.wire import uart
    from hw.flow.building import clocks

    made = clocks(board, clock)[0].output
    fastest = max((baud for baud in asking.BAUDS if baud <= board.max_baud
                   and uart.makes(made, baud)), default=board.baud)
    yield replace(board, baud=fastest)
    if board.spi:
        yield replace(board, link="spi", baud=asking.SPI_CLOCK)


def measure(network: Network, board: "boards.Board", plan: "Plan", codes: Bits,
            latency: float = 0) -> Carried:
    """Ask for the class of every code of ``(n, n_in)`` through the wires of a board's link.

    The host hears of an answer ``latency`` seconds after its end.

    Raises
    ------
    WiresError
        A class is missing, or is not golden's.
    """
    from hw.flow.building import clocks
    from hw.flow.choosing import default_clock
    from hw.flow.report import Rates
    from sim.ask import first_other
    from sw.golden import fast

    pll, divisor = clocks(board, default_clock(board, plan))
    requests = [frame.request(number % frame.N_SEQUENCES, code)
                for number, code in enumerate(codes)]
    ends, said = _ask(network, board, plan, pll.output, divisor, requests, latency)
    classes = [klass if sequence == number % frame.N_SEQUENCES else None
               for number, (sequence, klass) in enumerate(said)]
    if (wrong := first_other(network, codes, classes)) is not None:
        raise WiresError(f"over {asking.speed(board.baud, board.link)} the class of code {wrong} "
                         f"must be golden's, {fast.classify_all(network, codes)[wrong]}, and "
                         + (f"is {said[wrong][1]}" if wrong < len(said) else "none came"))
    seconds = (ends[-1] - ends[0]) * 1e-12
    sent = sum(map(len, requests[1:])) * 10 / board.as_uart
    return Carried(Rates(network, board, plan, pll.output).link, (len(codes) - 1) / seconds,
                   sent / seconds)


def _ask(network: Network, board: "boards.Board", plan: "Plan", clock: float, divisor: int,
         requests: list[bytes], latency: float) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return the picosecond at which each answer ended, and its sequence number and class."""
    from hw.accelerator import Accelerator
    from hw.flow.tools import verilog
    from hw.plan import plans
    from hw.wired import OverSpi, OverUart
    from sim import simulator

    accelerator = Accelerator(network, plan, clock=clock, baud=board.as_uart, room=board.room)
    wired = (OverSpi(accelerator, board.room) if board.link == "spi"
             else OverUart(accelerator, divisor))
    model = simulator.find("verilator").build(verilog.convert(wired, "wired"), "wired")
    at_once = accelerator.identity.at_once or len(asking.CODES) // 2
    patience = 1e-3 + sum(plans.cycles(plan, network.signature)) / clock
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "requests"), Path(folder, "answers")
        asked.write_bytes(b"".join(requests))
        model.run("sim.benches.wires", Path(folder), LINK=board.link, BAUD=str(board.baud),
                  OSCILLATOR=str(clock), PATIENCE=str(patience), LATENCY=str(latency),
                  REQUESTS=str(asked), ANSWERS=str(answered), AT_ONCE=str(at_once))
        rows = [tuple(map(int, line.split())) for line in answered.read_text().splitlines()]
    return np.array([row[0] for row in rows]), [row[1:] for row in rows]


if __name__ == "__main__":
    sys.exit(main())
