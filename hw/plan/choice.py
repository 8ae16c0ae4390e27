"""The fastest engine that fits a part. Numbers only: nothing here makes hardware."""

from collections.abc import Sequence

from hw.plan.cost import Cost, Fabric
from hw.plan.folding import Folding, candidates
from sw.golden.errors import UserError

__all__ = ["DoesNotFit", "choose", "front"]


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
    priced = [(folding, fabric.cost(shape, folding, reloadable=reloadable))
              for folding in candidates(shape)]
    fitting = [(folding.period(shape), price.logic_cells, number)
               for number, (folding, price) in enumerate(priced)
               if price.fits(logic_cells, block_rams)]
    if not fitting:
        needed = min((price for _, price in priced),
                     key=lambda price: (max(price.block_rams - block_rams, 0), price.logic_cells))
        raise DoesNotFit(f"needs about {needed.logic_cells} logic cells and {needed.block_rams} "
                         f"block RAMs at the least; there are {logic_cells} and {block_rams}")
    return priced[min(fitting)[2]][0]


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
