import numpy as np
import pytest

from sw.golden import bits


@pytest.mark.parametrize("vector, data, value", [
    ([], b"", 0),
    ([1], b"\x01", 1),
    ([0, 1, 1], b"\x06", 6),
    ([0, 0, 0, 0, 0, 0, 0, 1], b"\x80", 128),
    ([1, 0, 0, 0, 0, 0, 0, 0, 1], b"\x01\x01", 257),
    ([0] * 15 + [1], b"\x00\x80", 1 << 15),
    ([1] * 200, b"\xff" * 25, (1 << 200) - 1),
], ids=lambda value: str(value)[:20])
def test_element_0_is_least_significant(vector, data, value):
    x = np.array(vector, np.uint8)
    assert (bits.to_bytes(x), bits.to_int(x)) == (data, value)
    assert bits.from_bytes(data, len(x)).tolist() == bits.from_int(value, len(x)).tolist() == vector


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 200, 784])
def test_what_is_packed_comes_back(n):
    x = np.random.default_rng(n).integers(0, 2, (2, 3, n), np.uint8)
    packed = bits.pack(x)
    assert packed.shape == (2, 3, bits.n_bytes(n))
    assert np.array_equal(bits.unpack(packed, n), x)
    assert [bits.to_bytes(row) for row in x[1]] == [row.tobytes() for row in packed[1]]
    assert np.array_equal(bits.from_int(bits.to_int(x[0, 0]), n), x[0, 0])


def test_unused_bits_are_zero():
    assert bits.pack(np.ones((1, 9), np.uint8)).tolist() == [[0xFF, 0x01]]


@pytest.mark.parametrize("n, expected", [(0, 0), (1, 1), (8, 1), (9, 2), (200, 25), (65535, 8192)])
def test_n_bytes(n, expected):
    assert bits.n_bytes(n) == expected


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
def test_bit_1_stands_for_plus_1(dtype):
    signs = np.array([[-1, 1], [1, -1]], dtype)
    assert bits.to_bits(signs).tolist() == [[0, 1], [1, 0]]
    assert np.array_equal(bits.to_signs(bits.to_bits(signs)), signs)


@pytest.mark.parametrize("signs, wrong", [([1, 0], 0), ([2, -1], 2), ([-1, 1, -2], -2)])
def test_what_is_no_sign_is_refused(signs, wrong):
    with pytest.raises(ValueError, match=rf"^Signs must be -1 or \+1, not {wrong}$"):
        bits.to_bits(np.array(signs))


@pytest.mark.parametrize("n, n_given", [(9, 1), (8, 2), (200, 24), (1, 0)])
def test_another_number_of_bytes_is_refused(n, n_given):
    with pytest.raises(ValueError, match=rf"^{n} bits take {bits.n_bytes(n)} bytes, "
                                         rf"not {n_given}$"):
        bits.from_bytes(bytes(n_given), n)
