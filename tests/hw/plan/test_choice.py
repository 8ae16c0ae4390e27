"""The fastest that fits, and what is said when nothing does."""

import pytest

from hw.plan.choice import DoesNotFit, choose, front
from hw.plan.cost import FABRICS
from hw.plan.folding import Folding, candidates

HX1K = (FABRICS["ice40"], 1241, 16)


@pytest.mark.parametrize("shape, slowest", [
    ((200, 128, 10), 128), ((200, 128, 2), 128), ((20, 9, 3), 3), ((64, 32, 16, 4), 16)])
def test_the_fastest_that_fits(shape, slowest):
    fabric, logic_cells, block_rams = HX1K
    folding = choose(shape, *HX1K)
    assert folding.period(shape) == slowest
    price = fabric.cost(shape, folding)
    assert price.logic_cells <= logic_cells and price.block_rams <= block_rams


def test_without_layers():
    assert choose((64, 10), *HX1K) == Folding([], 64)


@pytest.mark.parametrize("family", FABRICS)
@pytest.mark.parametrize("shape", [(200, 128, 10), (784, 64, 64, 64, 10), (64, 10), (9, 7, 5, 2)])
def test_on_the_front_faster_is_larger(family, shape):
    choices = front(shape, FABRICS[family])
    periods = [folding.period(shape) for folding, _ in choices]
    cells = [price.logic_cells for _, price in choices]
    assert periods == sorted(set(periods)) and cells == sorted(set(cells), reverse=True)
    for folding, _ in choices:
        folding.check(shape)
    every = list(candidates(shape))
    assert periods[0] == min(folding.period(shape) for folding in every)
    assert cells[-1] == min(FABRICS[family].cost(shape, each).logic_cells for each in every)


def test_what_does_not_fit_says_what_it_needs():
    with pytest.raises(DoesNotFit, match=(
            r"^needs about \d+ logic cells and 30 block RAMs at the least; "
            r"there are 1241 and 16$")):
        choose((200, 512, 10), *HX1K)
