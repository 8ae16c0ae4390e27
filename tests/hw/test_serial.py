# amaranth: UnusedElaboratable=no
"""The serial engine equals golden: classes, every bit of every map, and its cycles."""

import numpy as np
import pytest

from hw.plan.serial import Serial
from hw.serial import SerialEngine
from sw.golden import bits, forward
from sw.golden.stages import Pool
from tests.serial import SETTLES, images_for, network_for, run

CASES = [
    ("13-7-3", 1, 4), ("20-10-4", 2, 8), ("16-8-10", 8, 8), ("9-5-3-7-2", 4, 8), ("40-6", 1, 16),
    ("3-1", 1, 1), ("5x4x1-3p-3", 1, 2),
    ("6x5x3:8-5-4", 1, 4), ("4x4x5:3-4s2-6", 2, 8), ("1x1x1:8-c3k1-2", 1, 4),
    ("7x7x1:8-4p-8s2-5-3", 2, 8), ("7x5x2-6k2p-d7-4", 4, 4), ("13x13x1:2-5k5s3b2p2p-3", 1, 4),
    ("6x3x16-9k1p3-20-3", 4, 16), ("5x7x2:7-3k3b0s2-9b2-11", 4, 8),
]


@pytest.mark.parametrize("text, pe, simd", CASES, ids=str)
def test_engine_equals_golden(text, pe, simd):
    network = network_for(text)
    images = images_for(network, 4)
    engine = SerialEngine(network, Serial(pe, simd))
    steps = [step for image in images for step in (image, SETTLES, "accept")]
    classes, accepts, times, maps = run(engine, steps, len(images))
    assert classes == forward.classify_all(network, images).tolist()
    assert times[0] - accepts[0] == engine.layout.latency
    assert maps == expected_maps(network, engine.layout, images[-1])


# Pixels; a map of bits first; a readout alone.
@pytest.mark.parametrize("text", ["6x5x3:8-5-4", "7x5x2-6k2p-d7-4", "40-6"])
def test_a_large_engine_equals_golden(monkeypatch, text):
    monkeypatch.setattr("hw.plan.serial.LARGE", 4)    # A large one is slow to simulate.
    assert [Serial(1, simd).layout(network_for(text).signature).read_latency
            for simd in (4, 8)] == [1, 2]
    test_engine_equals_golden(text, 2, 8)


def expected_maps(network, layout, image):
    """Return the words of all maps between the stages, borders and all that fills up included."""
    given = forward.trace(network, image)
    after = [*network.signature.stages[1:], None]
    maps = [each for each, stage in zip(given, after) if not isinstance(stage, Pool)][:-1]
    words = []
    for values, lie in zip(maps, layout.words[1:]):
        values = values.reshape(lie.map.shape)
        spread = np.zeros((*lie.map.shape[:2], lie.words, lie.width), np.uint8)
        for channel in range(lie.map.channels):
            spread[:, :, *lie.place(channel)] = values[..., channel]
        border = [(lie.border, lie.border)] * 2 + [(0, 0)] * 2
        words += [bits.to_int(word) for word in np.pad(spread, border).reshape(-1, lie.width)]
    return words


ENDURES = [    # Whose input is bytes, bits, and words of bytes; cycles between them.
    ("4x4x2:8-5-3", (0,)), ("3x5x3-16-3", (0, 30, 1)), ("24-6-3", (0,)), ("24-6-3", (0, 30, 1))]


def script(images, wait):
    """Return what may happen to a link, and which of the images are accepted."""
    one, two, three, four = images
    part = slice(None, 8)    # Within a word.
    return {
        "two while one is computed": ([one, wait, "accept", two, wait, "accept", three, wait,
                                       "accept"], [one, two, three]),
        "abort in the middle": ([one[part], wait, "abort", two, wait, "accept"], [two]),
        "abort of a whole one": ([one, "abort", two, wait, "accept", three[part], "abort",
                                  four, wait, "accept"], [two, four]),
        "abort of nothing": (["abort", "abort", one, wait, "accept", "abort", two, wait, "accept"],
                             [one, two]),
        "more than an image": ([one, two, three, wait, "abort", four, wait, "accept"], [four]),
        "accepted at once": ([one, "accept", two, "accept", three, "accept", four, "accept"],
                             [one, two, three, four]),
    }


@pytest.mark.parametrize("name", script(np.zeros((4, 1)), 0))
@pytest.mark.parametrize("text, gaps", ENDURES, ids=str)
def test_only_what_is_accepted_is_computed(text, gaps, name):
    network = network_for(text)
    steps, accepted = script(images_for(network, 6)[2:], SETTLES)[name]
    engine = SerialEngine(network, Serial(1, 8))
    classes, *_, maps = run(engine, steps, len(accepted), gaps)
    assert classes == forward.classify_all(network, accepted).tolist()
    assert maps == expected_maps(network, engine.layout, accepted[-1])


def test_waiting_images_follow_each_other_at_the_period():
    network = network_for("4x4x2:8-5-3")
    images = images_for(network, 4)
    engine = SerialEngine(network, Serial(2, 8))
    *_, times, _ = run(engine, [step for image in images for step in (image, "accept")], 4)
    assert np.diff(times).tolist() == [engine.layout.plan.period(network.signature)] * 3


def test_a_pool_needs_a_stage_before_it():
    with pytest.raises(ValueError, match=(
            r"^A serial engine cannot pool its input: let the network begin with a convolution or "
            r"a dense stage$")):
        SerialEngine(network_for("4x4x2-p-3-2"), Serial(1, 4))
