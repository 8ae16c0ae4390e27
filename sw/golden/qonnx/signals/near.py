"""Constants that programs compute in ways of their own: a mean, as XNOR-Net's scales are, a power.
"""

from collections.abc import Callable
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
COMPARISONS = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual"}
DECISIONS = {("", "Sign"), ("qonnx", "BipolarQuant"), *(("", name) for name in COMPARISONS)}
MOST = 1e-3             # How far weights may be off, to what they are.
POWERS = 2.0 ** -21     # What a power can be off: a few of float32's steps.
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


def constant(node: Node, inputs: list[Any]) -> Array | Near:
    """Return what a node makes of constants, some of which are only nearly known."""
    kind = (node.domain, node.op)
    if kind in REDUCES:
        return _reduced(node, *inputs)
    if kind == POW:
        return _power(node, *inputs)
    if kind in MOVES and kind != ("", "Concat") and isinstance(inputs[0], Near):
        if any(isinstance(each, Near) for each in inputs[1:]):
            raise Refused(FOLD)
        both = inputs[0].array, np.broadcast_to(inputs[0].off, inputs[0].shape)
        return _near(*(apply(MOVES[kind], node, each, *inputs[1:]) for each in both))
    if not all(each is None or each.dtype == np.float32 for each in inputs) or (
            kind not in DECISIONS and kind not in OFFS):
        raise Refused(FOLD)
    exact, offs = zip(*(_exact(each) for each in inputs if each is not None))
    if kind in DECISIONS:
        return _decided(node, exact, offs)
    made = apply(ARITHMETIC[kind], node, *exact)
    return _near(made, apply(lambda node, *each: OFFS[kind](*each), node, *exact, *offs))


def _exact(value: Array | Near) -> tuple[Array, Array]:
    """Return a constant as float64, and how far it is off."""
    if isinstance(value, Near):
        return value.array.astype(np.float64), value.off
    return value.astype(np.float64), np.zeros(())


def _decided(node: Node, exact: tuple[Array, ...], offs: tuple[Array, ...]) -> Array:
    """Return a sign or a comparison, which no program can have otherwise."""
    made = apply(ARITHMETIC[node.domain, node.op], node, *(each.astype(np.float32)
                                                          for each in exact))
    if node.op == "BipolarQuant" and np.any(offs[1]):
        raise Refused(FOLD)    # Its scale would be known exactly from here on.
    against, of_it = (exact[1], offs[1]) if node.op in COMPARISONS else (0, 0)
    if (np.abs(exact[0] - against) <= offs[0] + of_it).any():
        raise Refused("it takes the sign of what is too near to zero to be known, as programs "
                      "round a mean or a power in their own ways; let the exporter fold it")
    return made


def _quotient_off(a: Array, b: Array, of_a: Array, of_b: Array) -> Array:
    if (np.abs(b) <= of_b).any():
        raise Refused("it divides by what may be zero")
    return np.asarray((of_a + np.abs(a / b) * of_b) / (np.abs(b) - of_b))


# How far the result can be off, of exact inputs and of how far these can be.
OFFS: dict[tuple[str, str], Callable[..., Array]] = {
    ("", "Mul"): lambda a, b, of_a, of_b: np.abs(a) * of_b + np.abs(b) * of_a + of_a * of_b,
    ("", "Div"): _quotient_off,
    ("", "Add"): lambda a, b, of_a, of_b: of_a + of_b + 0 * (a + b),
    ("", "Sub"): lambda a, b, of_a, of_b: of_a + of_b + 0 * (a + b),
    ("", "Abs"): lambda a, of_a: of_a + 0 * a,
    ("", "Neg"): lambda a, of_a: of_a + 0 * a,
}


def _reduced(node: Node, x: Any, axes: Any = None) -> Near:
    if not isinstance(x, Array | Near) or x.dtype != np.float32 or isinstance(axes, Near):
        raise Refused(FOLD)
    exact, off = _exact(x)
    off = np.broadcast_to(off, exact.shape)
    exact = np.abs(exact) if node.op == "ReduceL1" else exact
    given = node.attributes.get("axes") if axes is None else axes.tolist()
    if not given and node.attributes.get("noop_with_empty_axes"):
        return _near(exact, off)
    along = tuple(given) if given else None
    keep = bool(node.attributes.get("keepdims", 1))
    try:
        made, sizes, off = (each.sum(axis=along, keepdims=keep)
                            for each in (exact, np.abs(exact), off))
    except (ValueError, TypeError):
        raise Refused("its axes are not those of its input") from None
    count = exact.size // max(1, np.size(made))
    parts = count if node.op == "ReduceMean" else 1
    return _near(made / parts, (off + sizes * (count + 2) * ROUNDED / 2) / parts)


def _power(node: Node, x: Any, exponent: Any) -> Array | Near:
    """Return a power: as it is, if float32 has it, such as a square of whole numbers."""
    if not all(isinstance(each, Array) and each.dtype == np.float32 for each in (x, exponent)):
        raise Refused(FOLD)
    check_size(x.size, exponent.size)
    with np.errstate(all="ignore"):    # What is no number is refused below.
        exact = apply(lambda node, *each: np.power(*each), node, x.astype(np.float64), exponent)
    if (np.isfinite(exact) & (exact == exact.astype(np.float32))).all():
        return exact.astype(np.float32)
    return _near(exact, np.abs(exact) * POWERS)


def _near(array: Array, off: Array) -> Near:
    check_size(array.size)
    sizes = np.abs(array)
    if not (sizes < 1 / LEAST).all() or ((sizes > 0) & (sizes < LEAST)).any():
        raise Refused("it gives numbers that float32 does not have")
    return Near(np.asarray(array, np.float32), np.asarray(off * 1.01 + sizes * ROUNDED))


def scaled(node: Node, signal: Signal, inputs: list[Any]) -> Signal:
    """Return a signal times a constant, or divided by it, at the least and the most that it is.

    One number is the same for all elements, whatever it is.
    """
    if (node.domain, node.op) not in SCALES or (node.op == "Div" and inputs[1] is signal):
        raise Refused(FOLD)
    near = next(each for each in inputs if isinstance(each, Near))
    factors = [(near.array + sign * near.off).astype(np.float32) for sign in (-1, 0, 1)]
    check_constants(signal, factors)

    def step(rows: Array) -> Array:
        return np.concatenate([apply(ARITHMETIC[node.domain, node.op], node, rows, factor)
                               for factor in factors])

    return replace(signal.then(step), between=True, apart=signal.apart or near.array.size > 1)
