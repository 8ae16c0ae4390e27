import numpy as np
import pytest

from sw.golden import fast, forward
from sw.golden.network import Layer, Network, OutputLayer, random_network
from sw.golden.stages import Signature

CASES = ["9-4", "20-13-5", "1-1-2", "28x28x1:8-8s2-16p-10", "7x5x3:3-4k5s2b0-3", "7-c3-d4-2",
         "8x8x2-6p-5k2b1p3-d7-3", "5:4-3-2", "6x6x4-p-2", "1x9x1:8-3k1s3-2", "9x1x2:2-5b0k1-2",
         "11x13x1:1-7k3s3b2-5p-3", "3x3x1-2k3b0-2", "4x4x3-2k4s4b3p-2", "6-4-c3p1-d5-p1-2"]


def inputs(network, n=12, seed=0):
    """Return random bits, no bit and all bits."""
    codes = np.random.default_rng(seed).integers(0, 2, (n, network.n_in), np.uint8)
    codes[0], codes[1] = 0, 1
    return codes


@pytest.mark.parametrize("text", CASES)
def test_many_inputs_at_once_give_what_each_gives(text, monkeypatch):
    monkeypatch.setattr(fast, "AT_A_TIME", 1000)    # Some in every part, and a part that is short.
    network = random_network(Signature.parse(text), seed=1)
    codes = inputs(network)
    together = fast.trace_all(network, codes)
    for number, code in enumerate(codes):
        alone = forward.trace(network, code)
        assert all(np.array_equal(one[number], other)
                   for one, other in zip(together, alone, strict=True))
    assert np.array_equal(fast.classify_all(network, codes), forward.classify_all(network, codes))


def test_of_no_inputs_there_are_no_classes():
    network = random_network((9, 4))
    assert fast.classify_all(network, np.zeros((0, 9), np.uint8)).tolist() == []


@pytest.mark.parametrize("ones", [0, 1, 2])
def test_the_greatest_sums_are_exact(ones):
    n_in = 65_535
    weights = np.array([[0] * n_in, [1] * n_in, [0, 1] * (n_in // 2) + [1]], np.uint8)
    x = np.full((1, 8 * n_in), ones > 0, np.uint8)
    x[0, 0] ^= ones == 2    # A count is one less than the greatest.
    counts = forward.counts(weights, x[0].reshape(n_in, 8) @ (1 << np.arange(8)), 8)
    for off in 0, 1:
        layer = Layer(weights, counts + off, 8)
        network = Network([layer], OutputLayer(np.ones((2, 3), np.uint8), np.zeros(2, int)),
                          Signature.parse(f"{n_in}:8-3-2"))
        assert fast.trace_all(network, x)[0].tolist() == [[1 - off] * 3]


def naive(signature, network, code):
    """Compute what every stage gives as written in a textbook: signs, sums, zero-based loops."""
    at = 0
    size = signature.input
    bits = code.tolist()
    value = {}
    for r in range(size.height):
        for c in range(size.width):
            for k in range(size.channels):
                value[r, c, k] = sum(bits[at + b] << b for b in range(size.bits))
                at += size.bits
    layers = iter(network.layers)
    for stage, takes, gives in zip(signature.stages, signature.maps, signature.maps[1:]):
        kind = type(stage).__name__
        if kind == "Readout":
            flat = [value[k] for k in sorted(value)]
            return [sum(w == x for w, x in zip(row, flat)) + offset for row, offset in
                    zip(network.readout.weights.tolist(), network.readout.offsets.tolist())]
        if kind == "Pool":
            value = {(r, c, k): max(value[r * stage.size + i, c * stage.size + j, k]
                                    for i in range(stage.size) for j in range(stage.size))
                     for r in range(gives.height) for c in range(gives.width)
                     for k in range(gives.channels)}
            continue
        layer = next(layers)
        top = 2 ** takes.bits - 1
        made = {}
        for r in range(gives.height):
            for c in range(gives.width):
                if kind == "Dense":
                    window = [value[k] for k in sorted(value)]
                else:
                    window = [value.get((r * stage.stride - stage.border + i,
                                         c * stage.stride - stage.border + j, k), 0)
                              for i in range(stage.kernel) for j in range(stage.kernel)
                              for k in range(takes.channels)]
                for k, (row, threshold) in enumerate(zip(layer.weights.tolist(),
                                                         layer.thresholds.tolist())):
                    # A pixel x at +1 counts x; at -1 it counts the rest of its range.
                    count = sum(x if w else top - x for w, x in zip(row, window))
                    made[r, c, k] = int(count >= threshold)
        value = made
    raise AssertionError


@pytest.mark.parametrize("text", CASES)
def test_golden_is_what_a_textbook_says(text):
    network = random_network(Signature.parse(text), seed=2)
    for code in inputs(network, 4, seed=1):
        assert forward.trace(network, code)[-1].tolist() == naive(network.signature, network, code)
