"""Which engine a board gets, and what each choice would cost."""

import boards
from hw import accelerator
from hw.flow.building import BuildError
from hw.plan import choice, plans, serial_cost
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
    try:
        if folds is not None:
            plan: Plan = plans.parse(folds, network.signature)
        else:
            plan = _fastest(network, board, reloadable)
        accelerator.check(network, plan, reloadable=reloadable)
        return plan
    except DoesNotFit as error:
        raise BuildError(f"{network} does not fit {board.name}: it {error} that can be filled. "
                         "Train a smaller network or take a larger board") from None
    except ValueError as error:
        raise BuildError(str(error)) from None


def _fastest(network: Network, board: boards.Board, reloadable: bool) -> Plan:
    """Return the fastest plan that fits: a serial one where no other is or fits."""
    fabric, room = FABRICS[board.family], (int(FILL * board.logic_cells), board.block_rams)
    if network.signature.widths:
        if not reloadable and fabric.routes(network, board.logic_cells):
            return Hardwired()
        try:
            return choice.choose(network.shape, fabric, *room, reloadable=reloadable)
        except DoesNotFit:
            pass
    return serial_cost.choose(network.signature, board.family, *room, reloadable=reloadable)


def default_clock(board: boards.Board, plan: Plan) -> float:
    """Return the clock of an engine on a board, in hertz, where nobody asks for another."""
    special = (board.hardwired_clock if plan.is_logic else
               board.serial_clock if plan.is_serial else 0)
    return special or board.clock


def forecast(network: Network, board: boards.Board, plan: Plan, *,
             reloadable: bool = False) -> list[tuple[Plan, Cost]]:
    """List the plans worth a choice with what they would cost, ``plan`` among them."""
    fabric, choices = FABRICS[board.family], []
    if plan.is_serial:
        choices += serial_cost.front(network.signature, board.family, reloadable=reloadable)
    else:
        choices += choice.front(network.shape, fabric, reloadable=reloadable)
        if not reloadable and fabric.routable:
            choices.append((Hardwired(), fabric.price(network, Hardwired())))
    if plan not in [each for each, _ in choices]:
        choices.append((plan, plans.price(plan, network, board.family, reloadable=reloadable)))
    return sorted(choices, key=lambda each: plans.period(each[0], network.signature))


def forecast_table(network: Network, board: boards.Board, choices: list[tuple[Plan, Cost]],
                   plan: Plan, clock: float) -> str:
    """Line up the plans worth a choice, and mark the one that would be built."""
    lines = [f"{network} on {board.name}, which has {board.logic_cells} logic cells and "
             f"{board.block_rams} block RAMs, at {clock / 1e6:g} MHz; predicted:",
             "    cycles  inferences/s  logic cells  block RAMs  folding (PE x SIMD)"]
    for each, cost in choices:
        fits = cost.fits(int(FILL * board.logic_cells), board.block_rams)
        period = plans.period(each, network.signature)
        mark = ">" if each == plan else " "
        lines.append(f"  {mark} {period:6}  {clock / period:12,.0f}  {cost.logic_cells:11,}  "
                     f"{cost.block_rams:10}  {each}{'' if fits else '  (does not fit)'}")
    return "\n".join(lines)
