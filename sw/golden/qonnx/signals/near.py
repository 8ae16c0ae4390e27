"""Numbers that programs have otherwise, by a little: a mean, as XNOR-Net's scales are, a power."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..file.graph import Node, Refused
from ..file.operators import ARITHMETIC, apply, check_size
from .elements import check_constants
from .signal import Signal

__all__ = ["FOLD", "ROUNDED", "Near", "near", "parts", "scaled"]

Array = np.ndarray

SCALES = {("", "Mul"), ("", "Div")}
MOST = 1e-3             # How far weights may be off, to what they are.
ROUNDED = 2.0 ** -23    # What one more operator of float32 can be off, and a little.
LEAST = 1e-30           # Above it float32 is as exact as it says.
FOLD = "it computes with a mean or a power of constants, which programs round in their own ways; " \
       "let the exporter fold it"


@dataclass(frozen=True)
class Near:
    """Numbers that a program may have otherwise: each by as much as ``off`` says, a float64."""

    array: Array
    off: Array

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def error(self) -> float:
        """How far any may be, to what it is."""
        if (self.off > MOST * np.abs(self.array)).any():
            raise Refused("its weights are too near to zero to be known, as programs round in "
                          "their own ways; let the exporter fold them")
        return float((self.off / np.where(self.array == 0, 1, np.abs(self.array))).max(initial=0))


def near(array: Array, off: Array) -> Near:
    """Return numbers that may be ``off``, and are rounded once more."""
    check_size(array.size)
    sizes = np.abs(array)
    if not (sizes < 1 / LEAST).all() or ((sizes > 0) & (sizes < LEAST)).any():
        raise Refused("it gives numbers that float32 does not have")
    return Near(np.asarray(array, np.float32), np.asarray(off * 1.01 + sizes * ROUNDED))


def parts(value: Array | Near) -> tuple[Array, Array]:
    """Return a constant as float64, and how far it is off."""
    if isinstance(value, Near):
        return value.array.astype(np.float64), value.off
    return value.astype(np.float64), np.zeros(())


def scaled(node: Node, signal: Signal, inputs: list[Any]) -> Signal:
    """Return a signal times a constant, or divided by it, at the least and the most that it is.

    One number is the same for all elements, whatever it is.
    """
    if (node.domain, node.op) not in SCALES or (node.op == "Div" and inputs[1] is signal):
        raise Refused(FOLD)
    known = next(each for each in inputs if isinstance(each, Near))
    factors = [(known.array + sign * known.off).astype(np.float32) for sign in (-1, 0, 1)]
    check_constants(signal, factors)

    def step(rows: Array) -> Array:
        return np.concatenate([apply(ARITHMETIC[node.domain, node.op], node, rows, factor)
                               for factor in factors])

    return replace(signal.then(step), between=True, apart=signal.apart or known.array.size > 1)
