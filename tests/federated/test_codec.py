import struct
import zlib
from itertools import pairwise

import numpy as np
import pytest
import torch

from sw.federated import codec
from sw.federated.codec import CodecError, Update, decode, encode
from sw.federated.steps import Step
from sw.models.classifier import BinaryClassifier

SHAPES = [(200, 128, 2), (9, 5, 3), (300, 17, 254, 255, 10), (254, 1, 2), (255, 1, 2)]
SHAPE = (9, 5, 3)


def state(shape, seed=0):
    torch.manual_seed(seed)
    model = BinaryClassifier(shape[0], shape[1:-1], shape[-1])
    return {name: torch.rand(size) for name, size in codec.layout(shape).items()}, model


def step(shape, seed=0):
    """Draw a step of these widths; some of its integers lie at their ends."""
    rng = np.random.default_rng(seed)
    ends = list(pairwise(shape[:-1]))
    return Step(tuple(rng.integers(0, 2, (n_out, n_in), np.uint8) for n_in, n_out in ends),
                tuple(float(np.float32(rng.choice([0, 2, rng.random()]))) for _ in ends),
                tuple(rng.choice([0, n_in + 1, n_in // 2], n_out) for n_in, n_out in ends))


def content(steps):
    return [([up.tolist() for up in each.ups], each.sizes,
             [thresholds.tolist() for thresholds in each.thresholds]) for each in steps]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_steps_come_back(shape, count, seed):
    steps = tuple(step(shape, seed + number) for number in range(count))
    found = decode(encode(Update(seed + 1, 77, steps), shape), "onebit", shape, seed + 1, count)
    assert (found.round, found.examples, content(found.content)) == (seed + 1, 77, content(steps))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_state_comes_back(shape):
    sent, model = state(shape)
    found = decode(encode(Update(65_535, 2 ** 32 - 1, sent), shape), "float32", shape, 65_535)
    assert {name: tensor.tolist() for name, tensor in found.content.items()} == {
        name: tensor.tolist() for name, tensor in sent.items()}
    model.load_state_dict(found.content, strict=False)


@pytest.mark.parametrize("content, n_bytes", [
    (state((200, 128, 2))[0], 23 + 6 + 4 * (25_856 + 4 * 128 + 2)),
    ((), 23 + 6),
    ((step((200, 128, 2)),), 23 + 6 + 25_600 // 8 + 128 + 4),      # One byte a threshold.
    ((step((200, 128, 2)),) * 2, 23 + 6 + 2 * (25_600 // 8 + 128 + 4)),
], ids=["floats", "no step", "a step", "two steps"])
def test_messages_have_their_size(content, n_bytes):
    assert len(encode(Update(1, 1, content), (200, 128, 2))) == n_bytes


def resealed(data, at, value):
    """Replace bytes of a message and make its check right again."""
    data = bytearray(data)
    data[at:at + len(value)] = value
    data[18:22] = bytes(4)
    struct.pack_into("<I", data, 18, zlib.crc32(bytes(data)))
    return bytes(data)


ONE = encode(Update(3, 10, (step(SHAPE),)), SHAPE)    # 29 bytes, then 4 of a size.
FLOATS = encode(Update(3, 10, state(SHAPE)[0]), SHAPE)
WRONG = "It was cut or changed on its way: its check is wrong"
NONE = "It is no message of this federation: it does not begin with its header"


@pytest.mark.parametrize("data, kind, sentence", [
    (b"", "onebit", NONE),
    (ONE[:22], "onebit", NONE),
    (b"GF" + ONE[2:], "onebit", NONE),
    (b"HF\1" + ONE[3:], "onebit", "Its version is 1, not 3"),
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
    (encode(Update(3, 1, (step((9, 4, 3)),)), (9, 4, 3)), "onebit",
     "Its shape is 9-4-3, not 9-5-3"),
    (resealed(ONE + b"\0", 3, b"\1"), "onebit",
     "Its body must have 15 bytes for each step, not 16"),
    (resealed(FLOATS[:-4], 3, b"\0"), "float32", "Its body must have 332 bytes, not 328"),
    (resealed(FLOATS, 49, struct.pack("<f", float("nan"))), "float32",
     "It holds nan, which is not finite"),
    (resealed(FLOATS, 49, struct.pack("<f", float("-inf"))), "float32",
     "It holds -inf, which is not finite"),
    (encode(Update(3, 1, {**state(SHAPE)[0], "norms.0.running_var": -torch.ones(5)}), SHAPE),
     "float32", "It holds a variance that is negative"),
    (resealed(ONE, 33, b"\x0b"), "onebit", "A threshold must be 0 to 10, not 11"),
    *((resealed(ONE, 29, struct.pack("<f", size)), "onebit",
       f"A step must be 0 to 2.0 long, not {size}") for size in (2.5, -0.5, float("inf"))),
    (resealed(ONE, 29, struct.pack("<f", float("nan"))), "onebit",
     "A step must be 0 to 2.0 long, not nan"),
    (resealed(ONE, 14, b"\1"), "onebit", "It says that 1 of 0 images are right"),
    (resealed(ONE, len(ONE) - 1, b"\xff"), "onebit", "It has bits beyond its 45 weights"),
])
def test_what_is_wrong_is_refused(data, kind, sentence):
    with pytest.raises(CodecError) as refused:
        decode(data, kind, SHAPE, 3)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("seed", range(300))
def test_whatever_bytes_come_one_sentence_goes(seed):
    rng = np.random.default_rng(seed)
    data = bytearray([ONE, FLOATS][seed % 2])
    for place in rng.integers(0, len(data), rng.integers(1, 6)):
        data[place] = rng.integers(256)
    if seed % 4 > 1:
        data = resealed(bytes(data), 0, b"HF\3")
    try:
        decode(bytes(data), ["onebit", "float32"][seed % 2], SHAPE, 3)
    except CodecError as refused:
        assert str(refused).count("\n") == 0
