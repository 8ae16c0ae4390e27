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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..network import NetworkFileError
from .file.graph import Graph, Node, Refused, answer, check_types, read
from .file.masked import joined
from .file.moves import MOVES
from .file.operators import ARITHMETIC, IN_WAYS, SIGNALS, apply, check_attributes
from .file.ranges import find_range
from .obstacles import others
from .recognised import layers, maps
from .recognised.averaged import Averaged, handed_on
from .recognised.ends import ENDS, Chosen, end, follow, hand_on
from .recognised.layers import Imported
from .recognised.products import OF_MEANS, PRODUCTS, Inputs
from .recognised.reduced import MEANS, reduced
from .signals.elements import JOINS, check_half, compute, join, move
from .signals.folded import NEARLY, REDUCES, constant
from .signals.near import Near, scaled
from .signals.signal import Signal, from_input
from .work import Work

__all__ = ["load"]

Array = np.ndarray
SHAPE, CAST_LIKE = ("", "Shape"), ("", "CastLike")
LIMITS = {"scores": 0.0, "bit": 0.5, "probability": 0.5}
NORM = "its mean is one of what depends on the input, so that it joins neurons of one layer; use " \
       "a batch norm"
REMEDIES = {
    **dict.fromkeys(("LayerNormalization", "InstanceNormalization", "GroupNormalization",
                     "LpNormalization", "MeanVarianceNormalization"), NORM),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"),
                    "export with Brevitas' export_qonnx, not as QCDQ"),
}


@dataclass(frozen=True)
class Unused:
    """An output of an operator that is not taken; says which."""

    what: str


Value = Array | Signal | maps.Windows | Averaged | Chosen | Unused | Near | None


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
            graph = joined(read(path))
            if graph.shape[0] > 1 or graph.any_batch:
                _check_im2col(graph)
            imported = _walk(graph, graph.shape[0])
            if graph.any_batch and any(node.op == "Shape" for node in graph.nodes):
                _check_equal(imported, _walk(graph, 3))
            return imported
    except ValueError as error:
        raise NetworkFileError(f"{path} is not taken: {error}") from None
    except RecursionError:
        raise NetworkFileError(f"{path} is not taken: too many operators follow one another; let "
                               "the exporter fold them") from None


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
    work = Work()
    for number, node in enumerate(graph.nodes):
        try:
            if missing := [name for name in node.inputs if name not in values]:
                raise Refused(f"no node before it makes its input {missing[0][:60]!r}; export "
                              "anew, from PyTorch with optimize=False or dynamo=False")
            made = work.do(_evaluate, node, [values[name] for name in node.inputs], batch)
        except Refused as error:
            more = others(graph.nodes[number + 1:], values, KNOWN, PRODUCTS,
                          partial(work.do, _constants))
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
    if isinstance(value, Averaged):
        raise Refused("its output is a mean of maps; end with a MatMul or Gemm")
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
    if kind == SHAPE:
        return _shape(node, inputs[0], batch)
    if kind == CAST_LIKE:
        return _evaluate(_as_cast(node, inputs[1].dtype), inputs[:1], batch)
    places = [number for number, each in enumerate(inputs)
              if isinstance(each, Signal | maps.Windows | Averaged | Chosen)]
    if not places:
        return _constants(node, inputs)
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
    nears = [number for number, each in enumerate(inputs) if isinstance(each, Near)]
    if isinstance(value, Averaged) and kind not in OF_MEANS:
        return handed_on(node, value, inputs, batch)
    if kind in ENDS:
        return end(node, value, inputs, batch)
    if isinstance(value, Signal) and value.end and kind not in MOVES:
        return follow(node, value)
    if kind in {*REDUCES, *MEANS}:
        return reduced(node, value, inputs, batch)
    if nears and (kind not in PRODUCTS or nears != [1]):
        return scaled(node, value, inputs)
    if kind in PRODUCTS:
        if value.dtype.name not in ("float32", "float64", "int32", "int64"):
            raise Refused(f"it multiplies {value.dtype.name}; cast to float32")
        return PRODUCTS[kind](node, value, inputs)
    if kind in MAPS:
        return MAPS[kind](node, value, inputs)
    return compute(node, value, inputs) if kind in ARITHMETIC else move(node, value, inputs, batch)


def _as_cast(node: Node, dtype: np.dtype) -> Node:
    """Return the Cast that a CastLike is, to the type of its second input."""
    from onnx import helper
    to = {"to": int(helper.np_dtype_to_tensor_dtype(dtype))}
    return replace(node, op="Cast", inputs=node.inputs[:1], attributes={**node.attributes, **to})


def _shape(node: Node, value: Any, batch: int) -> Array:
    if isinstance(value, maps.Windows) or (isinstance(value, Signal) and value.border):
        raise Refused("it asks for the shape of a border or of windows; give it as constants")
    shape = (batch, *value.shape) if isinstance(value, Signal | Averaged) else value.shape
    return np.array(shape[node.attributes.get("start", 0):node.attributes.get("end")], np.int64)


def _constants(node: Node, inputs: Inputs) -> Array | Near:
    """Return what a node makes of constants alone."""
    nearly = any(isinstance(each, Near) for each in inputs)
    is_near = nearly or (node.domain, node.op) in NEARLY
    return constant(node, inputs) if is_near else _constant(node, inputs)


def _constant(node: Node, inputs: Inputs) -> Array:
    operator = {**ARITHMETIC, **MOVES}.get((node.domain, node.op))
    if operator is None or node.op in IN_WAYS:
        raise Refused("it takes constants alone; let the exporter fold them")
    check_half(node, inputs)
    array = apply(operator, node, *inputs)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Refused("it gives numbers that are not finite")
    return array


WINDOWED = {("", "MatMul"), ("qonnx", "XnorPopcountMatMul")}
MAPS: dict[tuple[str, str], Callable[[Node, Signal, Inputs], Signal | maps.Windows]] = {
    ("", "MaxPool"): lambda node, signal, inputs: maps.max_pool(node, signal),
    ("", "GlobalMaxPool"): lambda node, signal, inputs: maps.global_pool(node, signal),
    ("", "Pad"): maps.pad,
    ("qonnx", "Im2Col"): lambda node, signal, inputs: maps.im2col(node, signal),
    ("qonnx", "MaxPoolNHWC"): lambda node, signal, inputs: maps.max_pool_last(node, signal)}
KNOWN = {*ARITHMETIC, *MOVES, *PRODUCTS, *MAPS, *ENDS, *REDUCES, *MEANS, SHAPE, CAST_LIKE}
