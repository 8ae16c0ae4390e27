"""From a binary network in an ONNX file to a network that gives the same classes.

A graph is a product of bits with weights, a MatMul or a Conv, then arithmetic that treats each
neuron by itself, then a product again. So each neuron's value is a function of one count of
matches, and nothing is solved for: the graph's own arithmetic, in its own types, is asked at every
count there can be. What comes out as one of two values is a bit; where it turns is the threshold.
The graph's input is asked at every value that it can have; where those are all real numbers, only
operators are taken that rise or fall, and it is searched for the two neighbours between which its
bit turns, or its number if it is quantised. Constants, among them the weights, are computed as the
graph says.

The class is that of the highest score; of equal ones, that with the lowest index, as ONNX's ArgMax
and TopK have it. A graph with one score has two classes: class 1 where a Greater or its like says
so, where a Sigmoid is a half or more, and else where the score is zero or more.

Each operator is taken to round by itself. Where programs differ, in the order of a sum or of a
batch norm, all ways must give the same classes; a graph of which they do not is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..network import NetworkFileError
from .file.graph import Graph, Node, Refused, answer, check_types, read
from .file.moves import MOVES
from .file.operators import ARITHMETIC, IN_WAYS, SIGNALS, apply, check_attributes
from .file.ranges import find_range
from .obstacles import others
from .recognised import layers, maps
from .recognised.ends import ENDS, Chosen, end, hand_on
from .recognised.layers import Imported
from .signals import near
from .signals.elements import JOINS, check_half, compute, join, move
from .signals.signal import Signal, from_input

__all__ = ["load"]

Array = np.ndarray
Inputs = list[Any]    # Of Value.

LIMITS = {"scores": 0.0, "bit": 0.5, "probability": 0.5}
REMEDIES = {
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"),
                    "export with Brevitas' export_qonnx, not as QCDQ"),
}


@dataclass(frozen=True)
class Unused:
    """An output of an operator that is not taken; says which."""

    what: str


Value = Array | Signal | maps.Windows | Chosen | Unused | near.Near | None


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
            if graph.shape[0] > 1 or graph.any_batch:
                _check_im2col(graph)
            imported = _walk(graph, graph.shape[0])
            if graph.any_batch and any(node.op == "Shape" for node in graph.nodes):
                _check_equal(imported, _walk(graph, 3))
            return imported
    except ValueError as error:
        raise NetworkFileError(f"{path} is not taken: {error}") from None


def _check_im2col(graph: Graph) -> None:
    if any(node.op == "Im2Col" for node in graph.nodes):
        raise Refused("its Im2Col takes one sample at a time, but its batch is larger; let it be 1")


def _check_equal(one: Imported, other: Imported) -> None:
    if (one.network.to_bytes() != other.network.to_bytes()
            or not np.array_equal(one.inputs.least, other.inputs.least, equal_nan=True)):
        raise Refused("it gives other classes for a batch of another size")


def _walk(graph: Graph, batch: int) -> Imported:
    values: dict[str, Value] = {"": None, **graph.constants}
    values[graph.input] = from_input(graph.shape[1:], find_range(graph.type, graph.datatype))
    for number, node in enumerate(graph.nodes):
        try:
            if missing := [name for name in node.inputs if name not in values]:
                raise Refused(f"no node before it makes its input {missing[0][:60]!r}")
            made = _evaluate(node, [values[name] for name in node.inputs], batch)
        except Refused as error:
            more = others(graph.nodes[number + 1:], values, KNOWN, PRODUCTS, _constants)
            raise Refused(f"{node}: {error}{more}") from None
        taken = 1 if node.op == "TopK" else 0    # Its second output is the class.
        for place, name in enumerate(node.outputs):
            if name:
                values[name] = made if place == taken else Unused(
                    f"output {place} of {node} is not taken")
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
    if value.size != 1 or value.source.weights is None:
        return layers.finish(ranked or value)
    if ranked is None:
        return layers.finish_pair(value, LIMITS[kind])
    if ranked.end:
        raise Refused("a Softmax of one score is always 1; end with the score itself, or with a "
                      "Sigmoid")
    return layers.finish_pair(ranked, 0)


def _evaluate(node: Node, inputs: Inputs, batch: int) -> Value:
    kind = (node.domain, node.op)
    if kind not in KNOWN:
        raise Refused(REMEDIES.get(node.op, "a binary network has no such operator; "
                                            "leave it to the host, or out"))
    check_attributes(node)
    for each in inputs:
        if isinstance(each, Unused):
            raise Refused(each.what)
    if not node.domain:
        check_types(node, [None if each is None else each.dtype for each in inputs])
    if kind == ("", "Shape"):
        return _shape(node, inputs[0], batch)
    places = [number for number, each in enumerate(inputs)
              if isinstance(each, Signal | maps.Windows | Chosen)]
    if not places:
        return _constants(node, inputs)
    if kind in near.REDUCES:
        raise Refused("it joins neurons of one layer; each must be treated by itself, as a batch "
                      "norm does")
    if len(places) > 1:
        if kind in JOINS and all(isinstance(inputs[each], Signal) for each in places):
            return join(node, inputs)
        raise Refused("it joins two paths; only a chain of layers is built, so train one")
    value = inputs[places[0]]
    if places[0] not in SIGNALS.get(kind, (0,)):
        raise Refused("its weights are on the left; let them be its second input"
                      if kind in PRODUCTS else
                      f"its input {places[0]} depends on the graph's input; only its first may")
    if isinstance(value, Chosen):
        return hand_on(node, value, inputs, batch)
    if isinstance(value, maps.Windows) and kind not in WINDOWED:
        raise Refused("it takes the windows of an Im2Col; only a MatMul may")
    return _follow(node, value, inputs, batch)


def _follow(node: Node, value: Any, inputs: Inputs, batch: int) -> Value:
    """Evaluate a node whose one signal is ``value``."""
    kind = (node.domain, node.op)
    nears = [number for number, each in enumerate(inputs) if isinstance(each, near.Near)]
    if kind in ENDS:
        return end(node, value, inputs, batch)
    if isinstance(value, Signal) and value.end and kind not in MOVES:
        raise Refused("it follows the choice of the class; leave it out")
    if nears and (kind not in PRODUCTS or nears != [1]):
        return near.scaled(node, value, inputs)
    if kind in PRODUCTS:
        if value.dtype.name not in ("float32", "float64", "int32", "int64"):
            raise Refused(f"it multiplies {value.dtype.name}; cast to float32")
        return PRODUCTS[kind](node, value, inputs)
    if kind in MAPS:
        return MAPS[kind](node, value, inputs)
    return compute(node, value, inputs) if kind in ARITHMETIC else move(node, value, inputs, batch)


def _shape(node: Node, value: Any, batch: int) -> Array:
    if isinstance(value, maps.Windows) or (isinstance(value, Signal) and value.border):
        raise Refused("it asks for the shape of a border or of windows; give it as constants")
    shape = (batch, *value.shape) if isinstance(value, Signal) else value.shape
    return np.array(shape[node.attributes.get("start", 0):node.attributes.get("end")], np.int64)


def _constants(node: Node, inputs: Inputs) -> Array | near.Near:
    """Return what a node makes of constants alone."""
    nearly = any(isinstance(each, near.Near) for each in inputs)
    is_near = nearly or (node.domain, node.op) in near.NEARLY
    return near.constant(node, inputs) if is_near else _constant(node, inputs)


def _constant(node: Node, inputs: Inputs) -> Array:
    operator = {**ARITHMETIC, **MOVES}.get((node.domain, node.op))
    if operator is None or node.op in IN_WAYS:
        raise Refused("it takes constants alone; let the exporter fold them")
    check_half(node, inputs)
    array = apply(operator, node, *inputs)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Refused("it gives numbers that are not finite")
    return array


def _weights(given: Any, ndim: int = 2) -> tuple[Array, float]:
    """Return weights, which must be constants, and how far they may be from what they are."""
    error = given.error if isinstance(given, near.Near) else 0.0
    weights = given.array if isinstance(given, near.Near) else given
    if not isinstance(weights, Array) or weights.ndim != ndim:
        raise Refused("its weights must be a matrix of constants" if ndim == 2 else
                      "its weights must be constants, (channels, inputs, rows, columns)")
    return weights, error


def _matmul(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    weights, error = _weights(inputs[1])
    if _is_map(signal):
        return maps.product(signal, weights, error)
    return layers.begin(signal, weights, error=error)


def _is_map(signal: Signal | maps.Windows) -> bool:
    return isinstance(signal, maps.Windows) or (len(signal.shape) == 3
                                                and signal.shape[0] * signal.shape[1] > 1)


def _xnor(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    weights, error = _weights(inputs[1])
    if weights.dtype != np.float32 or signal.dtype != np.float32 or error:
        raise Refused("its inputs must be float32")
    if _is_map(signal):
        return maps.product(signal, weights, 0, xnor=True)
    return layers.begin(signal, weights, xnor=True)


def _gemm(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    weights, error = _weights(inputs[1])
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
    return layers.begin(signal, weights, alpha=float(alpha), bias=bias,
                        error=error)


def _conv(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    weights, error = _weights(inputs[1], 4)
    return maps.conv(node, signal, weights, inputs[2] if len(inputs) > 2 else None, error)


PRODUCTS: dict[tuple[str, str], Callable[[Node, Signal, Inputs], Signal]] = {
    ("", "MatMul"): _matmul, ("", "Gemm"): _gemm, ("qonnx", "XnorPopcountMatMul"): _xnor,
    ("", "Conv"): _conv}
WINDOWED = {("", "MatMul"), ("qonnx", "XnorPopcountMatMul")}
MAPS: dict[tuple[str, str], Callable[[Node, Signal, Inputs], Signal | maps.Windows]] = {
    ("", "MaxPool"): lambda node, signal, inputs: maps.max_pool(node, signal),
    ("", "GlobalMaxPool"): lambda node, signal, inputs: maps.global_pool(node, signal),
    ("", "Pad"): maps.pad,
    ("qonnx", "Im2Col"): lambda node, signal, inputs: maps.im2col(node, signal),
    ("qonnx", "MaxPoolNHWC"): lambda node, signal, inputs: maps.max_pool_last(node, signal)}
KNOWN = {*ARITHMETIC, *MOVES, *PRODUCTS, *MAPS, *ENDS, *near.REDUCES, ("", "Shape")}
