"""What a board says of itself survives being said."""

import re
from dataclasses import replace
from hashlib import sha256

import pytest

from sw.golden.identity import MAX_WIDTHS, Digest, Identity, length
from sw.golden.stages import Signature

IMAGES = Signature.parse("28x28x1:8-32s2-64p-10")
SAID = Identity(Digest.of(IMAGES), False, False, 36_000, b"abcd")
SHAPES = {"hybnn": (200, 128, 10), "least": (1, 1), "widest": (65_535,) * 3,
          "most": (7,) * MAX_WIDTHS, "digest": Digest.of(IMAGES),
          "flags": Digest(0x7E7D7E, 0x7D7E, b"\x7e" * 8)}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("reloadable, waits", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("clock", [0, 1, 120_000, (1 << 24) - 1])
def test_an_identity_comes_back(shape, reloadable, waits, clock):
    identity = Identity(shape, reloadable, waits, clock, b"\x00\x7e\x7d\xff")
    said = identity.to_bytes()
    assert length(said[0]) == len(said) <= 64
    assert Identity.from_bytes(said) == identity


def test_a_network_of_stages_is_told_by_its_digest():
    hashed = sha256(b"28x28x1:8-32s2-64p-10").digest()[:8]
    assert SAID.to_bytes() == (bytes.fromhex("00 80 18 00 0a 00") + hashed
                               + bytes.fromhex("a0 8c 00") + b"abcd")


@pytest.mark.parametrize("shape, text, is_for", [
    ((200, 128, 10), "200-128-10", True), ((200, 128, 10), "200-127-10", False),
    (Digest.of(IMAGES), str(IMAGES), True), (Digest.of(IMAGES), "28x28x1:8-32s2-64p-11", False),
    (Digest.of(Signature.parse("200-128-10")), "200-128-10", True),
    ((784, 10), "28x28x1-10", False)], ids=str)
def test_what_network_a_board_is_for(shape, text, is_for):
    assert Identity(shape, False, False, 0, b"abcd").is_for(Signature.parse(text)) == is_for


@pytest.mark.parametrize("shape, waits, n_in, at_once", [
    ((200, 128, 10), False, 200, None), ((200, 128, 10), True, 200, 1),
    (Digest.of(IMAGES), False, 6272, 2), (Digest.of(IMAGES), True, 6272, 1)], ids=str)
def test_how_many_inputs_of_what_size_it_takes(shape, waits, n_in, at_once):
    identity = Identity(shape, False, waits, 0, b"abcd")
    assert (identity.n_in, identity.at_once) == (n_in, at_once)


@pytest.mark.parametrize("n_in, n_classes", [(0, 10), (10, 0), (0, 0)])
def test_a_digest_of_no_network(n_in, n_classes):
    said = Identity(Digest(n_in, n_classes, bytes(8)), False, False, 0, bytes(4)).to_bytes()
    with pytest.raises(ValueError, match=r"^An identity tells of inputs and classes, not of "
                                         rf"{n_in} bits and {n_classes} classes$"):
        Identity.from_bytes(said)


@pytest.mark.parametrize("said", [b"", b"\x03", bytes(range(3, 16)), bytes(range(3, 18)),
                                  SAID.to_bytes()[:-1], SAID.to_bytes() + b"0", bytes(8)], ids=len)
def test_another_length_is_no_identity(said):
    with pytest.raises(ValueError, match=rf"^An identity is not of {len(said)} bytes$"):
        Identity.from_bytes(said)


@pytest.mark.parametrize("shape", [(200,), (200, 0, 10), (7,) * (MAX_WIDTHS + 1)], ids=str)
def test_widths_of_no_network(shape):
    said = Identity(shape, False, False, 0, bytes(4)).to_bytes()
    with pytest.raises(ValueError, match=r"^An identity tells 2 to 28 widths of a network, none of "
                                         rf"them 0, not {re.escape(str(shape))}$"):
        Identity.from_bytes(said)


@pytest.mark.parametrize("reloadable, clock, said", [
    (True, 120_000, "200-128-10, 120 MHz, build 01020304, reloadable"),
    (False, 8_438, "200-128-10, 8.438 MHz, build 01020304"),
    (False, 0, "200-128-10, simulated, build 01020304")])
def test_it_reads_well(reloadable, clock, said):
    assert str(Identity((200, 128, 10), reloadable, False, clock, bytes([1, 2, 3, 4]))) == said


def test_a_digest_reads_well():
    said = str(replace(SAID, build=bytes([1, 2, 3, 4]), reloadable=True))
    assert said == (f"6,272 bits to 10 classes with signature {SAID.shape.signature.hex()}, "
                    "36 MHz, build 01020304, reloadable")
