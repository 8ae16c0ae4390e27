"""From a binary multilayer perceptron in an ONNX file to a network that gives the same classes.

A graph is a matrix product of bits, then arithmetic that treats each neuron by itself, then a
matrix product again. So each neuron's value is a function of one count of matches, and nothing is
solved for: the graph's own arithmetic, in its own types, is asked at every count there can be. What
comes out as one of two values is a bit; where it turns is the threshold. The graph's input is asked
at every value that it can have; where those are all real numbers, only operators are taken that
rise or fall, and it is searched for the two neighbours between which the bit turns. Constants,
among them the weights, are computed as the graph says.

The class is that of the highest score; of equal ones, that with the lowest index, as ONNX's ArgMax
and TopK have it. A graph with one score has two classes: class 1 where a Greater or its like says
so, where a Sigmoid is a half or more, and else where the score is zero or more.

Each operator is taken to round by itself. Where programs differ, in the order of a sum or of a
batch norm, all ways must give the same classes; a graph of which they do not is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..network import NetworkFileError
from . import layers
from .graph import PASSING, Graph, Node, Refused, answer, check_types, read
from .layers import Imported
from .operators import ARITHMETIC, BENDS, MOVES, SIGNALS, apply, cast, check_attributes, check_size
from .ranges import find_range
from .signal import Signal, from_input

__all__ = ["load"]

Array = np.ndarray
Inputs = list[Any]    # Of Value.

LIMITS = {"scores": 0.0, "bit": 0.5, "probability": 0.5}
REMEDIES = {
    "Conv": "only fully connected layers are built; leave convolutions to the host, whose bits "
            "are the code",
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"),
                    "export with Brevitas' export_qonnx, not as QCDQ"),
}


@dataclass(frozen=True)
class Chosen:
    """The number of the class with the highest of some scores: ``shape``, the batch first."""

    scores: Signal
    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(frozen=True)
class Unused:
    """An output of an operator that is not taken; says which."""

    what: str


Value = Array | Signal | Chosen | Unused | None


def load(path: Path) -> Imported:
    """Read a network from an ONNX file.

    Raises
    ------
    NetworkFileError
        It holds none, or none that can be built: one line says which node, why, and what would do.
    OSError
        It cannot be read.
    """
    try:
        with np.errstate(all="ignore"):    # What comes of infinities is looked at as it is made.
            graph = read(path)
            imported = _walk(graph, graph.shape[0])
            if graph.any_batch and any(node.op == "Shape" for node in graph.nodes):
                _check_equal(imported, _walk(graph, 3))
            return imported
    except ValueError as error:
        raise NetworkFileError(f"{path} is not taken: {error}") from None


def _check_equal(one: Imported, other: Imported) -> None:
    if (one.network.to_bytes() != other.network.to_bytes()
            or (one.inputs.high != other.inputs.high).any()):
        raise Refused("it gives other classes for a batch of another size")


def _walk(graph: Graph, batch: int) -> Imported:
    values: dict[str, Value] = {"": None, **graph.constants}
    values[graph.input] = from_input(graph.shape[1:], find_range(graph.type, graph.datatype))
    for node in graph.nodes:
        try:
            if missing := [name for name in node.inputs if name not in values]:
                raise Refused(f"no node before it makes its input {missing[0][:60]!r}")
            made = _evaluate(node, [values[name] for name in node.inputs], batch)
        except Refused as error:
            raise Refused(f"{node}: {error}") from None
        taken = 1 if node.op == "TopK" else 0    # Its second output is the class.
        for number, name in enumerate(node.outputs):
            if name:
                values[name] = made if number == taken else Unused(
                    f"output {number} of {node} is not taken")
    value: Any = values.get(graph.output)
    imported = _finish(value, answer(graph))
    if graph.output_type and value.dtype != graph.output_type:
        raise Refused(f"its output is {value.dtype.name}, but the file says {graph.output_type}; "
                      "let both be one type")
    return imported


def _finish(value: Value, kind: str) -> Imported:
    if isinstance(value, Unused):
        raise Refused(value.what)
    if isinstance(value, Chosen):
        return layers.finish(value.scores)
    if not isinstance(value, Signal):
        raise Refused("its output does not depend on its input")
    ranked = value.ranked
    if value.made_of.size != 1 or value.source.weights is None:
        return layers.finish(ranked or value)
    if ranked is None:
        return layers.finish_pair(value, LIMITS[kind])
    if ranked.end:
        raise Refused("a Softmax of one score is always 1; end with the score itself, or with a "
                      "Sigmoid")
    return layers.finish_pair(ranked, 0)


def _evaluate(node: Node, inputs: Inputs, batch: int) -> Value:
    kind = (node.domain, node.op)
    if kind not in {*ARITHMETIC, *MOVES, *PRODUCTS, *ENDS, ("", "Shape")}:
        raise Refused(REMEDIES.get(node.op, "a binary multilayer perceptron has no such operator; "
                                            "leave it to the host, or out"))
    check_attributes(node)
    for each in inputs:
        if isinstance(each, Unused):
            raise Refused(each.what)
    if not node.domain:
        check_types(node, [None if each is None else each.dtype for each in inputs])
    if kind == ("", "Shape"):
        return _shape(node, inputs[0], batch)
    places = [number for number, each in enumerate(inputs) if isinstance(each, Signal | Chosen)]
    if not places:
        return _constant(node, inputs)
    if len(places) > 1:
        raise Refused("it joins two paths; only a chain of layers is built")
    value = inputs[places[0]]
    if places[0] not in SIGNALS.get(kind, (0,)):
        raise Refused("its weights are on the left; let them be its second input"
                      if kind in PRODUCTS else
                      f"its input {places[0]} depends on the graph's input; only its first may")
    if isinstance(value, Chosen):
        return _hand_on(node, value, inputs, batch)
    if kind in ENDS:
        return _end(node, value, inputs, batch)
    if value.end and kind not in MOVES:
        raise Refused("it follows the choice of the class; leave it out")
    if kind in PRODUCTS:
        if value.dtype.name not in ("float32", "float64", "int32", "int64"):
            raise Refused(f"it multiplies {value.dtype.name}; cast to float32")
        return PRODUCTS[kind](node, value, inputs)
    return (_compute if kind in ARITHMETIC else _move)(node, value, inputs, batch)


def _shape(node: Node, value: Any, batch: int) -> Array:
    shape = ((batch, *value.shape) if isinstance(value, Signal)
             else value.shape)
    return np.array(shape[node.attributes.get("start", 0):node.attributes.get("end")], np.int64)


def _constant(node: Node, inputs: Inputs) -> Array:
    operator = {**ARITHMETIC, **MOVES}.get((node.domain, node.op))
    if operator is None or node.op in ("BatchNormalization", "Sigmoid"):
        raise Refused("it takes constants alone; let the exporter fold them")
    _check_half(node, inputs)
    array = apply(operator, node, *inputs)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Refused("it gives numbers that are not finite")
    return array


def _check_half(node: Node, inputs: Inputs) -> None:
    if (node.domain, node.op) in ARITHMETIC and node.op != "Cast" and any(
            each is not None and each.dtype == np.float16 for each in inputs):
        raise Refused("it computes in float16, which programs round in their own ways; cast to "
                      "float32 before it")


def _compute(node: Node, signal: Signal, inputs: Inputs, batch: int) -> Signal:
    """Do arithmetic with each element by itself."""
    _check_half(node, inputs)

    def step(rows: Array) -> Array:
        return apply(ARITHMETIC[node.domain, node.op], node,
                     *(rows if each is signal else each for each in inputs))

    # A number that divides by the input turns at zero, as a cast to bool does.
    turns = (node.op in BENDS or (node.op == "Div" and inputs[0] is not signal)
             or (node.op == "Cast" and node.attributes["to"] == BOOL))
    made = signal.then(step, sign=node.op == "Sign", bend=str(node) if turns and (
        node.op in ("Equal", "Sigmoid") or signal.crosses_zero()) else "")
    if made.table.shape[1:] != signal.table.shape[1:]:
        raise Refused("its constant must be one number, or one for each element")
    if made.dtype.kind == "f" and np.isnan(made.table).any():
        raise Refused("it gives NaN")
    if node.op == "Sigmoid":
        kept = signal.keeps_order(_sigmoid) if signal.made_of.size > 1 else _turns_at_zero(signal)
        return replace(made, apart=True, ranked=signal if kept else None)
    return made


BOOL = 9


def _sigmoid(values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-values)))


def _turns_at_zero(signal: Signal) -> bool:
    """Return whether no value is so near to zero that its Sigmoid is a half."""
    sizes = np.abs(signal.table)
    return not ((sizes > 0) & (sizes < 1e-3)).any()


def _move(node: Node, signal: Signal, inputs: Inputs, batch: int) -> Signal:
    """Put elements elsewhere: ask the operator where each of a sample goes."""
    if len(inputs) > 1 and node.op == "Concat":
        raise Refused("it joins constants to what depends on the graph's input")
    size = signal.made_of.size
    check_size(batch, size)
    probe = np.arange(batch * size).reshape(batch, *signal.shape)
    moved = apply(MOVES[node.domain, node.op], node,
                  *(probe if each is signal else each for each in inputs))
    if moved.ndim < 2 or len(moved) != batch or not moved.size:
        raise Refused("it must leave the first dimension, the batch, as it is")
    samples, shape = moved.reshape(batch, -1), moved.shape[1:]
    origin = samples[0]
    if origin.max() >= size or (samples != origin + size * np.arange(batch)[:, None]).any():
        raise Refused("it must leave the first dimension, the batch, as it is")

    def step(rows: Array) -> Array:
        return rows.reshape(len(rows), -1)[:, origin].reshape(-1, *shape)

    def put(given: Signal) -> Signal:
        return given.then(step, made_of=given.made_of.reshape(-1)[origin].reshape(shape))

    ranked = signal.ranked
    return replace(put(signal), ranked=ranked and put(ranked))


def _weights(inputs: Inputs) -> Array:
    """Return the second input, which must be a matrix of constants."""
    if len(inputs) < 2 or not isinstance(inputs[1], Array) or inputs[1].ndim != 2:
        raise Refused("its weights must be a matrix of constants")
    return inputs[1]


def _matmul(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    return layers.begin(signal, _weights(inputs))


def _xnor(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    weights = _weights(inputs)
    if weights.dtype != np.float32 or signal.dtype != np.float32:
        raise Refused("its inputs must be float32")
    return layers.begin(signal, weights, xnor=True)


def _gemm(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    weights = _weights(inputs)
    if node.attributes["transA"]:
        raise Refused("it transposes its first input; let that be the batch and the vector")
    if len(signal.shape) != 1 or weights.dtype != np.float32:
        raise Refused(f"it multiplies {weights.dtype.name} of shape {signal.shape}; let that be a "
                      "vector of float32")
    alpha, beta = (np.float32(node.attributes[name]) for name in ("alpha", "beta"))
    if not alpha:
        raise Refused("it multiplies its sums by zero")
    weights = weights.T if node.attributes["transB"] else weights
    bias = inputs[2] if len(inputs) > 2 else None
    if bias is not None:
        if not isinstance(bias, Array) or bias.shape not in (
                (), (1,), (1, 1), (weights.shape[1],), (1, weights.shape[1])):
            raise Refused("its bias must be one number, or one for each neuron")
        bias = beta * bias
    return layers.begin(signal, weights, alpha=float(alpha), bias=bias)


def _end(node: Node, signal: Signal, inputs: Inputs, batch: int) -> Value:
    """Pass an operator that does not change which score is the highest, nor which comes first."""
    rank, axis = len(signal.shape) + 1, node.attributes["axis"]
    if not -rank <= axis < rank or axis % rank != rank - 1:
        raise Refused(f"it must act on the last axis, the classes, not on axis {axis}")
    layers.check_scores(signal)
    if signal.dtype.kind not in "fi" or signal.dtype == np.float16:
        raise Refused(f"it compares {signal.dtype.name}; cast to float32")
    if "Softmax" in node.op:
        if signal.end:
            raise Refused("it follows another Softmax, behind which float32 may make scores equal; "
                          "leave one of them out")
        if not signal.keeps_order(lambda values: values):
            raise Refused("its scores lie so close together that float32 may make some of them "
                          "equal; leave it out")
        ranked = replace(signal.ranked or signal, end=True)
        return replace(ranked, ranked=ranked)
    if node.attributes.get("select_last_index"):
        raise Refused("it chooses the last of equal scores; choose the first, as here")
    if node.op == "TopK" and not (node.attributes.get("largest", 1) and len(inputs) > 1
                                  and np.array_equal(np.ravel(inputs[1]), [1])):
        raise Refused("it must give one class, that of the highest score")
    keeps = node.op == "TopK" or node.attributes["keepdims"]
    return Chosen(signal.ranked or signal, (batch, *signal.shape[:-1], *[1] * bool(keeps)),
                  np.dtype(np.int64))


def _hand_on(node: Node, chosen: Chosen, inputs: Inputs, batch: int) -> Chosen:
    """Pass an operator that leaves the class as it is."""
    if node.op not in PASSING or node.domain:
        raise Refused("it follows the choice of the class; leave it out")
    if node.op == "Cast":
        classes = np.arange(chosen.scores.made_of.size)
        made = apply(ARITHMETIC["", "Cast"], node, classes.astype(chosen.dtype))
        if (cast(made, np.dtype(np.int64)) != classes).any():
            raise Refused(f"it casts the class to {made.dtype.name}, which does not have all of "
                          "them")
        return replace(chosen, dtype=made.dtype)
    probe = np.arange(batch).reshape(chosen.shape)
    moved = apply(MOVES["", node.op], node, *(probe if each is chosen else each for each in inputs))
    if (moved.reshape(-1) != probe.reshape(-1)).any():
        raise Refused("it must leave the first dimension, the batch, as it is")
    return replace(chosen, shape=moved.shape)


PRODUCTS: dict[tuple[str, str], Callable[[Node, Signal, Inputs], Signal]] = {
    ("", "MatMul"): _matmul, ("", "Gemm"): _gemm, ("qonnx", "XnorPopcountMatMul"): _xnor}
ENDS = {("", name) for name in ("ArgMax", "TopK", "Softmax", "LogSoftmax")}
