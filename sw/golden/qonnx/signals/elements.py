"""What operators do to a signal: arithmetic with each element by itself, and moves of elements."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..file.curves import BENT, CURVES
from ..file.graph import Node, Refused
from ..file.masked import ASSIGN
from ..file.moves import MOVES
from ..file.operators import ARITHMETIC, BENDS, apply, check_size
from .signal import ROUNDS, Signal, alike

__all__ = ["JOINS", "check_constants", "check_half", "compute", "join", "move"]

Array = np.ndarray

BOOL = 9    # ONNX's number of the type.
# What may have several inputs that depend on the graph's.
JOINS = {("", name) for name in ("Add", "Sub", "Mul", "Div", "Min", "Max", "Where", "Greater",
                                 "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "And", "Or",
                                 "Xor")} | {ASSIGN}

# What jumps, where what it is given hardly differs.
LEAPING = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "Sign", "Round", "Floor",
           "Ceil", "BipolarQuant", "Quant", "IntQuant", "MultiThreshold", "ThresholdedRelu"}
NOT_BROADCAST = ("BatchNormalization", "MultiThreshold")    # Their constants lie along one axis.
LAYOUTS = {2: "NC", 3: "NWC", 4: "NCHW"}    # Of a MultiThreshold that says none.
# What may follow scores, and keeps their order unless they lie too close together.
KEEPING: dict[str, Callable[[Array], Array]] = {
    "Sigmoid": lambda values: np.asarray(1 / (1 + np.exp(-values))), "Tanh": np.tanh}


def check_half(node: Node, inputs: list[Any]) -> None:
    """Raise :exc:`Refused` where a node computes in float16."""
    if (node.domain, node.op) in ARITHMETIC and node.op != "Cast" and any(
            each is not None and each.dtype == np.float16 for each in inputs):
        raise Refused("it computes in float16, which programs round in their own ways; cast to "
                      "float32 before it")


def compute(node: Node, signal: Signal, inputs: list[Any]) -> Signal:
    """Do arithmetic with each element by itself; ``inputs`` are the node's, ``signal`` one."""
    check_half(node, inputs)
    if node.op not in NOT_BROADCAST:
        inputs = [_of_sample(each, signal) for each in inputs]
        check_constants(signal, inputs)

    def step(rows: Array) -> Array:
        spread = _spread(node, rows, signal.shape)
        return apply(ARITHMETIC[node.domain, node.op], node,
                     *(spread if each is signal else each for each in inputs))

    turns = _turns(node, signal, inputs)
    if turns and signal.between:
        _check_turn(node, signal, inputs)
    bends = turns and (node.op in ("Equal", "Sigmoid", "ThresholdedRelu", *BENT)
                       or signal.crosses_zero())
    made = signal.then(step, sign=node.op == "Sign", bend=str(node) if bends else "")
    _check_numbers(made.table)
    made = replace(made, leaps=made.leaps or _leaps(node, made))
    if node.op in KEEPING:
        kept = (signal.keeps_order(KEEPING[node.op]) if signal.size > 1 or node.op == "Tanh"
                else _turns_at_zero(signal))
        made = replace(made, ranked=signal if kept else None)
    if (node.domain, node.op) in CURVES or node.op == "Pow":
        return replace(made, apart=True, between=True)
    return made


def _turns(node: Node, signal: Signal, inputs: list[Any]) -> bool:
    """Return whether an operator may rise and fall, at zero if it is none of two."""
    # A number that divides by the input turns at zero, as a cast to bool does.
    if node.op in ("LeakyRelu", "Elu", "Selu", "ThresholdedRelu"):
        return bool(node.attributes["alpha"] < 0)
    if node.op == "PRelu":
        return bool((inputs[1] < 0).any())
    return (node.op in BENDS or (node.op == "Div" and inputs[0] is not signal)
            or (node.op == "Cast" and node.attributes["to"] == BOOL))


def _ends(signal: Signal) -> tuple[Array, Array]:
    """Return the least and the most that each row of a table is, of all ways of rounding."""
    ways = signal.table.reshape(-1, signal.source.n_rows, *signal.table.shape[1:])
    return ways.min(axis=0), ways.max(axis=0)


