"""Foldings are numbers: what is chosen, what it costs, what is refused."""

import pytest

from hw.folding import DoesNotFit, Fold, Folding, choose, cost, default, front, parse, with_readout

HX1K = (1241, 16)


@pytest.mark.parametrize("shape, slowest", [
    ((200, 128, 10), 128), ((200, 128, 2), 128), ((20, 9, 3), 3), ((64, 32, 16, 4), 16)])
def test_the_fastest_that_fits(shape, slowest):
    folding = choose(shape, *HX1K)
    assert max(folding.cycles(shape)) == slowest
    price = cost(shape, folding)
    assert (price.logic_cells, price.block_rams) <= HX1K


@pytest.mark.parametrize("shape, simds, placed", [
    ((200, 128, 10), [200], 1235), ((200, 128, 10), [100], 1091), ((200, 128, 10), [50], 994),
    ((200, 128, 10), [25], 918), ((200, 128, 2), [200], 1157), ((64, 64, 10), [64], 728),
    ((64, 32, 16, 4), [32, 16], 785)])
def test_predicted_cells_are_near_the_placed_ones(shape, simds, placed):
    predicted = cost(shape, with_readout(shape, [Fold(1, simd) for simd in simds])).logic_cells
    assert predicted == pytest.approx(placed, rel=0.05)


@pytest.mark.parametrize("shape", [(200, 128, 10), (200, 128, 2), (7, 5, 3, 300), (8, 4)])
def test_the_readout_keeps_pace_where_it_can(shape):
    *layers, readout = default(shape).cycles(shape)
    whole = default(shape).per_word(shape[-2]) == shape[-2]
    assert readout <= max(layers, default=0) or whole


def test_without_layers():
    assert default((64, 10)) == choose((64, 10), *HX1K) == Folding([], 64)


@pytest.mark.parametrize("simd", [0, -3, 9])
def test_the_readout_takes_some_of_its_bits(simd):
    with pytest.raises(ValueError, match=(
            rf"^A readout of 8 bits must take 1 to 8 at a time, not {simd}$")):
        Folding([Fold(1, 4)], simd).check((4, 8, 2))


@pytest.mark.parametrize("shape", [(200, 128, 10), (784, 64, 64, 64, 10), (64, 10), (9, 7, 5, 2)])
def test_on_the_front_faster_is_larger(shape):
    periods = [folding.period(shape) for folding, _ in front(shape)]
    cells = [price.logic_cells for _, price in front(shape)]
    assert periods == sorted(set(periods)) and cells == sorted(set(cells), reverse=True)
    for folding, _ in front(shape):
        folding.check(shape)


@pytest.mark.parametrize("text, said", [
    ("1", r"Folds must be like 2x64,1x32 \(PE x SIMD of each layer\), not '1'"),
    ("1x-2", r"Folds must be like 2x64,1x32 \(PE x SIMD of each layer\), not '1x-2'"),
    ("1x8,1x8", r"A network of 1 layers needs as many folds, not 2"),
    ("1x9", r"A fold of a layer of 4 neurons with 8 inputs must have PE 1 to 4 and SIMD 1 to 8, "
            r"not PE 1 and SIMD 9")])
def test_wrong_folds(text, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        parse(text, (8, 4, 2))


def test_what_does_not_fit_says_what_it_needs():
    with pytest.raises(DoesNotFit, match=(
            r"^needs about \d+ logic cells and 29 block RAMs at the least; "
            r"there are 1241 and 16$")):
        choose((200, 512, 10), *HX1K)
