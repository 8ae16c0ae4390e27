"""Constants that programs compute in ways of their own: a mean, as XNOR-Net's scales are, a power.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..file.graph import Node, Refused
from ..file.moves import MOVES
from ..file.operators import ARITHMETIC, apply, check_size
from .elements import check_constants
from .signal import Signal

__all__ = ["NEARLY", "REDUCES", "Near", "constant", "scaled"]

Array = np.ndarray

REDUCES = {("", name) for name in ("ReduceL1", "ReduceMean", "ReduceSum")}
POW = ("", "Pow")
NEARLY = REDUCES | {POW}    # What gives such constants of others.
SCALES = {("", "Mul"), ("", "Div")}
POWERS = 2.0 ** -21     # What a power can be off: a few of float32's steps.
ROUNDED = 2.0 ** -23    # What one more operator of float32 can be off, and a little.
LEAST = 1e-30           # Above it float32 is as exact as it says.
FOLD = "it computes with a mean or a power of constants, which programs round in their own ways; " \
       "let the exporter fold it"


@dataclass(frozen=True)
class Near:
    """Numbers that a program may have otherwise, by ``error`` to what they are."""

    array: Array
    error: float

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype


def constant(node: Node, inputs: list[Any]) -> Array | Near:
    """Return what a node makes of constants, some of which are only nearly known."""
    kind = (node.domain, node.op)
    if kind in REDUCES:
        return _reduced(node, *inputs)
    if kind == POW:
        return _power(node, *inputs)
    if kind not in SCALES and kind not in MOVES:
        raise Refused(FOLD)
    error = sum(each.error for each in inputs if isinstance(each, Near))
    known = [each.array if isinstance(each, Near) else each for each in inputs]
    return _near(apply((MOVES if kind in MOVES else ARITHMETIC)[kind], node, *known), error)


def _reduced(node: Node, x: Any, axes: Any = None) -> Near:
    if not isinstance(x, Array) or x.dtype != np.float32 or isinstance(axes, Near):
        raise Refused(FOLD)
    x = np.abs(x.astype(np.float64)) if node.op == "ReduceL1" else x.astype(np.float64)
    if (x > 0).any() and (x < 0).any():
        raise Refused("it adds constants of both signs, which programs round in their own ways; "
                      "let the exporter fold them")
    given = node.attributes.get("axes") if axes is None else axes.tolist()
    if not given and node.attributes.get("noop_with_empty_axes"):
        return _near(x, 0)
    along = tuple(given) if given else None
    keep = bool(node.attributes.get("keepdims", 1))
    try:
        made = x.sum(axis=along, keepdims=keep)
    except (ValueError, TypeError):
        raise Refused("its axes are not those of its input") from None
    count = x.size // max(1, np.size(made))
    return _near(made / count if node.op == "ReduceMean" else made, (count + 2) * ROUNDED / 2)


def _power(node: Node, x: Any, exponent: Any) -> Array | Near:
    """Return a power: as it is, if float32 has it, such as a square of whole numbers."""
    if not all(isinstance(each, Array) and each.dtype == np.float32 for each in (x, exponent)):
        raise Refused(FOLD)
    check_size(x.size, exponent.size)
    exact = apply(lambda node, *each: np.power(*each), node, x.astype(np.float64), exponent)
    if (exact == exact.astype(np.float32)).all():
        return exact.astype(np.float32)
    return _near(exact, POWERS)


def _near(array: Array, error: float) -> Near:
    check_size(array.size)
    sizes = np.abs(array)
    if not (sizes < 1 / LEAST).all() or ((sizes > 0) & (sizes < LEAST)).any():
        raise Refused("it gives numbers that float32 does not have")
    return Near(np.asarray(array, np.float32), error * 1.01 + ROUNDED)


def scaled(node: Node, signal: Signal, inputs: list[Any]) -> Signal:
    """Return a signal times a constant, or divided by it, at the least and the most that it is.

    One number is the same for all elements, whatever it is.
    """
    if (node.domain, node.op) not in SCALES or (node.op == "Div" and inputs[1] is signal):
        raise Refused(FOLD)
    near = next(each for each in inputs if isinstance(each, Near))
    factors = [(near.array * (1 + sign * near.error)).astype(np.float32) for sign in (-1, 0, 1)]
    check_constants(signal, factors)

    def step(rows: Array) -> Array:
        return np.concatenate([apply(ARITHMETIC[node.domain, node.op], node, rows, factor)
                               for factor in factors])

    return replace(signal.then(step), between=True, apart=signal.apart or near.array.size > 1)