def _check_turn(node: Node, signal: Signal, inputs: list[Any]) -> None:
    """Raise :exc:`Refused` where a node may turn between two ways of rounding: none shows it."""
    low, high = _ends(signal)
    at = next(each for each in inputs if each is not signal) if node.op == "Equal" else 0
    reached = ((low <= at) & (at <= high) if node.op in ("Equal", "Cast") else
               (low < at) & (at < high))
    if (reached & (low < high)).any():
        raise Refused(ROUNDS.format(what="its input"))


def _check_joined(node: Node, signals: list[Signal]) -> None:
    """Raise :exc:`Refused` where a join may give, between two ways of rounding, what none shows.

    Two numbers that rise together do not, but one that jumps, as a comparison does, and another. A
    Where whose condition jumps is a clamp, as a rule.
    """
    ends = [_ends(each) for each in signals]
    varying = [low != high for low, high in ends]
    if node.op == "Equal":
        (low, high), (least, most) = ends
        wrong = (varying[0] | varying[1]) & (low <= most) & (least <= high)
    else:
        clamps = node.op in ("Where", ASSIGN[1]) and not any(each.leaps for each in signals[1:])
        if clamps or not any(each.leaps for each in signals):
            return
        wrong = sum(each.astype(int) for each in np.broadcast_arrays(*varying)) > 1
    if wrong.any():
        raise Refused(ROUNDS.format(what="its inputs"))


def _leaps(node: Node, made: Signal) -> bool:
    """Return whether a node makes a jump of what programs round in their own ways."""
    jumps = node.op in LEAPING or (node.op == "Cast" and made.dtype.kind != "f")
    if not made.between or not jumps:
        return False
    low, high = _ends(made)
    return bool((low != high).any())


def _check_numbers(table: Array) -> None:
    if table.dtype.kind == "f" and np.isnan(table).any():
        raise Refused("it gives NaN")


