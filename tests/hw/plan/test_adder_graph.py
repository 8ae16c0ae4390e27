"""The additions count what golden counts, and their bounds are what they say."""

from itertools import product

import numpy as np
import pytest

from hw.plan import adder_graph
from sw.golden import forward
from sw.golden.network import Layer, Network, OutputLayer

SHAPES = [(1, 1), (1, 9), (5, 1), (4, 2), (8, 3), (3, 10), (16, 7), (10, 128), (70, 33), (128, 200)]


def matches(weights, x):
    return np.array([forward.counts(weights, each) for each in x])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_graph_counts_matches(shape):
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 2, shape, np.uint8)
    x = np.concatenate([weights, 1 - weights, rng.integers(0, 2, (100, shape[1]), np.uint8)])
    assert np.array_equal(adder_graph.build(weights).evaluate(x), matches(weights, x))


def every(n):
    return np.array(list(product((0, 1), repeat=n)), np.uint8)


@pytest.mark.parametrize("weights", [
    every(3), every(6), every(4)[::3], np.ones((5, 10), np.uint8), np.eye(9, dtype=np.uint8),
    np.repeat(every(5), 2, axis=1)], ids=lambda weights: str(weights.shape))
def test_every_input_of_small_layers(weights):
    x, graph = every(weights.shape[1]), adder_graph.build(weights)
    counts = graph.evaluate(x)
    assert np.array_equal(counts, matches(weights, x))
    for row, count in zip(graph.rows, counts.T):
        values = row.sign * (count - row.offset)
        assert (values.min(), values.max()) == (row.low, row.high)


@pytest.mark.parametrize("weights, cells", [
    ([[1], [0]], 0), ([[0, 1, 1, 0]], 3),
    # Two sums of two bits, their sum, the total turned, and a subtraction.
    ([[1, 1, 1, 1], [1, 1, 0, 0]], 2 + 2 + 3 + round(1.33 * (3 + 3)))], ids=str)
def test_what_a_graph_takes(weights, cells):
    assert adder_graph.build(np.array(weights, np.uint8)).cells == cells


def test_what_a_network_takes():
    network = Network([Layer(np.ones((3, 4), np.uint8), np.zeros(3, int))],
                      OutputLayer(np.ones((2, 3), np.uint8), np.array([0, 1])))
    layer, score = 3 + 3 * 3, 3    # A sum of four bits, three thresholds; scores of up to 4.
    assert adder_graph.cost(network) == layer + 2 + 2 * (score + 4 + 2 * score + 4 + 1)
