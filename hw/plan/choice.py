"""The fastest engine that fits a part. Numbers only: nothing here makes hardware."""

from collections.abc import Sequence
from typing import TypeVar

from hw.plan.cost import Cost, Fabric
from hw.plan.folding import Folding, candidates
from sw.golden.errors import UserError

__all__ = ["DoesNotFit", "choose", "fastest", "front"]

Priced = TypeVar("Priced")    # A plan, of whatever kind.


class DoesNotFit(UserError):
    """No engine for a network fits a part; the message says what it needs and what there is."""


def choose(shape: Sequence[int], fabric: Fabric, logic_cells: int, block_rams: int, *,
           reloadable: bool = False) -> Folding:
    """Find the folding with the highest rate that is predicted to fit; of equals the smallest.

    Raises
    ------
    DoesNotFit
        Not even the smallest does.
    """
    return fastest([(folding.period(shape), folding,
                     fabric.cost(shape, folding, reloadable=reloadable))
                    for folding in candidates(shape)], logic_cells, block_rams)


def fastest(priced: Sequence[tuple[int, Priced, Cost]], logic_cells: int,
            block_rams: int) -> Priced:
    """Return, of plans with their cycles an inference and their costs, the fastest that fits.

    Of equals it is the smallest. Raises :exc:`DoesNotFit` as :func:`choose`.
    """
    fitting = [(period, cost.logic_cells, number)
               for number, (period, _, cost) in enumerate(priced)
               if cost.fits(logic_cells, block_rams)]
    if not fitting:
        needed = min((cost for _, _, cost in priced),
                     key=lambda cost: (max(cost.block_rams - block_rams, 0), cost.logic_cells))
        raise DoesNotFit(f"needs about {needed.logic_cells} logic cells and {needed.block_rams} "
                         f"block RAMs at the least; there are {logic_cells} and {block_rams}")
    return priced[min(fitting)[2]][1]


def front(shape: Sequence[int], fabric: Fabric, *,
          reloadable: bool = False) -> list[tuple[Folding, Cost]]:
    """List the foldings than which none is both faster and smaller, the fastest first."""
    best: list[tuple[Folding, Cost]] = []
    for folding in sorted(candidates(shape), key=lambda each: each.period(shape)):
        price = fabric.cost(shape, folding, reloadable=reloadable)
        if not best or price.logic_cells < best[-1][1].logic_cells:
            if best and folding.period(shape) == best[-1][0].period(shape):
                best.pop()
            best.append((folding, price))
    return best
