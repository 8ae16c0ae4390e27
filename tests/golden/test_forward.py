import numpy as np
import pytest

from sw.golden import bits, forward
from sw.golden.network import Layer, Network, OutputLayer, random_network


def uint8(rows):
    return np.array(rows, np.uint8)


@pytest.mark.parametrize("x, expected", [
    ([0, 0, 0], [3, 0, 2]), ([1, 1, 1], [0, 3, 1]), ([1, 0, 0], [2, 1, 3]), ([0, 1, 1], [1, 2, 0]),
], ids=str)
def test_a_count_is_the_number_of_matches(x, expected):
    assert forward.counts(uint8([[0, 0, 0], [1, 1, 1], [1, 0, 0]]), uint8(x)).tolist() == expected


@pytest.mark.parametrize("n_in", [1, 8, 255, 256, 300])
def test_a_count_goes_from_none_to_all(n_in):
    weights = uint8([[1] * n_in, [0] * n_in])
    assert forward.counts(weights, uint8([1] * n_in)).tolist() == [n_in, 0]


def test_twice_the_count_less_n_in_is_the_sum_of_signs():
    rng = np.random.default_rng(0)
    weights, x = rng.integers(0, 2, (20, 33), np.uint8), rng.integers(0, 2, 33, np.uint8)
    sums = bits.to_signs(weights).astype(int) @ bits.to_signs(x)
    assert np.array_equal(2 * forward.counts(weights, x) - 33, sums)


@pytest.mark.parametrize("threshold, fires", [(0, 1), (1, 1), (2, 1), (3, 0), (4, 0), (5, 0)])
def test_a_count_equal_to_the_threshold_fires(threshold, fires):
    layer = Layer(uint8([[1, 1, 0, 0]]), np.array([threshold]))
    assert forward.hidden(layer, uint8([1, 1, 1, 1])).tolist() == [fires]    # The count is 2.


@pytest.mark.parametrize("x", [[0, 0], [0, 1], [1, 0], [1, 1]], ids=str)
def test_thresholds_of_0_and_beyond_n_in_mean_always_and_never(x):
    layer = Layer(uint8([x, x, [0, 1], [0, 1]]), np.array([0, 3, 0, 3]))
    assert forward.hidden(layer, uint8(x)).tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize("offsets, scores, klass", [
    ([0, 0, 0], [1, 2, 2], 1),      # The lowest index wins a tie.
    ([1, 0, 0], [2, 2, 2], 0),
    ([0, 0, 1], [1, 2, 3], 2),
    ([65_535, 0, 0], [65_536, 2, 2], 0),
], ids=str)
def test_the_highest_score_wins_and_the_lowest_index_a_tie(offsets, scores, klass):
    readout = OutputLayer(uint8([[1, 0], [1, 1], [1, 1]]), np.array(offsets))
    x = uint8([1, 1])
    assert forward.scores(readout, x).tolist() == scores
    assert forward.classify(Network([], readout), x) == klass


@pytest.mark.parametrize("shape", [(9, 4), (20, 13, 5), (17, 16, 9, 3), (1, 1, 2)], ids=str)
def test_a_network_is_what_matrices_of_signs_say(shape):
    network = random_network(shape, seed=1)
    codes = np.random.default_rng(2).integers(0, 2, (50, shape[0]), np.uint8)
    x = codes.astype(int)
    for layer in network.layers:
        sums = (2 * x - 1) @ (2 * layer.weights.astype(int) - 1).T
        x = (sums >= 2 * layer.thresholds - layer.n_in).astype(int)
    scores = (2 * x - 1) @ (2 * network.readout.weights.astype(int) - 1).T
    expected = (scores + 2 * network.readout.offsets).argmax(axis=1)
    assert forward.classify_all(network, codes).tolist() == expected.tolist()
