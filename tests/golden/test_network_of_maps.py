"""Files of format 2: networks whose stages are not all dense, or whose input is not of bits."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sw.golden import fast
from sw.golden.network import Network, NetworkFileError, default_levels, random_network
from sw.golden.stages import Signature

SIGNATURE = "4x4x2:2-3p-2"
DESCRIPTION = {"format": "hybnn-network-2", "signature": SIGNATURE}
GOOD = {
    "layer.0.weights": np.array([[1, 2, 3], [0, 255, 0], [7, 7, 1]], np.uint8),
    "layer.0.thresholds": np.array([0, 27, 55], np.int32),
    "readout.weights": np.array([[1, 2], [255, 15]], np.uint8),
    "readout.offsets": np.array([0, 3], np.int32),
}
LEVELS = np.minimum(np.arange(256) // 50, 3).astype(np.uint8)


def save(path, changes=None, **description):
    tensors = {name: tensor for name, tensor in (GOOD | (changes or {})).items()
               if tensor is not None}
    save_file(tensors, path, {"hybnn": json.dumps(DESCRIPTION | description)})


def refused(path, reason):
    """Expect that the file ``path`` is refused for ``reason``, in one sentence."""
    sentence = re.escape(f"{path} is not a network file: {reason}")
    with pytest.raises(NetworkFileError, match=f"^{sentence}$"):
        Network.load(path)


@pytest.mark.parametrize("changes", [{}, {"input.levels": LEVELS}], ids=["", "levels"])
def test_what_the_tests_below_change_is_good(tmp_path, changes):
    save(tmp_path / "network", changes)
    network = Network.load(tmp_path / "network")
    assert str(network) == SIGNATURE
    network.save(tmp_path / "again")
    for name, tensor in (GOOD | changes).items():
        assert np.array_equal(load_file(tmp_path / "again")[name], tensor)


def test_levels_that_are_a_view_come_back(tmp_path):
    network = random_network(Signature.parse(SIGNATURE))
    turned = replace(network, levels=network.levels[::-1])
    turned.save(tmp_path / "network")
    assert np.array_equal(Network.load(tmp_path / "network").levels, turned.levels)


def matrix(n_out, n_in):
    return np.zeros((n_out, n_in), np.uint8)


OF_LEVELS = "Levels must be 256 bytes, each 0 to 3"


@pytest.mark.parametrize("changes, reason", [
    ({"input.levels": LEVELS.astype(np.int8)}, OF_LEVELS),
    ({"input.levels": LEVELS.astype(np.float32)}, OF_LEVELS),
    ({"input.levels": LEVELS > 1}, OF_LEVELS),
    ({"input.levels": LEVELS[:255]}, OF_LEVELS),
    ({"input.levels": LEVELS[:0]}, OF_LEVELS),
    ({"input.levels": np.array(3, np.uint8)}, OF_LEVELS),
    ({"input.levels": LEVELS.reshape(16, 16)}, OF_LEVELS),
    ({"input.levels": LEVELS + np.uint8(1)}, OF_LEVELS),
    ({"input.level": LEVELS}, "the tensor 'input.level' does not belong there"),
    ({"layer.1.weights": matrix(3, 2)}, "the tensor 'layer.1.weights' does not belong there"),
    ({"layer.1.thresholds": np.zeros(3, np.int32)},
     "the tensor 'layer.1.thresholds' does not belong there"),
    ({"layer.0.weights": None}, "the tensor 'layer.0.weights' is missing"),
    ({"layer.0.thresholds": None}, "the tensor 'layer.0.thresholds' is missing"),
    ({"readout.weights": None}, "the tensor 'readout.weights' is missing"),
    ({"readout.offsets": None}, "the tensor 'readout.offsets' is missing"),
    ({"layer.0.weights": matrix(3, 2)},
     "'layer.0.weights' must be uint8 of shape (3, 3), not uint8 of shape (3, 2)"),
    ({"layer.0.weights": matrix(3, 3) + np.uint8(4)},
     "'layer.0.weights' has bits beyond its 18 inputs"),
    ({"readout.weights": matrix(2, 2) + np.uint8(16)},
     "'readout.weights' has bits beyond its 12 inputs"),
    ({"layer.0.thresholds": np.array([0, 55, 56], np.int32)}, "Thresholds must be 0 to 55, not 56"),
    ({"layer.0.thresholds": np.array([0, 55, -1], np.int32)}, "Thresholds must be 0 to 55, not -1"),
    ({"layer.0.thresholds": np.zeros(48, np.int32)},
     "Thresholds must be 3 integers, not int32 of shape (48,)"),
    ({"layer.0.thresholds": np.zeros(3)}, "'layer.0.thresholds' must be int32, not float64"),
], ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_wrong_tensors_are_refused(tmp_path, changes, reason):
    save(tmp_path / "network", changes)
    refused(tmp_path / "network", reason)


@pytest.mark.parametrize("text", [None, 422, True, [SIGNATURE], {}], ids=repr)
def test_a_signature_that_is_no_text_is_refused(tmp_path, text):
    save(tmp_path / "network", signature=text)
    refused(tmp_path / "network", f"its signature must be a text, not {text!r}")


@pytest.mark.parametrize("text", [
    "4x4x2:2-c3p-2", "4x4x2:2-3k3p-2", "4x4x2:2-3s1p-2", "4x4x2:2-3b1p-2", "4x4x2:2-3p2-2",
    "04x4x2:2-3p-2", "4x4x2:2-3p-02", "4x4x2:2-03p-2", "4x4x2:2-3-p-2",
])
def test_a_signature_in_another_form_is_refused(tmp_path, text):
    save(tmp_path / "network", signature=text)
    refused(tmp_path / "network", f"its signature must be written {SIGNATURE!r}")


@pytest.mark.parametrize("text, reason", [
    ("", "A network must be like 200-128-10 or 28x28x1:8-32s2-64p-10, not ''"),
    ("4x4x2:2", "A network must be like 200-128-10 or 28x28x1:8-32s2-64p-10, not '4x4x2:2'"),
    ("4X4x2:2-2", "An input must be like 200, 14x14x16 or 28x28x1:8, not '4X4x2:2'"),
    ("4x4x2:2-3q-2", "A stage must be like 64, 32k5s2b0, 64p or d128, not '3q'"),
    (f"{SIGNATURE}\n", r"The last stage must be the number of classes, not '2\n'"),
    ("4x4x2:2-3p-٢", "The last stage must be the number of classes, not '٢'"),
    ("4x4x2:2-3p", "The last stage must be the number of classes, not '3p'"),
    ("4x4x2:9-3p-2", "Pixels must have 1 to 8 bits, not 9"),
    ("4x4x2:0-3p-2", "Pixels must have 1 to 8 bits, not 0"),
    ("4x4x0:2-3p-2", "A map must have 1 to 4,194,304 elements, of 1 to 65,535 channels, not "
                     "4 x 4 x 0"),
    ("65535x65535x1-p99p99-2", "A map must have 1 to 4,194,304 elements, of 1 to 65,535 channels, "
                               "not 65535 x 65535 x 1"),
    ("4x4x2:2-3p8-2", "Stage 1: A pool of 8 x 8 does not fit a map of 4 x 4"),
    ("4x4x2:2-3pp4-2", "Stage 2: A pool of 4 x 4 does not fit a map of 2 x 2"),
    ("4x4x2:2-3k7b0p-2", "Stage 0: A convolution of 7 x 7 with a border of 0 does not fit a map of "
                         "4 x 4"),
    ("4x4x2:2-3p-0", "Stage 2: A readout must have 1 to 65,535 classes, not 0"),
], ids=lambda value: value[:20])
def test_a_signature_that_is_none_is_refused(tmp_path, text, reason):
    save(tmp_path / "network", signature=text)
    refused(tmp_path / "network", f"its signature is wrong: {reason}")


@pytest.mark.parametrize("text, reason", [
    ("4x4x2:2-4p-2", "'layer.0.weights' must be uint8 of shape (4, 3), not uint8 of shape (3, 3)"),
    ("4x4x2:2-3-2", "'readout.weights' must be uint8 of shape (2, 6), not uint8 of shape (2, 2)"),
    ("4x4x2-3p-2", "Thresholds must be 0 to 19, not 27"),
    ("4x4x2:2-3p-3-2", "the tensor 'layer.1.weights' is missing"),
    ("4x4x2-p-2", "the tensor 'layer.0.thresholds' does not belong there"),
    ("32-3-2", "'layer.0.weights' must be uint8 of shape (3, 4), not uint8 of shape (3, 3)"),
])
def test_a_signature_of_something_else_is_refused(tmp_path, text, reason):
    save(tmp_path / "network", signature=text)
    refused(tmp_path / "network", reason)


@pytest.mark.parametrize("description, reason", [
    ({"shape": "32-3-2"}, "its description must hold format, signature and nothing else"),
    ({"format": "hybnn-network-1"}, "its description must hold format, shape and nothing else"),
])
def test_one_format_is_not_the_other(tmp_path, description, reason):
    save(tmp_path / "network", **description)
    refused(tmp_path / "network", reason)


def test_format_1_has_no_levels(tmp_path):
    random_network((9, 2)).save(tmp_path / "network")
    save_file(load_file(tmp_path / "network") | {"input.levels": default_levels(1)},
              tmp_path / "network",
              {"hybnn": json.dumps({"format": "hybnn-network-1", "shape": "9-2"})})
    refused(tmp_path / "network", "the tensor 'input.levels' does not belong there")


ONE_LINE = r"^.+/network is not a network file: [^\n]{1,250}$"


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("text", [SIGNATURE, "6x5x3:8-5s2p-4k1-d7-3", "9x9x2-p3-4k2s2-2"])
def test_a_damaged_file_is_refused_or_is_a_network(tmp_path, text, seed):
    random_network(Signature.parse(text)).save(tmp_path / "whole")
    data, rng = (tmp_path / "whole").read_bytes(), np.random.default_rng(seed)
    for _ in range(40):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            damaged[place] = rng.integers(0, 256)
        (tmp_path / "network").write_bytes(damaged)
        try:
            network = Network.load(tmp_path / "network")
            fast.classify_all(network, np.ones((1, network.n_in), np.uint8))
        except NetworkFileError as refusal:
            assert re.match(ONE_LINE, str(refusal))
