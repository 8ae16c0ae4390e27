"""Foldings are numbers: what is chosen, what it costs, what is refused."""

import pytest

from hw.folding import DoesNotFit, Fold, Folding, choose, cost, default

HX1K = (1075, 16)


@pytest.mark.parametrize("shape, slowest", [
    ((200, 128, 10), 256), ((200, 128, 2), 256), ((20, 9, 3), 9), ((64, 32, 32, 4), 32)])
def test_the_fastest_that_fits(shape, slowest):
    folding = choose(shape, *HX1K)
    assert max(folding.cycles(shape)) == slowest
    price = cost(shape, folding)
    assert (price.logic_cells, price.block_rams) <= HX1K


@pytest.mark.parametrize("simd, readout, placed", [(200, 11, 1171), (100, 6, 1024), (50, 4, 933)])
def test_predicted_cells_are_near_the_placed_ones(simd, readout, placed):
    predicted = cost((200, 128, 10), Folding([Fold(1, simd)], readout)).logic_cells
    assert predicted == pytest.approx(placed, rel=0.05)


@pytest.mark.parametrize("shape", [(200, 128, 10), (200, 128, 2), (7, 5, 3, 300), (8, 4)])
def test_the_readout_keeps_pace_where_it_can(shape):
    *layers, readout = default(shape).cycles(shape)
    whole = default(shape).per_word(shape[-2]) == shape[-2]
    assert readout <= max(layers, default=0) or whole


def test_what_does_not_fit_says_what_it_needs():
    with pytest.raises(DoesNotFit, match=(
            r"^needs about \d+ logic cells and 29 block RAMs at the least; "
            r"there are 1075 and 16$")):
        choose((200, 512, 10), *HX1K)
