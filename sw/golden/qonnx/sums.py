"""The sums of a layer: what a matrix product can give whose inputs have two values each."""

import numpy as np

from ..bits import Bits
from .graph import Refused

__all__ = ["sums_of"]

Array = np.ndarray

BLOCK = 1 << 20    # Weights looked at together.


def sums_of(weights: Array, low: Array, high: Array, alpha: float, bias: Array | None
            ) -> tuple[Bits, Array, bool]:
    """Return weight bits ``(n_out, n_in)``, and the sums by the count of matches with them.

    ``weights (n_in, n_out)``; ``low``, ``high`` ``(n_in,)`` -> ``(n_in + 1, n_out)``, or three
    times as many rows where sums are rounded: the exact ones, the least and the most that a
    program may give. The last value tells so.
    """
    dtype, (n_in, n_out) = weights.dtype, weights.shape
    if low.dtype != dtype:
        raise Refused(f"its inputs are {low.dtype.name} and {dtype.name}; they must be of one type")
    added = np.zeros(n_out) if bias is None else np.broadcast_to(
        bias.astype(np.float64).reshape(-1), n_out)
    bits = np.empty((n_out, n_in), np.uint8)
    ways = np.empty((3, n_in + 1, n_out), dtype)
    step = max(1, BLOCK // n_in)
    rounded = False
    for start in range(0, n_out, step):
        part = slice(start, start + step)
        block = weights[:, part].astype(np.float64)
        zeros, ones = (block * level[:, None].astype(np.float64) for level in (low, high))
        apart = np.abs(ones - zeros)
        _check_one_size(apart, weights, start)
        bits[part] = (ones > zeros).T
        sums = np.minimum(zeros, ones).sum(axis=0) + np.arange(n_in + 1)[:, None] * apart[0]
        error = _error(zeros, ones, alpha, added[part], dtype)
        rounded |= error is not None
        exact = (alpha * sums.astype(dtype).astype(np.float64)).astype(dtype) + added[part].astype(
            dtype)
        ways[0, :, part] = exact
        off = np.zeros(exact.shape[1]) if error is None else error
        ways[1, :, part], ways[2, :, part] = exact - off, exact + off
    return bits, (ways.reshape(-1, n_out) if rounded else ways[0]), rounded


def _check_one_size(apart: Array, weights: Array, start: int) -> None:
    """Raise :exc:`Refused` unless each input moves a neuron's sum as far as any other.

    ``apart (n_in, n)`` is how far, of the ``n`` neurons from ``start`` on.
    """
    wrong = (apart != apart[0]).any(axis=0) | (apart == 0).any(axis=0)
    if wrong.any():
        neuron = start + int(np.flatnonzero(wrong)[0])
        sizes = np.unique(np.abs(weights[:, neuron]))
        raise Refused(f"the weights of neuron {neuron}, times what the inputs differ by, are not "
                      f"of one size (weights like {', '.join(map(str, sizes[:2]))}); binarise "
                      "them with BipolarQuant, with one scale for each neuron")


def _error(zeros: Array, ones: Array, alpha: float, added: Array, dtype: np.dtype
           ) -> Array | None:
    """Return how far a program's sums ``(n,)`` can be from the exact ones; None: they are exact.

    ``zeros``, ``ones`` ``(n_in, n)`` are the terms for bits 0 and 1.
    """
    digits = np.finfo(dtype).nmant + 1 if dtype.kind == "f" else 31
    total = np.maximum(np.abs(zeros), np.abs(ones)).sum(axis=0)
    most = max(1, abs(alpha)) * total + np.abs(added)
    if not (most < (1e37 if dtype.kind == "f" else 2 ** 31)).all():
        raise Refused(f"its sums are too large for {dtype.name}")
    if (total[total > 0] < 1e-30).any():
        raise Refused(f"its sums are too small for {dtype.name}")
    # Multiples of a unit, of which no sum is too many: then none of them is rounded.
    unit = 2.0 ** (np.ceil(np.log2(np.maximum(most, 1e-300))) - digits)
    terms = [zeros, ones, alpha * zeros, alpha * ones, added]
    if all((np.trunc(each / unit) == each / unit).all() for each in terms):
        return None
    error: Array = most * (len(zeros) + 4) * 2.0 ** -digits
    return error
