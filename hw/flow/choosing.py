"""Which engine a board gets, and what each choice would cost."""

import boards
from hw import accelerator
from hw.flow.building import BuildError
from hw.plan import choice, plans
from hw.plan.choice import DoesNotFit
from hw.plan.cost import FABRICS, Cost
from hw.plan.folding import Hardwired
from hw.plan.plans import Plan
from sw.golden.network import Network

__all__ = ["choose", "default_clock", "forecast", "forecast_table"]

# A part that is filled beyond this share is rarely placed.
FILL = 0.97


def choose(network: Network, board: boards.Board, folds: str | None, *,
           reloadable: bool = False) -> Plan:
    """Take the plan asked for, or the fastest that is predicted to fit.

    Raises
    ------
    BuildError
        The board has no room for it, or the network is none that can be built so.
    """
    fabric = FABRICS[board.family]
    try:
        if folds is not None:
            plan: Plan = plans.parse(folds, network.signature)
        elif not reloadable and fabric.routes(network, board.logic_cells):
            plan = Hardwired()
        else:
            plan = choice.choose(network.shape, fabric, int(FILL * board.logic_cells),
                                 board.block_rams, reloadable=reloadable)
        accelerator.check(network, plan, reloadable=reloadable)
        return plan
    except DoesNotFit as error:
        raise BuildError(f"{network} does not fit {board.name}: it {error} that can be filled. "
                         "Train a smaller network or take a larger board") from None
    except ValueError as error:
        raise BuildError(str(error)) from None


def default_clock(board: boards.Board, plan: Plan) -> float:
    """Return the clock of an engine on a board, in hertz, where nobody asks for another."""
    return board.hardwired_clock or board.clock if plan.is_logic else board.clock


def forecast(network: Network, board: boards.Board, plan: Plan, *,
             reloadable: bool = False) -> list[tuple[Plan, Cost]]:
    """List the plans worth a choice with what they would cost, ``plan`` among them."""
    fabric = FABRICS[board.family]
    choices = choice.front(network.shape, fabric, reloadable=reloadable)
    if not reloadable and fabric.routable:
        choices.append((Hardwired(), fabric.price(network, Hardwired())))
    if plan not in [each for each, _ in choices]:
        choices.append((plan, fabric.price(network, plan, reloadable=reloadable)))
    return sorted(choices, key=lambda each: each[0].period(network.shape))


def forecast_table(network: Network, board: boards.Board, choices: list[tuple[Plan, Cost]],
                   plan: Plan, clock: float) -> str:
    """Line up the plans worth a choice, and mark the one that would be built."""
    lines = [f"{network} on {board.name}, which has {board.logic_cells} logic cells and "
             f"{board.block_rams} block RAMs, at {clock / 1e6:g} MHz; predicted:",
             "    cycles  inferences/s  logic cells  block RAMs  folding (PE x SIMD)"]
    for each, price in choices:
        fits = price.fits(int(FILL * board.logic_cells), board.block_rams)
        period = each.period(network.shape)
        mark = ">" if each == plan else " "
        lines.append(f"  {mark} {period:6}  {clock / period:12,.0f}  {price.logic_cells:11,}  "
                     f"{price.block_rams:10}  {each}{'' if fits else '  (does not fit)'}")
    return "\n".join(lines)
