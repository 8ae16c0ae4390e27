"""How numbers become bits.

One rule, used everywhere in this project: bit 1 stands for +1, bit 0 for -1, and element 0 sits in
the least significant bit of byte 0.
"""

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]     # Every element 0 or 1; the last axis is the vector.
Integers = npt.NDArray[np.integer]


def to_bits(signs: Integers) -> Bits:
    """Map signs {-1, +1} of shape ``(..., n)`` to bits {0, 1} of the same shape.

    >>> to_bits(np.array([-1, 1, 1])).tolist()
    [0, 1, 1]
    """
    if not np.isin(signs, (-1, 1)).all():
        raise ValueError(f"Signs must be -1 or +1, not {np.setdiff1d(signs, (-1, 1))[0]}")
    return (signs > 0).astype(np.uint8)


def to_signs(bits: Bits) -> npt.NDArray[np.int8]:
    """Map bits {0, 1} to signs {-1, +1} as int8 of the same shape."""
    return (2 * bits.astype(np.int8) - 1).astype(np.int8)


def pack(bits: Bits) -> npt.NDArray[np.uint8]:
    """Pack bits of shape ``(..., n)`` into bytes of shape ``(..., ceil(n / 8))``, zeros last.

    >>> pack(np.array([1, 0, 0, 0, 0, 0, 0, 0, 1])).tolist()
    [1, 1]
    """
    return np.packbits(bits, axis=-1, bitorder="little")


def unpack(data: npt.NDArray[np.uint8], n: int) -> Bits:
    """Unpack bytes of shape ``(..., ceil(n / 8))`` into bits of shape ``(..., n)``."""
    if data.shape[-1] != n_bytes(n):
        raise ValueError(f"{n} bits take {n_bytes(n)} bytes, not {data.shape[-1]}")
    return np.unpackbits(data, axis=-1, count=n, bitorder="little")


def unpack_all(data: npt.NDArray[np.uint8], n: int, name: str) -> Bits:
    """Unpack as :func:`unpack` does; raise :exc:`ValueError` if there are bits beyond ``n``."""
    bits = unpack(data, n)
    if not np.array_equal(pack(bits), data):
        raise ValueError(f"{name!r} has bits beyond its {n} inputs")
    return bits


def n_bytes(n: int) -> int:
    """Return the number of bytes that ``n`` bits are packed into."""
    return -(-n // 8)


def to_bytes(bits: Bits) -> bytes:
    """Pack bits of shape ``(n,)`` into ``ceil(n / 8)`` bytes."""
    return pack(bits).tobytes()


def from_bytes(data: bytes, n: int) -> Bits:
    """Unpack the first ``n`` bits of ``data`` into shape ``(n,)``."""
    return unpack(np.frombuffer(data, np.uint8), n)


def to_int(bits: Bits) -> int:
    """Read bits of shape ``(n,)`` as one integer, element 0 least significant.

    >>> to_int(np.array([0, 1, 1]))
    6
    """
    return int.from_bytes(to_bytes(bits), "little")


def from_int(value: int, n: int) -> Bits:
    """Write an integer as ``n`` bits, element 0 least significant."""
    return from_bytes(value.to_bytes(n_bytes(n), "little"), n)
