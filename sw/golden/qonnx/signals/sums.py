"""The sums of a layer: what a matrix product can give whose inputs have two values each."""

from dataclasses import dataclass

import numpy as np

from ...bits import Bits
from ..file.graph import Refused
from .signal import MAX_TABLE

__all__ = ["TOGETHER", "Taken", "sums_of"]

Array = np.ndarray

BLOCK = 1 << 20    # Weights looked at together.
SUMS = 1 << 22     # Sums made together.
# How far values may lie apart, to what they are, and stand for one: those of ``sign(x) - x + x``.
TOGETHER = 1e-5


@dataclass(frozen=True)
class Taken:
    """What the inputs of a product are, of type ``dtype``.

    Attributes
    ----------
    start : float64 array of shape ``(n,)``
        What each is where it stands for the number 0; a bit is 0 or 1.
    step : float64 array of shape ``(n,)``
        What one more adds.
    dtype : numpy's type
    top : int
        The greatest number.
    off : float
        How far an input may be from what start and step say.
    """

    start: Array
    step: Array
    dtype: np.dtype
    top: int = 1
    off: float = 0


def sums_of(weights: Array, taken: Taken, alpha: float = 1, bias: Array | None = None,
            loose: float = 0) -> tuple[Bits, Array, bool]:
    """Return weight bits ``(n_out, n_in)``, and the sums by the count of matches with them.

    ``weights (n_in, n_out)`` -> ``(top * n_in + 1, n_out)``, or three times as many rows where
    sums are rounded: the exact ones, the least and the most that a program may give. The last value
    tells so. Weights may be off by ``loose``, to what they are.
    """
    dtype, top = taken.dtype, taken.top
    if weights.dtype != dtype:
        raise Refused(f"its inputs are {dtype.name} and {weights.dtype.name}; they must be of one "
                      "type")
    n_in, n_out = weights.shape
    added = np.zeros(n_out) if bias is None else np.broadcast_to(
        bias.astype(np.float64).reshape(-1), n_out)
    if (top * n_in + 1) * n_out > MAX_TABLE:
        raise Refused("it has too many sums to ask for all; leave it to the host")
    bits = np.empty((n_out, n_in), np.uint8)
    exact = np.empty((top * n_in + 1, n_out), dtype)
    errors = np.zeros(n_out)
    step = max(1, min(BLOCK // n_in, SUMS // len(exact)))
    for start in range(0, n_out, step):
        part = slice(start, start + step)
        block = weights[:, part].astype(np.float64)
        zeros = block * taken.start[:, None]
        ones = zeros + block * (top * taken.step[:, None])
        apart = np.abs(block * taken.step[:, None])
        size = _one_size(apart, weights, start)
        bits[part] = (ones > zeros).T
        sums = np.minimum(zeros, ones).sum(axis=0) + np.arange(len(exact))[:, None] * size
        exact[:, part] = (alpha * sums.astype(dtype).astype(np.float64)).astype(dtype
            ) + added[part].astype(dtype)
        errors[part] = _error([zeros, ones, apart], alpha, added[part], dtype,
                              taken.off * np.abs(block).sum(axis=0)
                              + top * np.abs(apart - size).sum(axis=0)
                              + loose * np.maximum(np.abs(zeros), np.abs(ones)).sum(axis=0))
    if not errors.any():
        return bits, exact, False
    if 3 * exact.size > MAX_TABLE:
        raise Refused("it has too many sums to ask for all; leave it to the host")
    return bits, np.concatenate([exact, exact - errors, exact + errors]).astype(dtype), True


def _one_size(apart: Array, weights: Array, start: int) -> Array:
    """Return how far each input moves a neuron's sum ``(n,)``, or raise :exc:`Refused`.

    ``apart (n_in, n)`` is how far each does, of the ``n`` neurons from ``start`` on.
    """
    least, most = apart.min(axis=0), apart.max(axis=0)
    wrong = (least == 0) | (most - least > TOGETHER * most)
    if wrong.any():
        neuron = start + int(np.flatnonzero(wrong)[0])
        sizes = np.unique(np.abs(weights[:, neuron]))
        raise Refused(f"the weights of neuron {neuron}, times what the inputs differ by, are not "
                      f"of one size (weights like {', '.join(map(str, sizes[:2]))}); binarise "
                      "them with BipolarQuant, with one scale for each neuron")
    return np.asarray((least + most) / 2)


def _error(terms: list[Array], alpha: float, added: Array, dtype: np.dtype, off: Array) -> Array:
    """Return how far a program's sums ``(n,)`` can be from the exact ones: 0 if they are exact.

    ``terms`` are three of shape ``(n_in, n)``: for the numbers 0 and the greatest, and what one
    more adds. ``off (n,)`` is how far the sum of all can be from what they say.
    """
    zeros, ones, _ = terms
    digits = np.finfo(dtype).nmant + 1 if dtype.kind == "f" else 31
    total = np.maximum(np.abs(zeros), np.abs(ones)).sum(axis=0)
    most = max(1, abs(alpha)) * total + np.abs(added)
    if not (most < (1e37 if dtype.kind == "f" else 2 ** 31)).all():
        raise Refused(f"its sums are too large for {dtype.name}")
    if (total[total > 0] < 1e-30).any():
        raise Refused(f"its sums are too small for {dtype.name}")
    # Multiples of a unit, of which no sum is too many: then none of them is rounded.
    unit = 2.0 ** (np.ceil(np.log2(np.maximum(most, 1e-300))) - digits)
    terms = [*terms, *(alpha * each for each in terms), added]
    if not off.any() and all((np.trunc(each / unit) == each / unit).all() for each in terms):
        return np.zeros(len(added))
    error: Array = most * (len(zeros) + 4) * 2.0 ** -digits + max(1, abs(alpha)) * off
    return error
