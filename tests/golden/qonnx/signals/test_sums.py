"""The sums of a layer by count, and how far a program may be from them."""

from itertools import product

import numpy as np
import pytest

from sw.golden.qonnx.file.graph import Refused
from sw.golden.qonnx.signals.sums import Taken, sums_of

WEIGHTS = np.array([[1, -1], [1, 1], [-1, -1]], np.float32)
ROWS = np.array([[1], [1], [2]], np.float32)
ZERO = np.array([[1, 1], [1, 0], [1, 1]], np.float32)
FLOAT = np.dtype(np.float32)


def taken(start=0.0, step=1.0, **options):
    return Taken(np.full(3, start), np.full(3, step), FLOAT, **options)


@pytest.mark.parametrize("inputs, alpha, bias, expected", [
    (taken(-1, 2), 1, None, [[-3, -3], [-1, -1], [1, 1], [3, 3]]),
    (taken(1, -2), 1, None, [[-3, -3], [-1, -1], [1, 1], [3, 3]]),
    (taken(0, 1), 1, None, [[-1, -2], [0, -1], [1, 0], [2, 1]]),
    (taken(0, 1), 2, [1, 4], [[-1, 0], [1, 2], [3, 4], [5, 6]]),
    (taken(0, 1, top=3), 1, None, [[count - 3, count - 6] for count in range(10)]),
    (taken(-4, 0.5, top=3), 1, None, [[count / 2 - 5.5, count / 2 + 1] for count in range(10)]),
], ids=["signs", "signs that fall", "0 and 1", "twice, and a bias", "2 bits", "2 bits, moved"])
def test_they_rise_with_the_count_of_matches(inputs, alpha, bias, expected):
    bits, table, rounded = sums_of(WEIGHTS, inputs, alpha, bias and np.array(bias, np.float32))
    assert bits.tolist() == (WEIGHTS.T * np.sign(inputs.step[0]) > 0).astype(int).tolist()
    assert table.tolist() == expected and not rounded


@pytest.mark.parametrize("inputs, loose, least", [
    (taken(0, 1, off=0.01), 0, 0.03), (taken(0, 1), 0.01, 0.03), (taken(0, 0.1), 0, 1e-9),
    (taken(0, 1, top=255, off=0.5), 0, 1.5),
], ids=["inputs that are off", "weights that are off", "steps that are rounded", "bytes"])
def test_what_is_not_exact_has_a_least_and_a_most(inputs, loose, least):
    _, table, rounded = sums_of(WEIGHTS, inputs, loose=loose)
    exact, low, high = table.reshape(3, -1, 2)
    assert rounded and (exact - low >= least).all() and (high - exact >= least).all()
    assert (high - exact < 1.2 * least + 1e-5).all()


def test_weights_of_nearly_one_size_are_bits_whose_sums_are_rounded():
    """As ``sign(w) - w + w`` gives them."""
    nearly = WEIGHTS * np.array([[1], [1 + 1e-6], [1 - 1e-6]], np.float32)
    bits, table, rounded = sums_of(nearly, taken(-1, 2))
    exact, low, high = table.reshape(3, -1, 2)
    assert rounded and bits.tolist() == [[1, 1, 0], [0, 1, 0]]
    sums = [(signs * nearly.T).sum(axis=1) for signs in product((-1, 1), repeat=3)]
    counts = [((np.array(signs) > 0) == bits).sum(axis=1) for signs in product((-1, 1), repeat=3)]
    for total, count in zip(sums, counts, strict=True):
        assert (low[count, [0, 1]] <= total).all() and (total <= high[count, [0, 1]]).all()
    assert (high - low < 1e-4).all() and np.allclose(exact, [[-3, -3], [-1, -1], [1, 1], [3, 3]])


@pytest.mark.parametrize("weights, inputs, said", [
    (WEIGHTS * ROWS, taken(), "the weights of neuron 0, times what the inputs differ"),
    (WEIGHTS * ZERO, taken(), "the weights of neuron 1, times what"),
    (WEIGHTS, taken(0, 1e37), "its sums are too large for float32"),
    (WEIGHTS, taken(0, 1e-35), "its sums are too small for float32"),
    (WEIGHTS.astype(np.float64), taken(), "its inputs are float32 and float64; they must be of "),
], ids=["two sizes", "a weight of 0", "large", "small", "two types"])
def test_other_weights_are_refused(weights, inputs, said):
    with pytest.raises(Refused, match=f"^{said}"):
        sums_of(weights, inputs)
