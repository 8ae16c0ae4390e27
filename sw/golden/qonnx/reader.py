"""From a binary multilayer perceptron in an ONNX file to a network that gives the same classes.

A graph is a matrix product of bits, then arithmetic that treats each neuron by itself, then a
matrix product again. So each neuron's value is a function of one count of matches, and nothing is
solved for: the graph's own arithmetic, in float32, is asked at every count there can be. What comes
out as one of two values is a bit; where it turns is the threshold. Constants, among them the
weights, are computed as the graph says.

The class is that of the highest score; of equal ones, that with the lowest index, as ONNX's ArgMax
and TopK have it. Sums are taken to be exact. They are wherever weights and activations are whole
numbers; with other scales each program rounds its partial sums in its own way.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..network import NetworkFileError
from .graph import Graph, Node, Refused, read
from .operators import ARITHMETIC, MOVES, apply, check_size
from .signal import Imported, Signal, from_input

__all__ = ["load"]

Array = np.ndarray
Value = Array | Signal | None
Inputs = list[Any]    # Of Value.

REMEDIES = {
    "Conv": "only fully connected layers are built; leave convolutions to the host, whose bits "
            "are the code",
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"),
                    "export with Brevitas' export_qonnx, not as QCDQ"),
}


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
            return _walk(read(path))
    except ValueError as error:
        raise NetworkFileError(f"{path} is not taken: {error}") from None


def _walk(graph: Graph) -> Imported:
    batch, *shape = graph.shape
    values: dict[str, Value] = {"": None, **graph.constants}
    values[graph.input] = from_input(tuple(shape), graph.datatype)
    for node in graph.nodes:
        try:
            if missing := [name for name in node.inputs if name not in values]:
                raise Refused(f"no node before it makes its input {missing[0][:60]!r}")
            value = _evaluate(node, [values[name] for name in node.inputs], batch)
        except Refused as error:
            raise Refused(f"{node}: {error}") from None
        # Of TopK the second output is the class.
        values[node.outputs[-1 if node.op == "TopK" else 0]] = value
    scores = values.get(graph.output)
    if not isinstance(scores, Signal):
        raise Refused("its output does not depend on its input")
    return scores.finish()


def _evaluate(node: Node, inputs: Inputs, batch: int) -> Value:
    kind = (node.domain, node.op)
    signals = [each for each in inputs if isinstance(each, Signal)]
    if kind == ("", "Shape"):
        return np.array((batch, *signals[0].shape) if signals else np.shape(inputs[0]))
    if kind not in {*ARITHMETIC, *MOVES, *PRODUCTS, *ENDS}:
        raise Refused(REMEDIES.get(node.op, "a binary multilayer perceptron has no such operator; "
                                            "leave it to the host, or out"))
    if not signals:
        return _constant(node, inputs)
    if len(signals) > 1:
        raise Refused("it joins two paths; only a chain of layers is built")
    signal = signals[0]
    if signal.end == "class" and kind in MOVES:
        return signal
    if signal.end and kind not in {*MOVES, *ENDS}:
        raise Refused("it follows the choice of the class; leave it out")
    if kind in ENDS:
        return _end(node, signal, inputs)
    if kind in PRODUCTS:
        return PRODUCTS[kind](node, signal, inputs)
    return (_compute if kind in ARITHMETIC else _move)(node, signal, inputs, batch)


def _constant(node: Node, inputs: Inputs) -> Array:
    operator = {**ARITHMETIC, **MOVES}.get((node.domain, node.op))
    if operator is None:
        raise Refused("it takes constants alone; let the exporter fold them")
    array = apply(operator, node, *inputs)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Refused("it gives numbers that are not finite")
    return array


def _compute(node: Node, signal: Signal, inputs: Inputs, batch: int) -> Signal:
    """Do arithmetic with each element by itself."""
    def step(rows: Array) -> Array:
        return apply(ARITHMETIC[node.domain, node.op], node,
                     *(rows if each is signal else each for each in inputs))

    made = signal.then(step)
    if made.table.shape != signal.table.shape:
        raise Refused("its constant must be one number, or one for each element")
    if np.isnan(made.table).any():
        raise Refused("it gives NaN")
    return made


def _move(node: Node, signal: Signal, inputs: Inputs, batch: int) -> Signal:
    """Put elements elsewhere: ask the operator where each of a sample goes."""
    size = signal.index.size
    check_size(batch, size)
    probe = np.arange(batch * size).reshape(batch, *signal.shape)
    moved = probe if node.op == "Cast" else apply(
        MOVES[node.domain, node.op], node, *(probe if each is signal else each for each in inputs))
    if moved.ndim < 2 or len(moved) != batch or not moved.size:
        raise Refused("it must leave the first dimension, the batch, as it is")
    samples, shape = moved.reshape(batch, -1), moved.shape[1:]
    origin = samples[0]
    if origin.max() >= size or (samples != origin + size * np.arange(batch)[:, None]).any():
        raise Refused("it must leave the first dimension, the batch, as it is")

    def step(rows: Array) -> Array:
        return rows.reshape(len(rows), -1)[:, origin].reshape(-1, *shape)

    return signal.then(step, signal.index.reshape(-1)[origin].reshape(shape))


def _weights(signal: Signal, inputs: Inputs) -> Array:
    """Give the second input, which must be a matrix of constants, and the first the signal."""
    if inputs[0] is not signal:
        raise Refused("its weights are on the left; let them be its second input")
    if len(inputs) < 2 or not isinstance(inputs[1], Array) or inputs[1].ndim != 2:
        raise Refused("its weights must be a matrix of constants")
    return inputs[1]


def _matmul(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    return signal.times(_weights(signal, inputs))


def _xnor(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    return signal.times(_weights(signal, inputs), xnor=True)


def _gemm(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    weights = _weights(signal, inputs)
    if node.attributes.get("transA"):
        raise Refused("it transposes its first input; let that be the batch and the vector")
    alpha, beta = (np.float32(node.attributes.get(name, 1.0)) for name in ("alpha", "beta"))
    sums = signal.times(weights.T if node.attributes.get("transB") else weights)
    sums = sums.then(lambda rows: alpha * rows)
    if len(inputs) < 3 or inputs[2] is None:
        return sums
    add = replace(node, op="Add", domain="")
    return _compute(add, sums, [sums, beta * np.asarray(inputs[2])], 1)


def _end(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    """Pass an operator that does not change which score is the highest, nor which comes first."""
    rank = len(signal.shape) + 1
    axis = node.attributes.get("axis", 0 if node.op == "ArgMax" else -1)
    if axis % rank != rank - 1:
        raise Refused(f"it must act on the last axis, the classes, not on axis {axis}")
    if node.attributes.get("select_last_index"):
        raise Refused("it chooses the last of equal scores; choose the first, as here")
    if node.op == "TopK" and not (node.attributes.get("largest", 1)
                                  and np.array_equal(np.ravel(inputs[1]), [1])):
        raise Refused("it must give one class, that of the highest score")
    return replace(signal, end="order" if "Softmax" in node.op else "class")


PRODUCTS: dict[tuple[str, str], Callable[[Node, Signal, Inputs], Signal]] = {
    ("", "MatMul"): _matmul, ("", "Gemm"): _gemm, ("qonnx", "XnorPopcountMatMul"): _xnor}
ENDS = {("", name) for name in ("ArgMax", "TopK", "Softmax", "LogSoftmax")}
