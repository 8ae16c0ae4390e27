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
