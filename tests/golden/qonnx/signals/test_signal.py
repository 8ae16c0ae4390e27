"""The example that :mod:`sw.golden.qonnx.signals.signal` begins with."""

import numpy as np

from sw.golden.qonnx.file.ranges import find_range
from sw.golden.qonnx.recognised import layers
from sw.golden.qonnx.signals.signal import from_input

WEIGHTS = np.array([[1], [-1], [1]], np.float32)


def test_a_table_becomes_a_threshold():
    signs = from_input((3,), find_range("float32", "BIPOLAR"))
    sums = layers.begin(signs, WEIGHTS)
    assert sums.table.ravel().tolist() == [-3, -1, 1, 3]
    half = sums.then(lambda rows: rows * np.float32(0.5))
    assert half.table.ravel().tolist() == [-1.5, -0.5, 0.5, 1.5]
    moved = half.then(lambda rows: rows + np.float32(0.25))
    assert moved.table.ravel().tolist() == [-1.25, -0.25, 0.75, 1.75]
    bit = moved.then(lambda rows: np.where(rows >= 0, 1, -1).astype(np.float32))
    assert bit.table.ravel().tolist() == [-1, -1, 1, 1]
    layer, = layers.finish(layers.begin(bit, np.array([[1, -1]], np.float32))).network.layers
    assert layer.weights.tolist() == [[1, 0, 1]] and layer.thresholds.tolist() == [2]


def test_an_element_knows_what_it_is_made_of():
    signs = from_input((3,), find_range("float32", "BIPOLAR"))
    turned = signs.then(lambda rows: rows[:, ::-1], made_of=signs.made_of[::-1])
    assert turned.made_of.tolist() == [2, 1, 0] and turned.places.tolist() == [2, 1, 0]
    network = layers.finish(layers.begin(turned, np.array([[1, 1], [1, -1], [-1, -1]],
                                                          np.float32))).network
    assert network.readout.weights.tolist() == [[0, 1, 1], [0, 0, 1]]