def join(node: Node, inputs: list[Any]) -> Signal:
    """Do arithmetic with signals that are made of the same elements, like ``sign(x) - x``."""
    signals = [each for each in inputs if isinstance(each, Signal)]
    first = signals[0]
    if not all(_same_elements(first, other) for other in signals):
        raise Refused("it joins two paths, as a residual sum does: what comes out has several "
                      "bits, and between stages there is one; train a chain of layers")
    check_half(node, inputs)
    inputs = [_of_sample(each, first) for each in inputs]
    for each in signals:
        check_constants(each, inputs)
    ways = max((each.ways for each in signals), key=len)
    n_rows = first.source.n_rows * int(np.prod([way.count for way in ways]))
    if any(each.ways != ways[len(ways) - len(each.ways):] for each in signals):
        raise Refused("it joins two paths that programs round in their own ways; take the sign "
                      "before one of them")

    def step(rows: Array) -> Array:
        return apply(ARITHMETIC[node.domain, node.op], node, *(
            each.step(rows) if isinstance(each, Signal) else each for each in inputs))

    if any(each.between for each in signals):
        _check_joined(node, signals)
    table = alike(apply(ARITHMETIC[node.domain, node.op], node, *(
        np.tile(each.table, (n_rows // len(each.table), *[1] * len(each.shape)))
        if isinstance(each, Signal) else each for each in inputs)))
    _check_numbers(table)
    made = replace(first, table=table, ways=ways, step=step, ranked=None, bend=str(node),
                   signs=tuple(sign for each in signals for sign in each.signs),
                   apart=any(each.apart for each in signals),
                   between=any(each.between for each in signals))
    return replace(made, leaps=any(each.leaps for each in signals) or _leaps(node, made))


def _same_elements(one: Signal, other: Signal) -> bool:
    """Return whether two signals are made of one source, element by element."""
    rounded = one.source.inputs is None and any(
        len(each.at(np.zeros((1, each.size), each.source.range.values.dtype))) > 1
        for each in (one, other))
    return (one.source is other.source and one.shape == other.shape and not rounded
            and one.border is other.border is None
            and (one.made_of == other.made_of).all() and len(one.pools) == len(other.pools)
            and all(mine is its for mine, its in zip(one.pools, other.pools)))


def _of_sample(each: Any, signal: Signal) -> Any:
    """Return a constant for one sample, where it is given for each of a batch and is the same."""
    if isinstance(each, Array) and each.ndim == len(signal.shape) + 1 and len(each) > 1 and (
            each == each[:1]).all():
        return each[:1]
    return each


def check_constants(signal: Signal, constants: list[Any]) -> None:
    """Raise :exc:`Refused` at arrays that make more of a sample than it is, or differ by sample."""
    sample = (1, *signal.shape)
    for each in constants:
        if isinstance(each, Array):
            try:
                fits = np.broadcast_shapes(each.shape, sample) == sample
            except ValueError:
                raise Refused("its inputs do not fit the operator") from None
            if not fits:
                raise Refused("its constant must be one number, or one for each element")


def _spread(node: Node, rows: Array, shape: tuple[int, ...]) -> Array:
    """Spread a table along the axis of channels, where an operator looks for as many as it has."""
    axis = 1
    if node.op == "MultiThreshold":
        layout = node.attributes.get("data_layout") or LAYOUTS.get(rows.ndim, "NC")
        axis = layout.find("C")
    elif node.op != "BatchNormalization":
        return rows
    if not 1 <= axis < rows.ndim:
        return rows
    sizes = list(rows.shape)
    sizes[axis] = shape[axis - 1]
    return np.broadcast_to(rows, sizes)


def _turns_at_zero(signal: Signal) -> bool:
    """Return whether no value is so near to zero that its Sigmoid is a half."""
    sizes = np.abs(signal.table)
    return not ((sizes > 0) & (sizes < 1e-3)).any()


def move(node: Node, signal: Signal, inputs: list[Any], batch: int) -> Signal:
    """Put elements elsewhere: ask the operator where each of a sample goes."""
    if len(inputs) > 1 and node.op == "Concat":
        raise Refused("it joins constants to what depends on the graph's input")
    if signal.border and node.op not in ("Transpose", "Identity", "Dropout"):
        raise Refused("it moves a border that a Pad has laid; pad right before the convolution")
    check_size(batch, signal.size)
    probe = np.arange(batch * signal.size).reshape(batch, *signal.shape)
    moved = apply(MOVES[node.domain, node.op], node,
                  *(probe if each is signal else each for each in inputs))
    # A batch of numbers is taken, as one score may be.
    if moved.ndim < 2 - (signal.size == 1) or len(moved) != batch or not moved.size:
        raise Refused("it must leave the first dimension, the batch, as it is")
    samples, shape = moved.reshape(batch, -1), moved.shape[1:]
    origin = samples[0]
    if origin.max() >= signal.size or (
            samples != origin + signal.size * np.arange(batch)[:, None]).any():
        raise Refused("it must leave the first dimension, the batch, as it is")

    def put(given: Signal) -> Signal:
        if node.op == "Transpose":    # A table is turned as it is.
            axes = node.attributes.get("perm") or range(len(shape), -1, -1)
            return given.turned([axis - 1 for axis in list(axes)[1:]])
        if node.op in ("Identity", "Dropout"):
            return given
        made_of = given.made_of.reshape(-1)[origin].reshape(shape)
        return given.then(lambda rows: _gathered(rows, given.shape, origin, shape), shape=shape,
                          made_of=made_of)

    ranked = signal.ranked
    return replace(put(signal), ranked=ranked and put(ranked))


def _gathered(rows: Array, before: tuple[int, ...], origin: Array, shape: tuple[int, ...]) -> Array:
    """Return rows of elements that were taken from ``origin (n,)``, of rows like ``before``."""
    if rows[0].size == 1:
        return rows.reshape(-1, *[1] * len(shape))
    check_size(len(rows), origin.size)
    rows = np.broadcast_to(rows, (len(rows), *before)).reshape(len(rows), -1)
    return rows[:, origin].reshape(-1, *shape)
