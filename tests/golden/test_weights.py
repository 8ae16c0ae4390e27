"""Networks of plain arrays: what fires is what sums say that are added up here, one by one."""

import numpy as np
import pytest

from sw.golden import fast
from sw.golden.bits import pack
from sw.golden.stages import Signature
from sw.golden.weights import RULES, ArraysError, network_of

STAGES = "4x4x3:8-5b0-6"
PLAIN = "12-5-6"


def made(text, seed=0, low=-5, high=6):
    """Return latent weights, and whole thresholds about ``low`` to ``high``, of two stages."""
    rng = np.random.default_rng(seed)
    first, last = (stage.fan_in(takes) for stage, takes, _ in Signature.parse(text).layers())
    return {"0.weights": rng.normal(size=(5, first)), "0.thresholds": rng.integers(low, high, 5),
            "1.weights": rng.normal(size=(6, last))}


def hidden(network, inputs):
    """Return what the first stage of a network gives for its elements ``(n, n_in)``."""
    if network.input.bits > 1:
        inputs = np.unpackbits(inputs, axis=1, bitorder="little")
    return np.asarray(fast.trace_all(network, inputs)[0]).reshape(len(inputs), -1)


@pytest.mark.parametrize("rule, least", [
    ("count", lambda w, x, t: (w == x).sum() >= t),
    ("sum", lambda w, x, t: (w * x).sum() >= t),
    ("bnn-pynq", lambda w, x, t: (w == x).sum() > t),
], ids=["count", "sum", "bnn-pynq"])
@pytest.mark.parametrize("half", [0, 0.5], ids=["whole", "half"])
def test_a_neuron_of_bits_fires_as_its_rule_says(rule, least, half):
    given = made(PLAIN, low=-14, high=15) | {"0.thresholds": np.array([-13, 0, 1, 6, 13]) + half}
    x = np.random.default_rng(1).integers(0, 2, (200, 12), np.uint8)
    signs = np.where(given["0.weights"] < 0, -1, 1)
    expected = [[least(w, signs_of_x, t) for w, t in zip(signs, given["0.thresholds"])]
                for signs_of_x in 2 * x.astype(int) - 1]
    assert np.array_equal(hidden(network_of(given, Signature.parse(PLAIN), rule), x), expected)


@pytest.mark.parametrize("rule, of, least", [
    ("sum", lambda p: p, lambda total, t: total >= t),
    ("bnn-pynq", lambda p: int(np.clip(np.floor((p / 255 * 2 - 1) * 128 + 0.5), -128, 127)),
     lambda total, t: 2 * total > t),
], ids=["sum", "bnn-pynq"])
def test_a_channel_of_pixels_fires_as_its_rule_says(rule, of, least):
    given = made(STAGES, seed=2, low=-900, high=900) | {"0.thresholds": np.array(
        [-901, -1, 0, 7, 900])}
    network = network_of(given, Signature.parse(STAGES), rule)
    raw = np.random.default_rng(3).integers(0, 256, (20, 4, 4, 3), np.uint8)
    signs = np.where(given["0.weights"] < 0, -1, 1).reshape(5, 3, 3, 3)
    expected = [[least(sum(int(w[i, j, k]) * of(int(image[row + i, column + j, k]))
                           for i in range(3) for j in range(3) for k in range(3)), t)
                 for row in range(2) for column in range(2)
                 for w, t in zip(signs, given["0.thresholds"])] for image in raw]
    assert np.array_equal(hidden(network, network.quantise(raw).reshape(20, -1)), expected)


@pytest.mark.parametrize("form", [
    lambda w: np.where(w < 0, -1, 1), lambda w: w >= 0, lambda w: pack(w >= 0),
    lambda w: w.astype(np.float16)], ids=["signs", "bool", "packed", "half floats"])
def test_all_forms_of_weights_are_one_network(form):
    given, signature = made(STAGES), Signature.parse(STAGES)
    other = given | {name: form(given[name]) for name in ("0.weights", "1.weights")}
    assert network_of(other, signature, "sum").to_bytes() \
        == network_of(given, signature, "sum").to_bytes()


