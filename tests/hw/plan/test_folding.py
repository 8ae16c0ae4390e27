"""Foldings are numbers: what is complete, what is refused."""

from math import ceil

import pytest

from hw.plan.folding import Fold, Folding, Hardwired, candidates, default, parse


@pytest.mark.parametrize("shape", [(200, 128, 10), (200, 128, 2), (7, 5, 3, 300), (8, 4)])
def test_the_readout_keeps_pace_where_it_can(shape):
    *layers, readout = default(shape).cycles(shape)
    whole = default(shape).per_word(shape[-2]) == shape[-2]
    assert readout <= max(layers, default=0) or whole


def test_without_layers():
    assert default((64, 10)) == Folding([], 64)


def test_hardwired_takes_a_cycle():
    assert Hardwired().period((64, 32, 10)) == 1 and Hardwired().cycles((64, 32, 10)) == (1, 1)


@pytest.mark.parametrize("simd", [0, -3, 9])
def test_the_readout_takes_some_of_its_bits(simd):
    with pytest.raises(ValueError, match=(
            rf"^A readout of 8 bits must take 1 to 8 at a time, not {simd}$")):
        Folding([Fold(1, 4)], simd).check((4, 8, 2))


@pytest.mark.parametrize("text, said", [
    ("1", r"Folds must be like 2x64,1x32 \(PE x SIMD of each layer\) or hardwired, not '1'"),
    ("1x-2", r"Folds must be like 2x64,1x32 \(PE x SIMD of each layer\) or hardwired, "
             r"not '1x-2'"),
    ("1x8,1x8", r"A network of 1 layers needs as many folds, not 2"),
    ("1x9", r"A fold of a layer of 4 neurons with 8 inputs must have PE 1 to 4 and SIMD 1 to 8, "
            r"not PE 1 and SIMD 9")])
def test_wrong_folds(text, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        parse(text, (8, 4, 2))


@pytest.mark.parametrize("text, shape", [
    ("1x200", (200, 128, 10)), ("2x64,1x32", (64, 33, 16, 4)), ("none", (64, 10)),
    ("hardwired", (64, 10))])
def test_a_plan_reads_as_it_is_written(text, shape):
    plan = parse(text, shape)
    assert str(plan) == text and parse(str(plan), shape) == plan


def test_candidates_have_every_number_of_neurons_and_few_slices():
    cycles = {folding.layers[0].cycles(200, 128) for folding in candidates((200, 128, 10))}
    assert cycles >= {ceil(128 / pe) for pe in range(1, 65)}
    assert cycles >= {128 * slices for slices in range(1, 9)}
