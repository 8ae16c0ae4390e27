"""Other ways to choose what is binary, at the same cost: what a search must beat."""

import random
from collections.abc import Iterator
from itertools import product

from ...mixbin.job import Settings
from ...mixbin.mask import DIVISOR, LAYERS, Mask, Shape, Unit
from ...mixbin.search import Held, harms
from ...mixbin.stack import Stack

__all__ = ["all_subsets", "filled", "leading", "random_mask", "sensitive"]


def filled(mask: Mask, order: list[Unit], budget: float, divisor: int = DIVISOR) -> Mask:
    """Free groups in this order, each that still fits the budget."""
    for unit in order:
        freed = mask.turned([unit], False)
        if freed.cost(divisor) <= budget:
            mask = freed
    return mask


def random_mask(shape: Shape, groups: int, budget: float, seed: int,
                divisor: int = DIVISOR) -> Mask:
    """Free groups in random order, until no other fits.

    >>> 0.14 < random_mask(Shape(), 8, 0.15, seed=1).cost() <= 0.15
    True
    """
    mask = Mask.of(shape, LAYERS, groups)
    order = mask.units(True)
    random.Random(seed).shuffle(order)
    return filled(mask, order, budget, divisor)


def leading(shape: Shape, groups: int, budget: float, divisor: int = DIVISOR) -> Mask:
    """Free what comes first, as long as it fits: the plain habit of the field.

    >>> print(leading(Shape(), 8, 0.15))
    conv1 00000000 conv2 00111111 conv3 11111111 code 11111111 hidden 11111111 readout 1
    """
    mask = Mask.of(shape, LAYERS, groups)
    for unit in mask.units(True):
        freed = mask.turned([unit], False)
        if freed.cost(divisor) > budget:
            break
        mask = freed
    return mask


def sensitive(stack: Stack, held: Held, settings: Settings, seed: int) -> Mask:
    """Rank all groups of a stack in full precision once, by harm for the work, and fill up.

    That is a search without rounds: it does not see how one choice changes another.
    """
    units = stack.mask.units(False)
    found = harms(stack, units, True, held, settings, "trial 0", seed)

    def worth(unit: Unit) -> float:
        return found[unit] / (1 - stack.mask.turned([unit], True).cost(settings.divisor))

    return filled(stack.mask.turned(units, True), sorted(units, key=worth, reverse=True),
                  settings.budget, settings.divisor)


def all_subsets(shape: Shape) -> Iterator[Mask]:
    """Return every choice of whole layers: 64 masks.

    >>> len({str(mask) for mask in all_subsets(Shape())})
    64
    """
    for chosen in product((False, True), repeat=len(LAYERS)):
        yield Mask(shape, tuple((each,) for each in chosen))
