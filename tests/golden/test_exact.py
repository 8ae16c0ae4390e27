import numpy as np
import pytest

from sw.golden import exact, forward
from sw.golden.network import Layer

WEIGHTS = np.array([[0, 1, 1]], np.uint8)
INVERSE = [[1, 0, 0]]


@pytest.mark.parametrize("fires, weights, threshold", [
    ([0, 0, 0, 0], [[0, 1, 1]], 4), ([0, 0, 0, 1], [[0, 1, 1]], 3), ([0, 1, 1, 1], [[0, 1, 1]], 1),
    ([1, 1, 1, 1], [[0, 1, 1]], 0), ([1, 0, 0, 0], INVERSE, 3), ([1, 1, 1, 0], INVERSE, 1),
], ids=str)
def test_what_fires_becomes_a_threshold(fires, weights, threshold):
    layer = exact.layer_of(WEIGHTS, np.array(fires, bool)[:, None])
    assert (layer.weights.tolist(), layer.thresholds.tolist()) == (weights, [threshold])
    for number in range(8):
        x = np.array([number >> k & 1 for k in range(3)], np.uint8)
        assert forward.hidden(layer, x)[0] == fires[int((x == WEIGHTS[0]).sum())]


@pytest.mark.parametrize("fires", [[0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 1, 1], [1, 0, 0, 1]], ids=str)
def test_a_band_is_no_threshold(fires):
    steps = np.stack([np.array([0, 0, 1, 1], bool), np.array(fires, bool)], axis=1)
    with pytest.raises(exact.NotAThreshold, match=r"^Neuron 1 is not a threshold on its count$"):
        exact.layer_of(np.repeat(WEIGHTS, 2, axis=0), steps)


@pytest.mark.parametrize("least", [0, 1, 100, 255, 510, 765, 766])
@pytest.mark.parametrize("falls", [False, True])
def test_pixels_are_counted_by_the_value_of_their_bits(least, falls):
    fires = np.arange(766) >= least
    layer = exact.layer_of(WEIGHTS, (fires[::-1] if falls else fires)[:, None], bits=8)
    for x in np.random.default_rng(0).integers(0, 256, (50, 3), np.uint8):
        count = int(np.where(WEIGHTS[0] == 1, x, 255 - x.astype(int)).sum())
        count = 765 - count if falls else count
        assert forward.hidden(layer, x).tolist() == [count >= least]


@pytest.mark.parametrize("layer", [
    Layer(WEIGHTS, np.array([3])), Layer(WEIGHTS, np.array([1])),
    Layer(1 - WEIGHTS, np.array([2])), Layer(np.array([[0, 1, 0]], np.uint8), np.array([2])),
], ids=["above", "below", "inverted", "another weight"])
def test_another_layer_is_noticed(layer):
    fires = np.array([False, False, True, True])[:, None]
    exact.verify(Layer(WEIGHTS, np.array([2])), WEIGHTS, fires)
    with pytest.raises(exact.NotAThreshold):
        exact.verify(layer, WEIGHTS, fires)
