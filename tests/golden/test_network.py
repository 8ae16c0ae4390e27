import json
import re
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sw.golden.network import Layer, Network, NetworkFileError, OutputLayer, random_network

SHAPES = [(1, 1), (1, 1, 2), (7, 3), (8, 8, 8), (9, 17, 5), (200, 128, 10), (13, 1, 9, 2),
          (33, 16, 15, 14, 4), (784, 256)]


def same(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_network_comes_back(tmp_path, shape):
    network = random_network(shape)
    network.save(tmp_path / "network")
    loaded = Network.load(tmp_path / "network")
    assert loaded.shape == shape
    for layer, expected in zip(loaded.layers, network.layers, strict=True):
        assert same(layer.weights, expected.weights)
        assert np.array_equal(layer.thresholds, expected.thresholds)
    assert same(loaded.readout.weights, network.readout.weights)
    assert np.array_equal(loaded.readout.offsets, network.readout.offsets)


def test_limits_come_back(tmp_path):
    weights = np.zeros((3, 2), np.uint8, order="F")
    weights[:, 1] = 1
    layer = Layer(weights, np.array([0, 1, 3], np.uint8))
    Network([layer], OutputLayer(weights.T, np.array([65_535, 0]))).save(tmp_path / "network")
    loaded = Network.load(tmp_path / "network")
    assert loaded.layers[0].weights.tolist() == [[0, 1]] * 3
    assert loaded.layers[0].thresholds.tolist() == [0, 1, 3]
    assert loaded.readout.weights.tolist() == [[0] * 3, [1] * 3]
    assert loaded.readout.offsets.tolist() == [65_535, 0]


def test_weights_that_are_turned_views_come_back(tmp_path):
    """As those of an ONNX file are: it has them with the inputs first."""
    network = random_network((40, 24, 20))
    layer, = network.layers
    turned = Network([Layer(np.asfortranarray(layer.weights), layer.thresholds[::-1])], OutputLayer(
        np.asfortranarray(network.readout.weights), network.readout.offsets))
    turned.save(tmp_path / "network")
    loaded = Network.load(tmp_path / "network")
    assert same(loaded.layers[0].weights, layer.weights)
    assert loaded.layers[0].thresholds.tolist() == layer.thresholds[::-1].tolist()
    assert same(loaded.readout.weights, network.readout.weights)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_two_saves_are_the_same_bytes(tmp_path, shape):
    random_network(shape).save(tmp_path / "a")
    Network.load(tmp_path / "a").save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_network_says_its_shape():
    network = random_network((200, 128, 10))
    assert (str(network), network.n_in, network.n_classes) == ("200-128-10", 200, 10)
    assert network.n_weights == 200 * 128 + 128 * 10
    assert str(random_network((5, 2))) == "5-2"


GOOD = {
    "layer.0.weights": np.array([[1], [2], [4], [7], [0]], np.uint8),
    "layer.0.thresholds": np.array([0, 1, 2, 3, 4], np.int32),
    "readout.weights": np.array([[1], [31]], np.uint8),
    "readout.offsets": np.array([0, 3], np.int32),
}
DESCRIPTION = {"format": "hybnn-network-1", "shape": "3-5-2"}


def refused(path, reason):
    """Expect that the file ``path`` is refused for ``reason``, in one sentence."""
    sentence = re.escape(f"{path} is not a network file: {reason}")
    with pytest.raises(NetworkFileError, match=f"^{sentence}$"):
        Network.load(path)


def save(path, changes=None, **description):
    tensors = {name: tensor for name, tensor in (GOOD | (changes or {})).items()
               if tensor is not None}
    save_file(tensors, path, {"hybnn": json.dumps(DESCRIPTION | description)})


def test_what_the_tests_below_change_is_good(tmp_path):
    save(tmp_path / "network")
    assert str(Network.load(tmp_path / "network")) == "3-5-2"


def int32(*values):
    return np.array(values, np.int32)


@pytest.mark.parametrize("changes, reason", [
    ({"layer.0.weights": None}, "the tensor 'layer.0.weights' is missing"),
    ({"layer.0.thresholds": None}, "the tensor 'layer.0.thresholds' is missing"),
    ({"readout.weights": None}, "the tensor 'readout.weights' is missing"),
    ({"readout.offsets": None}, "the tensor 'readout.offsets' is missing"),
    ({"layer.1.weights": GOOD["readout.weights"]},
     "the tensor 'layer.1.weights' does not belong there"),
    ({"x" * 1000: int32(0)}, f"the tensor '{'x' * 40}' does not belong there"),
    ({"two\nlines": int32(0)}, r"the tensor 'two\nlines' does not belong there"),
    ({"layer.0.weights": GOOD["layer.0.weights"].astype(np.int8)},
     "'layer.0.weights' must be uint8 of shape (5, 1), not int8 of shape (5, 1)"),
    ({"layer.0.weights": GOOD["layer.0.weights"].T.copy()},
     "'layer.0.weights' must be uint8 of shape (5, 1), not uint8 of shape (1, 5)"),
    ({"layer.0.weights": GOOD["layer.0.weights"][:4]},
     "'layer.0.weights' must be uint8 of shape (5, 1), not uint8 of shape (4, 1)"),
    ({"layer.0.weights": np.zeros((0, 1), np.uint8)},
     "'layer.0.weights' must be uint8 of shape (5, 1), not uint8 of shape (0, 1)"),
    ({"readout.weights": np.array(31, np.uint8)},
     "'readout.weights' must be uint8 of shape (2, 1), not uint8 of shape ()"),
    ({"layer.0.weights": np.array([[1], [2], [4], [7], [8]], np.uint8)},
     "'layer.0.weights' has bits beyond its 3 inputs"),
    ({"readout.weights": np.array([[32], [0]], np.uint8)},
     "'readout.weights' has bits beyond its 5 inputs"),
    ({"layer.0.thresholds": np.arange(5)}, "'layer.0.thresholds' must be int32, not int64"),
    ({"layer.0.thresholds": np.zeros(5, np.float32)},
     "'layer.0.thresholds' must be int32, not float32"),
    ({"layer.0.thresholds": np.zeros(5, bool)}, "'layer.0.thresholds' must be int32, not bool"),
    ({"readout.offsets": np.zeros(2, np.uint32)}, "'readout.offsets' must be int32, not uint32"),
    ({"layer.0.thresholds": int32(1, 2)},
     "Thresholds must be 5 integers, not int32 of shape (2,)"),
    ({"layer.0.thresholds": int32(0, 1, 2, 3, -1)}, "Thresholds must be 0 to 4, not -1"),
    ({"layer.0.thresholds": int32(0, 1, 2, 3, 5)}, "Thresholds must be 0 to 4, not 5"),
    ({"readout.offsets": int32(0, 0, 0)}, "Offsets must be 2 integers, not int32 of shape (3,)"),
    ({"readout.offsets": int32(0, -1)}, "Offsets must be 0 to 65535, not -1"),
    ({"readout.offsets": int32(0, 65_536)}, "Offsets must be 0 to 65535, not 65536"),
    ({"readout.offsets": int32(1, 2)}, "The least offset must be 0, not 1"),
], ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_wrong_tensors_are_refused(tmp_path, changes, reason):
    save(tmp_path / "network", changes)
    refused(tmp_path / "network", reason)


@pytest.mark.parametrize("shape", [
    "", "3", "3-", "-5-2", "3--2", "3-5-0", "0-5-2", "3-05-2", "3-5-65536", "3-5-999999", "3-5-²",
    "3-5-٣", "3 5 2", "3-5-2\n", "3-5-2.0", "-".join(["65536"] * 1000), None, 352, [3, 5, 2], {},
], ids=lambda value: repr(value)[:20])
def test_a_wrong_shape_is_refused(tmp_path, shape):
    save(tmp_path / "network", shape=shape)
    refused(tmp_path / "network", f"its shape must be like '200-128-10', not {repr(shape)[:40]}")


@pytest.mark.parametrize("shape, reason", [
    ("3-5", "the tensor 'layer.0.thresholds' does not belong there"),
    ("3-5-5-2", "the tensor 'layer.1.weights' is missing"),
    ("9-5-2", "'layer.0.weights' must be uint8 of shape (5, 2), not uint8 of shape (5, 1)"),
    ("65535-65535-65535",
     "'layer.0.weights' must be uint8 of shape (65535, 8192), not uint8 of shape (5, 1)"),
    ("-".join(["1"] * 4000), "the tensor 'layer.1.weights' is missing"),
], ids=lambda value: value[:20])
def test_a_shape_of_something_else_is_refused(tmp_path, shape, reason):
    save(tmp_path / "network", shape=shape)
    refused(tmp_path / "network", reason)


ALONE = "its metadata must be 'hybnn' and nothing else"


@pytest.mark.parametrize("metadata, reason", [
    (None, ALONE),
    ({}, ALONE),
    (DESCRIPTION, ALONE),
    ({"hybnn": json.dumps(DESCRIPTION), "more": ""}, ALONE),
    ({"hybnn": ""}, "its description is not JSON"),
    ({"hybnn": "{'format'}"}, "its description is not JSON"),
    ({"hybnn": "[" * 9999}, "its description is not JSON"),
    ({"hybnn": "1" * 9999}, "its description is not JSON"),
    ({"hybnn": " " * 10_001}, "its description is longer than 10000 characters"),
    ({"hybnn": "[]"}, "its description is not a JSON object"),
    ({"hybnn": "null"}, "its description is not a JSON object"),
    ({"hybnn": "{}"}, "its format is None, not 'hybnn-network-1' or 'hybnn-network-2'"),
    ({"hybnn": '{"format": "hybnn-codes-1"}'},
     "its format is 'hybnn-codes-1', not 'hybnn-network-1' or 'hybnn-network-2'"),
    ({"hybnn": '{"format": []}'}, "its format is [], not 'hybnn-network-1' or 'hybnn-network-2'"),
    ({"hybnn": '{"format": "hybnn-network-1"}'},
     "its description must hold format, shape and nothing else"),
    ({"hybnn": json.dumps(DESCRIPTION | {"more": 1})},
     "its description must hold format, shape and nothing else"),
], ids=lambda value: str(value)[:40])
def test_wrong_metadata_are_refused(tmp_path, metadata, reason):
    save_file(GOOD, tmp_path / "network", metadata)
    refused(tmp_path / "network", reason)


def write_header(path, header, data=b""):
    """Write a safetensors file by hand."""
    text = json.dumps({"__metadata__": {"hybnn": json.dumps(DESCRIPTION)}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0"])
def test_a_type_unknown_to_numpy_is_refused(tmp_path, dtype):
    write_header(tmp_path / "network", {
        "readout.weights": {"dtype": dtype, "shape": [8 // (1 + (dtype == "BF16"))],
                            "data_offsets": [0, 8]}}, bytes(8))
    refused(tmp_path / "network",
            f"the tensor 'readout.weights' is of type {dtype}, unknown to numpy")


# What the file-format library says of these is its own; that we say it in one line is ours.
ONE_LINE = r"^.+/network is not a network file: [^\n]{1,250}$"


def refused_in_one_line(path):
    with pytest.raises(NetworkFileError, match=ONE_LINE) as refusal:
        Network.load(path)
    assert str(refusal.value).startswith(f"{path} is not")


@pytest.mark.parametrize("shape", [
    [2 ** 40], [2 ** 62, 4], [0, 2 ** 63], [0, 2 ** 64 - 1], [0, 2 ** 64], [1] * 70, [0, 2 ** 62],
    [-1],
], ids=str)
def test_a_tensor_larger_than_its_file_is_refused(tmp_path, shape):
    write_header(tmp_path / "network", {
        "readout.weights": {"dtype": "U8", "shape": shape, "data_offsets": [0, 1]}}, bytes(1))
    refused_in_one_line(tmp_path / "network")
    write_header(tmp_path / "network", {
        "readout.weights": {"dtype": "U8", "shape": shape, "data_offsets": [0, 0]}})
    refused_in_one_line(tmp_path / "network")


@pytest.mark.parametrize("data", [
    b"", bytes(7), bytes(8), bytes(100), b"\xff" * 8, b"\xff" * 1000, b"\x02" + bytes(7) + b"{}",
    struct.pack("<Q", 2 ** 63) + b"{}", struct.pack("<Q", 10) + b"{}", b"[" * 100_000,
    struct.pack("<Q", 100_000) + b"[" * 100_000, b"PK\x03\x04" * 100, b"\x80\x04K\x01.",
], ids=lambda data: f"{data[:10].hex()}, {len(data)} bytes")
def test_what_is_no_file_of_tensors_is_refused(tmp_path, data):
    (tmp_path / "network").write_bytes(data)
    refused_in_one_line(tmp_path / "network")


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_refused(tmp_path, seed):
    rng = np.random.default_rng(seed)
    for _ in range(10):
        data = rng.integers(0, 256, rng.integers(1, 2000), np.uint8).tobytes()
        for header in b"", struct.pack("<Q", len(data)), struct.pack("<Q", len(data) // 2):
            (tmp_path / "network").write_bytes(header + data)
            refused_in_one_line(tmp_path / "network")


@pytest.mark.parametrize("shape", [(9, 17, 5), (200, 128, 10)], ids=str)
def test_a_truncated_file_is_refused(tmp_path, shape):
    random_network(shape).save(tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    for length in [*range(0, len(data), 37), len(data) - 1]:
        (tmp_path / "network").write_bytes(data[:length])
        refused_in_one_line(tmp_path / "network")
    (tmp_path / "network").write_bytes(data + b"\x00")
    refused_in_one_line(tmp_path / "network")


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_file_is_refused_or_is_a_network(tmp_path, seed):
    random_network((9, 17, 5)).save(tmp_path / "whole")
    data, rng = (tmp_path / "whole").read_bytes(), np.random.default_rng(seed)
    for _ in range(50):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            damaged[place] = rng.integers(0, 256)
        (tmp_path / "network").write_bytes(damaged)
        try:
            assert Network.load(tmp_path / "network").shape[0] in range(1, 100)
        except NetworkFileError as refusal:
            assert re.match(ONE_LINE, str(refusal))


def test_a_missing_file_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^.*No such file or directory: '.*/network'$"):
        Network.load(tmp_path / "network")
    with pytest.raises(IsADirectoryError, match=rf"^.*Is a directory: '{tmp_path}'$"):
        Network.load(tmp_path)


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    random_network((5, 2)).save(tmp_path / "network")
    before = (tmp_path / "network").read_bytes()

    def full(handle):
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"^No space left on device$"):
        random_network((6, 2)).save(tmp_path / "network")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def zeros(*shape):
    return np.zeros(shape, np.uint8)


@pytest.mark.parametrize("make, reason", [
    (lambda: Layer(zeros(3), np.zeros(3, int)),
     "Layer weights must have shape (n_out, n_in), each 1 to 65535, not (3,)"),
    (lambda: Layer(zeros(0, 3), np.zeros(0, int)),
     "Layer weights must have shape (n_out, n_in), each 1 to 65535, not (0, 3)"),
    (lambda: OutputLayer(zeros(1, 65_536), np.zeros(1, int)),
     "Readout weights must have shape (n_out, n_in), each 1 to 65535, not (1, 65536)"),
    (lambda: Layer(zeros(1, 2) + 2, np.zeros(1, int)),
     "Layer weights must be bits (uint8, 0 or 1)"),
    (lambda: Layer(zeros(1, 2).astype(int), np.zeros(1, int)),
     "Layer weights must be bits (uint8, 0 or 1)"),
    (lambda: Layer(zeros(2, 2), np.zeros(2)),
     "Thresholds must be 2 integers, not float64 of shape (2,)"),
    (lambda: Layer(zeros(2, 2), np.array([0, 4])), "Thresholds must be 0 to 3, not 4"),
    (lambda: OutputLayer(zeros(2, 2), np.array([3, 4])), "The least offset must be 0, not 3"),
    (lambda: Network([Layer(zeros(3, 2), np.zeros(3, int))],
                     OutputLayer(zeros(2, 4), np.zeros(2, int))),
     "Layer 0 gives 3 bits, but the next takes 4"),
], ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_what_is_no_network_is_refused(make, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        make()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_random_network_has_neurons_that_fire_always_and_never(shape):
    network = random_network(shape, seed=3)
    assert network.shape == shape
    for layer in network.layers:
        assert layer.n_out <= 2 or {0, layer.n_in + 1} <= set(layer.thresholds.tolist())


def test_the_thresholds_of_a_random_network_are_near_the_mean_count():
    layer, = random_network((100, 2000, 2)).layers
    assert set(layer.thresholds.tolist()) == {0, *range(50 - 10, 50 + 12), 101}


def test_the_file_is_as_documented(tmp_path):
    weights = np.array([[1] + [0] * 8, [0] * 8 + [1]], np.uint8)
    network = Network([Layer(weights, np.array([4, 5]))],
                      OutputLayer(np.eye(2, dtype=np.uint8), np.array([0, 7])))
    network.save(tmp_path / "network")
    tensors = load_file(tmp_path / "network")
    assert tensors.pop("layer.0.weights").tolist() == [[1, 0], [0, 1]]
    assert tensors.pop("layer.0.thresholds").tolist() == [4, 5]
    assert tensors.pop("readout.weights").tolist() == [[1], [2]]
    assert tensors.pop("readout.offsets").tolist() == [0, 7]
    assert not tensors
    assert (b'"__metadata__":{"hybnn":"{\\"format\\": \\"hybnn-network-1\\", '
            b'\\"shape\\": \\"9-2-2\\"}"}') in (tmp_path / "network").read_bytes()
