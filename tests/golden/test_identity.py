"""What a board says of itself survives being said."""

import re

import pytest

from sw.golden.identity import MAX_WIDTHS, Identity, length


@pytest.mark.parametrize("shape", [(200, 128, 10), (1, 1), (65_535,) * 3, (7,) * MAX_WIDTHS],
                         ids=len)
@pytest.mark.parametrize("reloadable, waits", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("clock", [0, 1, 120_000, (1 << 24) - 1])
def test_an_identity_comes_back(shape, reloadable, waits, clock):
    identity = Identity(shape, reloadable, waits, clock, b"\x00\x7e\x7d\xff")
    said = identity.to_bytes()
    assert length(said[0]) == len(said) <= 64
    assert Identity.from_bytes(said) == identity


@pytest.mark.parametrize("said", [b"", b"\x03", bytes(range(3, 16)), bytes(range(3, 18))], ids=len)
def test_another_length_is_no_identity(said):
    with pytest.raises(ValueError, match=rf"^An identity is not of {len(said)} bytes$"):
        Identity.from_bytes(said)


@pytest.mark.parametrize("shape", [(), (200,), (200, 0, 10), (7,) * (MAX_WIDTHS + 1)], ids=str)
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
