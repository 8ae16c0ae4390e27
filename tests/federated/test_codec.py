import struct
import zlib

import numpy as np
import pytest
import torch

from sw.federated import codec
from sw.federated.codec import CodecError, Update, decode, encode
from sw.golden.network import Network, random_network
from sw.models.classifier import BinaryClassifier

SHAPES = [(200, 128, 2), (9, 5, 3), (300, 17, 254, 255, 10), (8, 2), (254, 1, 2), (255, 1, 2)]
SHAPE = (9, 5, 3)


def state(shape, seed=0):
    torch.manual_seed(seed)
    model = BinaryClassifier(shape[0], shape[1:-1], shape[-1])
    return {name: torch.rand(size) for name, size in codec.layout(shape).items()}, model


def content(network):
    return [*((layer.weights.tolist(), layer.thresholds.tolist()) for layer in network.layers),
            network.readout.weights.tolist(), network.readout.offsets.tolist()]


def flipped(network, share, seed=0):
    """Flip a share of a network's weight bits."""
    rng = np.random.default_rng(seed)

    def flip(part, **integers):
        weights = part.weights ^ (rng.random(part.weights.shape) < share).astype(np.uint8)
        return type(part)(weights, *integers.values())
    return Network([flip(layer, t=layer.thresholds) for layer in network.layers],
                   flip(network.readout, o=network.readout.offsets))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [None, 0, 0.02, 0.5, 1])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_network_comes_back(shape, share, seed):
    network = random_network(shape, seed)
    base = None if share is None else flipped(network, share, seed)
    data = encode(Update(seed + 1, 77, network), shape, base)
    found = decode(data, "onebit", shape, seed + 1, base)
    assert (found.round, found.examples, content(found.content)) == (
        seed + 1, 77, content(network))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_state_comes_back(shape):
    sent, model = state(shape)
    found = decode(encode(Update(65_535, 2 ** 32 - 1, sent), shape), "float32", shape, 65_535)
    assert {name: tensor.tolist() for name, tensor in found.content.items()} == {
        name: tensor.tolist() for name, tensor in sent.items()}
    model.load_state_dict(found.content, strict=False)


