"""The clock that a design can have: the board's first, then the highest it was placed for."""

from pathlib import Path

import boards
from hw.blocks.wire import spi, uart
from hw.flow import building
from hw.flow.building import BuildError, TimingMissed
from hw.flow.report import Rates, Report
from hw.flow.tools import steps
from hw.flow.tools.family import FAMILIES
from hw.plan.plans import Plan
from sw.golden.network import Network
from sw.golden.split import Split

__all__ = ["build", "higher"]

PARTS = 1, 0.95    # Of the Fmax that was placed, what is tried.
WORTH = 1.02    # A second placement that gains less than this is not worth its time.


def higher(board: boards.Board, clock: float, fmax: float) -> float:
    """Return the highest clock from ``clock`` to ``fmax`` hertz that PLL and link can make.

    ``clock`` itself is one. Near most limits the divisor of the link's speed decides.
    """
    pll = FAMILIES[board.family].pll
    possible = [each.output for each in pll.settings(board.platform().default_clk_frequency)
                if clock <= each.output <= fmax and _carries(board, each.output)]
    return max(possible, default=clock)


def _carries(board: boards.Board, clock: float) -> bool:
    if board.link == "spi":
        return spi.keeps_up(clock, board.baud)
    return uart.makes(clock, board.baud)


def build(network: Network, board: boards.Board, plan: Plan, directory: Path, *, clock: float,
          seed: int, always: bool = False, reloadable: bool = False, split: Split | None = None,
          show: steps.Show = lambda step: None) -> Report:
    """Build with the board's ``clock``, then with the highest that the placement allows.

    The second build is made where it answers more images or codes a second, or ``always``, if the
    clock is at least 2 per cent higher. Another placement may miss what the first allows: then one
    more is tried that need not be so good, and if that misses too, or the tools fail at what nobody
    asked for, the first stays. So this takes as long as two builds, and in bad luck as three; the
    router of an ECP5 may be at the last megahertz for half an hour. Raises what
    :func:`building.build` does of the first.
    """
    def once(clock: float) -> Report:
        return building.build(network, board, plan, directory, clock=clock, seed=seed,
                              reloadable=reloadable, split=split, show=show)

    report = once(clock)
    first = report.clock_mhz * 1e6
    for part in PARTS:
        best = higher(board, first, part * report.fmax_mhz * 1e6)
        rates = [Rates(network, board, plan, each).link for each in (first, best)]
        if best < WORTH * first or not (always or rates[1] >= WORTH * rates[0]):
            break
        try:
            show(f"again at {best / 1e6:g} MHz, the placement allows {report.fmax_mhz:.1f}")
            return once(best)
        except BuildError as error:
            (directory / building.FAILED).unlink(missing_ok=True)    # What it says is no failure.
            show("missed" if isinstance(error, TimingMissed) else "failed")
    return report
