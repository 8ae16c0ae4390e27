"""A serial engine's numbers: what is refused, where words are, how long it takes."""

import numpy as np
import pytest

from hw.plan.cost import FABRICS
from hw.plan.layout import banks
from hw.plan.serial import Serial
from hw.plan.words import Words
from sw.golden.stages import Map, Signature


@pytest.mark.parametrize("plan", [Serial(1, 1), Serial(1, 16), Serial(64, 64)], ids=str)
def test_a_plan_reads_as_it_is_written(plan):
    assert Serial.parse(str(plan)) == plan


@pytest.mark.parametrize("text", ["1x16", "serial 1x", "serial 01x16", "serial 1x16 ", "serial x",
                                  "serial -1x4", "serial \u0661x4"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match=(
            r"^A serial engine must be like 'serial 1x16' \(PE x SIMD\), not '")):
        Serial.parse(text)


@pytest.mark.parametrize("pe, simd", [(0, 4), (3, 4), (1, 12), (8, 4)])
def test_other_sizes_are_refused(pe, simd):
    with pytest.raises(ValueError, match=(
            rf"^A serial engine must have a power of two of synapses, and of neurons no more than "
            rf"that, not {pe}x{simd}$")):
        Serial(pe, simd)


@pytest.mark.parametrize("words", [
    Words(Map(4, 5, 16), 1, 1, 16), Words(Map(4, 5, 17), 0, 1, 16), Words(Map(1, 1, 40), 0, 8, 2),
    Words(Map(3, 3, 33), 2, 4, 4), Words(Map(2, 2, 7, 8), 1, 1, 4), Words(Map(2, 3, 3, 5), 0, 1, 3),
    Words(Map(1, 1, 1), 0, 16, 1)], ids=[
        "whole", "a bit more", "bytes", "four at a time", "pixels", "one word", "one bit"])
def test_every_channel_has_a_place_and_the_last_word_is_full(words):
    places = [words.place(channel) for channel in range(words.units * words.unit)]
    filled = np.array([word * words.per_word * words.unit + at for word, at in places])
    assert filled[-1] == words.words * words.per_word * words.unit - 1
    assert (np.diff(filled) == 1).all() and filled[0] >= 0


@pytest.mark.parametrize("words, first, last, size", [
    (Words(Map(2, 3, 4), 0, 1, 4), 0, 5, 6), (Words(Map(2, 3, 8), 1, 1, 4), 12, 27, 40),
    (Words(Map(1, 1, 1, 8), 4, 1, 1), 40, 40, 81)], ids=["none", "one", "wide"])
def test_a_border_lies_around(words, first, last, size):
    assert (words.first, words.last, words.size) == (first, last, size)


@pytest.mark.parametrize("width, depth, parts", [
    (16, 1, [1]), (16, 256, [256]), (16, 1944, [1944]), (16, 3176, [2048, 1024, 104]),
    (16, 1200, [1024, 176]), (16, 5000, [2048, 2048, 904]), (512, 600, [600]),
    (512, 1100, [1024, 76])])
def test_a_deep_memory_is_cut(width, depth, parts):
    assert banks(width, depth) == parts


@pytest.mark.parametrize("text, plan, rams", [    # As placed.
    ("28x28x1:8-16s2-32p-64p-10", Serial(1, 16), 15), ("784-64-10", Serial(1, 16), 16),
    ("200-128-10", Serial(1, 8), 10), ("28x28x1:8-32s2-64p-64p-10", Serial(2, 32), 30),
    ("32x32x3:8-16-32p-32p-10", Serial(4, 16), 39)], ids=str)
def test_block_rams_of_an_ice40(text, plan, rams):
    memories = plan.layout(Signature.parse(text)).memories
    assert sum(FABRICS["ice40"].rams(*memory)[0] for memory in memories) == rams


def test_cycles_are_the_loops_and_what_lies_between():
    signature = Signature.parse("28x28x1:8-16s2-32p-64p-10")
    windows = 14 * 14 * 16 * 9, 14 * 14 * 32 * 9, 6 * 6 * 64 * 18, 10 * 36
    assert Serial(1, 16).cycles(signature) == tuple(each + 10 for each in windows)