def test_four_axes_are_those_of_pytorch():
    given, signature = made(STAGES), Signature.parse(STAGES)
    turned = given | {"0.weights": given["0.weights"].reshape(5, 3, 3, 3).transpose(0, 3, 1, 2),
                      "1.weights": given["1.weights"].reshape(6, 2, 2, 5).transpose(0, 3, 1, 2)}
    assert network_of(turned, signature, "sum").to_bytes() \
        == network_of(given, signature, "sum").to_bytes()


@pytest.mark.parametrize("limit, expected", [(-1e9, 1), (1e9, 0)], ids=["always", "never"])
@pytest.mark.parametrize("rule", RULES)
def test_what_always_fires_or_never_does_so(rule, limit, expected):
    given = made(STAGES) | {"0.thresholds": np.full(5, limit)}
    network = network_of(given, Signature.parse(STAGES), rule)
    ends = np.repeat([[0], [255]], 48, axis=1).astype(np.uint8)
    assert (hidden(network, ends) == expected).all()


def test_zero_is_plus_one():
    given = made(PLAIN) | {"0.weights": np.zeros((5, 12)) * -1}
    assert network_of(given, Signature.parse(PLAIN), "sum").layers[0].weights.all()


def test_offsets_are_those_of_the_classes():
    given = made(PLAIN) | {"1.offsets": np.array([0, 3, 1, 0, 2, 9])}
    assert network_of(given, Signature.parse(PLAIN), "sum").readout.offsets.tolist() \
        == [0, 3, 1, 0, 2, 9]


@pytest.mark.parametrize("change, message", [
    ({"0.thresholds": None}, "12-5-6 needs an array '0.thresholds', and there is none"),
    ({"1.thresholds": np.zeros(6)}, "The array '1.thresholds' is none of 12-5-6, whose stages with "
                                    "weights are 0 to 1"),
    ({"0.weights": np.ones((5, 11))}, "'0.weights' must be numbers of shape (5, 12), not float64 "
                                      "of shape (5, 11)"),
    ({"0.weights": np.ones((5, 12), np.uint8)}, "'0.weights' must be numbers of shape (5, 2), not "
                                                "uint8 of shape (5, 12)"),
    ({"0.weights": np.ones((5, 1, 1, 12))}, "'0.weights' must be numbers of shape (5, 12, 1, 1), "
                                            "not float64 of shape (5, 1, 1, 12)"),
    ({"0.weights": np.full((5, 12), "1")}, "'0.weights' must be numbers of shape (5, 12), not <U1 "
                                           "of shape (5, 12)"),
    ({"0.weights": np.full((5, 12), np.nan)}, "'0.weights' must be finite numbers"),
    ({"0.thresholds": np.full(5, np.inf)}, "'0.thresholds' must be finite, and below 2^52"),
    ({"0.thresholds": np.full(5, 1 << 62)}, "'0.thresholds' must be finite, and below 2^52"),
    ({"1.offsets": np.ones(6, int)}, "The least offset must be 0, not 1"),
    ({"0.weights": np.eye(5, 12)}, "'0.weights' has only 0 and 1, of which 0 would count as +1: "
                                   "give signs, -1 and +1, or bool"),
    ({"0.weights": np.full((5, 2), 31, np.uint8)}, "'0.weights' has bits beyond its 12 inputs"),
], ids=["missing", "extra", "too few", "unpacked bytes", "channel last", "text", "not a number",
        "infinite", "too great", "offsets", "zeros and ones", "bits beyond"])
def test_what_is_not_such_a_network_is_refused(change, message):
    given = {name: each for name, each in (made(PLAIN) | change).items() if each is not None}
    with pytest.raises(ArraysError) as error:
        network_of(given, Signature.parse(PLAIN), "sum")
    assert str(error.value) == message


def test_pixels_of_bnn_pynq_have_no_border():
    with pytest.raises(ArraysError, match=r"^Around pixels BNN-PYNQ has no border: "):
        network_of(made("4x4x3:8-5-6"), Signature.parse("4x4x3:8-5-6"), "bnn-pynq")


def test_pixels_of_bnn_pynq_have_eight_bits():
    with pytest.raises(ArraysError, match=r"^Pixels of BNN-PYNQ must have 8 bits, not 4$"):
        network_of(made("4x4x3:4-5b0-6"), Signature.parse("4x4x3:4-5b0-6"), "bnn-pynq")