@pytest.mark.parametrize("kind, share, n_bytes", [
    ("float32", None, 23 + 6 + 4 * (25_856 + 4 * 128 + 2)),
    ("onebit", None, 23 + 6 + 25_856 // 8 + 128 + 2 * 2),      # One byte a threshold.
    ("onebit", 0.5, 23 + 6 + 25_856 // 8 + 128 + 2 * 2),       # Half of the bits: no shorter.
])
def test_messages_have_their_size(kind, share, n_bytes):
    shape = (200, 128, 2)
    network = random_network(shape)
    base = None if share is None else flipped(network, share)
    update = Update(1, 1, network if kind == "onebit" else state(shape)[0])
    assert len(encode(update, shape, base)) == n_bytes


def test_few_flips_are_short():
    network = random_network((200, 128, 2))
    assert len(encode(Update(1, 1, network), (200, 128, 2), flipped(network, 0.02))) < 1100


BASE = flipped(random_network(SHAPE), 0.1)


def resealed(data, at, value):
    """Replace bytes of a message and make its check right again."""
    data = bytearray(data)
    data[at:at + len(value)] = value
    data[18:22] = bytes(4)
    struct.pack_into("<I", data, 18, zlib.crc32(bytes(data)))
    return bytes(data)


ONE = encode(Update(3, 10, random_network(SHAPE)), SHAPE)
FLIPS = resealed(encode(Update(3, 10, random_network(SHAPE)), SHAPE) + zlib.compress(bytes(8)), 3,
                 b"\2")
FLOATS = encode(Update(3, 10, state(SHAPE)[0]), SHAPE)
WRONG = "It was cut or changed on its way: its check is wrong"
NONE = "It is no message of this federation: it does not begin with its header"


@pytest.mark.parametrize("data, kind, sentence", [
    (b"", "onebit", NONE),
    (ONE[:22], "onebit", NONE),
    (b"GF" + ONE[2:], "onebit", NONE),
    (b"HF\1" + ONE[3:], "onebit", "Its version is 1, not 2"),
    (ONE[:-1], "onebit", WRONG),
    (ONE + b"\0", "onebit", WRONG),
    (ONE[:33] + b"\x7f" + ONE[34:], "onebit", WRONG),
    (ONE[:22] + b"\xff" + ONE[23:], "onebit", WRONG),
    (ONE, "float32", "It must be of the codec float32, not of kind 1"),
    (FLOATS, "onebit", "It must be of the codec onebit, not of kind 0"),
    (resealed(ONE, 3, b"\7"), "onebit", "It must be of the codec onebit, not of kind 7"),
    (resealed(ONE, 4, b"\2"), "onebit", "It is of round 2, not 3"),
    (resealed(ONE, 4, b"\4"), "onebit", "It is of round 4, not 3"),
    (resealed(ONE, 4, b"\3\1"), "onebit", "It is of round 259, not 3"),
    (resealed(FLOATS, 4, b"\0"), "float32", "It is of round 0, not 3"),
    (encode(Update(3, 1, random_network((9, 4, 3))), (9, 4, 3)), "onebit",
     "Its shape is 9-4-3, not 9-5-3"),
    (resealed(ONE + b"\0", 3, b"\1"), "onebit", "Its body must have 19 bytes, not 20"),
    (resealed(FLOATS[:-4], 3, b"\0"), "float32", "Its body must have 332 bytes, not 328"),
    (resealed(FLOATS, 49, struct.pack("<f", float("nan"))), "float32",
     "It holds nan, which is not finite"),
    (resealed(FLOATS, 49, struct.pack("<f", float("-inf"))), "float32",
     "It holds -inf, which is not finite"),
    (encode(Update(3, 1, {**state(SHAPE)[0], "norms.0.running_var": -torch.ones(5)}), SHAPE),
     "float32", "It holds a variance that is negative"),
    (resealed(ONE, 29, b"\x0b"), "onebit",
     "It is no network: Thresholds must be 0 to 10, not 11"),
    (resealed(ONE, 34, b"\1\0\1\0\1\0"), "onebit",
     "It is no network: The least offset must be 0, not 1"),
    (resealed(ONE, 14, b"\1"), "onebit", "It says that 1 of 0 images are right"),
    (resealed(ONE, len(ONE) - 1, b"\xff"), "onebit", "It has bits beyond its 60 weights"),
    (resealed(ONE, 3, b"\2"), "onebit", "Its bits cannot be inflated"),
    (FLIPS, "onebit", "Its bits cannot be inflated"),
])
def test_what_is_wrong_is_refused(data, kind, sentence):
    with pytest.raises(CodecError) as refused:
        decode(data, kind, SHAPE, 3, BASE)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("packed, base, sentence", [
    (zlib.compress(bytes(8)), None,
     "It holds what differs from a network that is not known here"),
    (zlib.compress(bytes(9)), BASE, "Its bits must inflate to 8 bytes and nothing more"),
    (zlib.compress(bytes(10 ** 8)), BASE, "Its bits must inflate to 8 bytes and nothing more"),
    (zlib.compress(bytes(7)), BASE, "Its bits must inflate to 8 bytes and nothing more"),
    (zlib.compress(bytes(8)) + b"x", BASE, "Its bits must inflate to 8 bytes and nothing more"),
    (zlib.compress(bytes(8))[:-1], BASE, "Its bits must inflate to 8 bytes and nothing more"),
])
def test_wrong_flips_are_refused(packed, base, sentence):
    with pytest.raises(CodecError) as refused:
        decode(resealed(ONE[:-8] + packed, 3, b"\2"), "onebit", SHAPE, 3, base)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("seed", range(300))
def test_whatever_bytes_come_one_sentence_goes(seed):
    rng = np.random.default_rng(seed)
    data = bytearray([ONE, FLOATS, FLIPS][seed % 3])
    for place in rng.integers(0, len(data), rng.integers(1, 6)):
        data[place] = rng.integers(256)
    if seed % 2 and len(data) > 15:
        data = resealed(bytes(data), 0, b"HF\1")
    try:
        decode(bytes(data), ["onebit", "float32", "onebit"][seed % 3], SHAPE, 3, BASE)
    except CodecError as refused:
        assert str(refused).count("\n") == 0
