"""What a node makes of constants that programs compute in ways of their own.

So weights are binarised in the graph: with a mean less, by a deviation, times a mean size.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..file.curves import BENT, CURVES
from ..file.graph import Node, Refused
from ..file.moves import MOVES
from ..file.operators import ARITHMETIC, POWERS, apply, check_size
from .near import FOLD, ROUNDED, Near, near, parts

__all__ = ["NEARLY", "REDUCES", "constant"]

Array = np.ndarray
Pair = tuple[Array, Array]    # Of float64: what numbers are, and how far they may be off.

REDUCES = {("", name) for name in ("ReduceL1", "ReduceMax", "ReduceMean", "ReduceProd",
                                   "ReduceSum")}
POW = ("", "Pow")
NEARLY = {*REDUCES, POW, *CURVES}    # What gives such constants of others.
COMPARISONS = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual"}
SIGNS = {("", "Sign"), ("qonnx", "BipolarQuant"), *(("", name) for name in COMPARISONS)}
ROUNDS = {("", name) for name in ("Round", "Floor", "Ceil")}
# What only rises, or only falls, with its first input; the others are exact.
THROUGH = {("", name) for name in ("Sqrt", "Clip", "Relu")}


def constant(node: Node, inputs: list[Any]) -> Array | Near:
    """Return what a node makes of constants, some of which are only nearly known."""
    kind = (node.domain, node.op)
    if kind in REDUCES:
        return _reduced(node, *inputs)
    if kind in MOVES and kind != ("", "Concat") and isinstance(inputs[0], Near):
        return _moved(node, inputs)
    if kind == ("", "Cast") and ARITHMETIC[kind](node, np.zeros(1)).dtype == np.float32:
        same: Near = inputs[0]
        return same
    if kind == ("", "Where") and isinstance(inputs[0], Array):
        _check_floats(inputs[1:])
        (yes, of_yes), (no, of_no) = map(parts, inputs[1:])
        return near(*(apply(ARITHMETIC[kind], node, inputs[0], *each)
                      for each in ((yes, no), (of_yes, of_no))))
    _check_floats(inputs)
    if kind in (POW, *CURVES):
        return _curved(node, *inputs)
    pairs = [parts(each) for each in inputs if each is not None]
    if kind in SIGNS:
        return _decided(node, pairs)
    exact, offs = zip(*pairs)
    if kind in ROUNDS:
        return _rounded(node, *pairs[0])
    if kind in THROUGH and not any(isinstance(each, Near) for each in inputs[1:]):
        limits = [None if each is None else each.astype(np.float64) for each in inputs[1:]]
        return _through(lambda x: apply(ARITHMETIC[kind], node, x, *limits), *pairs[0])
    if kind not in OFFS:
        raise Refused(FOLD)
    made = apply(ARITHMETIC[kind], node, *exact)
    return near(made, apply(lambda node, *each: OFFS[kind](*each), node, *exact, *offs))


def _check_floats(inputs: list[Any]) -> None:
    if not all(each is None or each.dtype == np.float32 for each in inputs):
        raise Refused(FOLD)


def _moved(node: Node, inputs: list[Any]) -> Near:
    first, *rest = inputs
    if any(isinstance(each, Near) for each in rest):
        raise Refused(FOLD)
    both = first.array, np.broadcast_to(first.off, first.shape)
    return near(*(apply(MOVES[node.domain, node.op], node, each, *rest) for each in both))


def _through(function: Callable[[Array], Array], x: Array, off: Array) -> Near:
    """Return what a function that only rises, or only falls, makes of what may be off."""
    y, *ends = (function(each) for each in (x, x - off, x + off))
    if not all(np.isfinite(each).all() for each in (y, *ends)):
        raise Refused("it gives numbers that are not finite")
    return near(y, np.maximum(*(np.abs(each - y) for each in ends)))


def _curved(node: Node, x: Any, exponent: Any = None) -> Array | Near:
    """Return the powers or a curve of constants; a power as it is, if float32 has it."""
    if isinstance(exponent, Near) or (isinstance(x, Near) and node.op in BENT):
        raise Refused(FOLD)
    exact, off = parts(x)
    check_size(3, exact.size)
    with np.errstate(all="ignore"):    # What is no number is refused below.
        if exponent is None:
            own = CURVES[node.domain, node.op].known(node, exact)[1]
            made = _through(lambda x: CURVES[node.domain, node.op].known(node, x)[0], exact, off)
            return Near(made.array, made.off + own)
        power = exponent.astype(np.float64)
        values = apply(_powers, node, exact, power)
    if not off.any() and (np.isfinite(values) & (values == values.astype(np.float32))).all():
        return values.astype(np.float32)
    if off.any() and (exact <= off).any():
        raise Refused(FOLD)
    made = _through(lambda x: np.power(x, power), exact, off) if off.any() else near(
        values, np.zeros(()))
    return Near(made.array, made.off + np.abs(values) * POWERS)


def _powers(node: Node, x: Array, exponent: Array) -> Array:
    check_size(*np.broadcast_shapes(x.shape, exponent.shape))
    return np.asarray(np.power(x, exponent))


def _decided(node: Node, pairs: list[Pair]) -> Array:
    """Return a sign or a comparison, which no program can have otherwise."""
    made = apply(ARITHMETIC[node.domain, node.op], node, *(each.astype(np.float32)
                                                          for each, _ in pairs))
    if node.op == "BipolarQuant" and np.any(pairs[1][1]):
        raise Refused(FOLD)    # Its scale would be known exactly from here on.
    against, of_it = pairs[1] if node.op in COMPARISONS else (0, 0)
    if (np.abs(pairs[0][0] - against) <= pairs[0][1] + of_it).any():
        raise Refused("it takes the sign of what is too near to zero to be known, as programs "
                      "round a mean or a power in their own ways; let the exporter fold it")
    return made


def _rounded(node: Node, x: Array, off: Array) -> Array:
    """Return whole numbers, which no program can have otherwise."""
    ends = [apply(ARITHMETIC[node.domain, node.op], node, each) for each in (x - off, x + off)]
    if not (ends[0] == ends[1]).all():
        raise Refused("it rounds what is too near to a half or a whole number to be known, as "
                      "programs round a mean or a power in their own ways; let the exporter fold "
                      "it")
    return ends[0].astype(np.float32)


def _quotient_off(a: Array, b: Array, of_a: Array, of_b: Array) -> Array:
    if (np.abs(b) <= of_b).any():
        raise Refused("it divides by what may be zero")
    return np.asarray((of_a + np.abs(a / b) * of_b) / (np.abs(b) - of_b))


# How far the result can be off, of exact inputs and of how far these can be.
OFFS: dict[tuple[str, str], Callable[..., Array]] = {
    ("", "Mul"): lambda a, b, of_a, of_b: np.abs(a) * of_b + np.abs(b) * of_a + of_a * of_b,
    ("", "Div"): _quotient_off,
    ("", "Reciprocal"): lambda a, of_a: _quotient_off(np.ones_like(a), a, np.zeros(()), of_a),
    ("", "Add"): lambda a, b, of_a, of_b: of_a + of_b + 0 * (a + b),
    ("", "Sub"): lambda a, b, of_a, of_b: of_a + of_b + 0 * (a + b),
    ("", "Min"): lambda a, b, of_a, of_b: np.maximum(of_a, of_b) + 0 * (a + b),
    ("", "Max"): lambda a, b, of_a, of_b: np.maximum(of_a, of_b) + 0 * (a + b),
    ("", "Abs"): lambda a, of_a: of_a + 0 * a,
    ("", "Neg"): lambda a, of_a: of_a + 0 * a,
}


def _along(node: Node, axes: Any) -> tuple[int, ...] | None:
    if axes is not None and axes.ndim != 1:
        raise Refused("its axes must be a list")
    given = node.attributes.get("axes") if axes is None else axes.tolist()
    return tuple(given) if given else None


def _reduced(node: Node, x: Any, axes: Any = None) -> Array | Near:
    if not isinstance(x, Array | Near) or isinstance(axes, Near):
        raise Refused(FOLD)
    along, keep = _along(node, axes), bool(node.attributes.get("keepdims", 1))
    if along is None and node.attributes.get("noop_with_empty_axes"):
        if node.op == "ReduceL1":
            raise Refused("it has no axes, where some programs take sizes and some do not; use Abs")
        return x
    if x.dtype == np.int64 and node.op in WHOLE and isinstance(x, Array):
        return _whole(node, x, along, keep)
    if x.dtype != np.float32 or node.op == "ReduceProd":
        raise Refused(FOLD)
    exact, off = parts(x)
    off = np.broadcast_to(off, exact.shape)
    exact = np.abs(exact) if node.op == "ReduceL1" else exact
    if node.op == "ReduceMax":
        return near(*(_ask(np.max, each, along, keep) for each in (exact, off)))
    made, sizes, off = (_ask(np.sum, each, along, keep) for each in (exact, np.abs(exact), off))
    count = exact.size // max(1, np.size(made))
    share = count if node.op == "ReduceMean" else 1
    return near(made / share, (off + sizes * (count + 2) * ROUNDED / 2) / share)


WHOLE: dict[str, Callable[..., Array]] = {"ReduceSum": np.sum, "ReduceProd": np.prod,
                                          "ReduceMax": np.max}


def _whole(node: Node, x: Array, along: tuple[int, ...] | None, keep: bool) -> Array:
    exact = _ask(WHOLE[node.op], x.astype(np.float64), along, keep)
    if (np.abs(exact) >= 2.0 ** 53).any():
        raise Refused("it gives numbers that int64 does not have")
    return exact.astype(np.int64)


def _ask(function: Callable[..., Array], x: Array, along: tuple[int, ...] | None, keep: bool
         ) -> Array:
    try:
        return np.asarray(function(x, axis=along, keepdims=keep))
    except (ValueError, TypeError):
        raise Refused("its axes are not those of its input") from None
