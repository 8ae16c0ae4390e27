"""The additions count what golden counts, and their bounds are what they say."""

from itertools import product

import numpy as np
import pytest

from hw import adder_graph
from sw.golden import forward

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
    x = every(weights.shape[1])
    assert np.array_equal(adder_graph.build(weights).evaluate(x), matches(weights, x))
