"""The products that begin a layer: MatMul, Gemm, Conv and their like, with constants as weights."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..file.graph import Node, Refused
from ..file.moves import MOVES
from ..file.operators import apply
from ..signals import folded
from ..signals.near import Near
from ..signals.signal import Signal
from . import layers, maps
from .averaged import Averaged, begin

__all__ = ["OF_MEANS", "PRODUCTS", "Inputs"]

Array = np.ndarray
Inputs = list[Any]    # Of a node: arrays, signals, None.


def _weights(given: Any, ndim: int = 2) -> tuple[Array, float]:
    """Return weights, which must be constants, and how far they may be from what they are."""
    error = given.error if isinstance(given, Near) else 0.0
    weights = given.array if isinstance(given, Near) else given
    if not isinstance(weights, Array) or weights.ndim != ndim:
        raise Refused("its weights must be a matrix of constants" if ndim == 2 else
                      "its weights must be constants, (channels, inputs, rows, columns)")
    return weights, error


def _matmul(node: Node, signal: Signal | Averaged, inputs: Inputs) -> Signal:
    weights, error = _weights(inputs[1])
    if not isinstance(signal, Averaged) and _is_map(signal):
        return maps.product(signal, weights, error)
    return begin(signal, weights, error=error)


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


def _gemm(node: Node, signal: Signal | Averaged, inputs: Inputs) -> Signal:
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
    return begin(signal, weights, alpha=float(alpha), bias=bias, error=error)


def _conv(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    weights, error = _weights(inputs[1], 4)
    return maps.conv(node, signal, weights, inputs[2] if len(inputs) > 2 else None, error)


def _einsum(node: Node, signal: Signal, inputs: Inputs) -> Signal:
    """Multiply vectors with a matrix, however the letters are named."""
    equation = str(node.attributes["equation"]).replace(" ", "")
    found = re.fullmatch(r"([a-z])([a-z]),([a-z]{2})->([a-z]{2})", equation)
    batch, each, matrix, made = found.groups() if found else ("", "", "", "")
    if len(inputs) != 2 or len({batch, *matrix}) != 3 or made != batch + matrix.replace(each, ""):
        raise Refused("its equation must be that of vectors and a matrix, like 'bi,oi->bo'")
    turn = replace(node, op="Transpose", attributes={"perm": [1, 0]})
    weights = inputs[1]
    if matrix[1] == each:
        weights = (folded.constant(turn, [weights]) if isinstance(weights, Near)
                   else apply(MOVES["", "Transpose"], turn, weights))
    return _matmul(node, signal, [signal, weights])


PRODUCTS: dict[tuple[str, str], Callable[[Node, Any, Inputs], Signal]] = {
    ("", "MatMul"): _matmul, ("", "Gemm"): _gemm, ("qonnx", "XnorPopcountMatMul"): _xnor,
    ("", "Conv"): _conv, ("", "Einsum"): _einsum}
OF_MEANS = {("", "MatMul"), ("", "Gemm")}
