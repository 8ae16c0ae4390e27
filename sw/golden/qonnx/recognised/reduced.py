"""Sums, means and the greatest along axes of what depends on the graph's input.

Taken is the greatest of a map, which is a pool, the mean of a map before a product, and what
reduces one element to itself.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from ..file.graph import Node, Refused
from ..signals.elements import move
from ..signals.signal import Signal
from . import maps
from .averaged import JOINED, Averaged

__all__ = ["MEANS", "reduced"]

MEANS = {("", "GlobalAveragePool"), ("", "AveragePool")}
SEVERAL = "what it gives has several bits, and between stages there is one; pool with MaxPool, " \
          "behind the sign, or all of a map before a MatMul or Gemm"


def reduced(node: Node, signal: Signal, inputs: list[Any], batch: int
            ) -> Signal | Averaged:
    """Return a signal without some of its axes, or the means of its channels."""
    rank = len(signal.shape) + 1
    if node.op == "AveragePool" and not _takes_all(node, signal):
        raise Refused(SEVERAL)
    along = _along(node, inputs, rank)
    if signal.border or not along or 0 in along or not all(0 <= axis < rank for axis in along):
        raise Refused(JOINED)
    if any(signal.shape[axis - 1] > 1 for axis in along):
        if node.op != "ReduceMax":
            return _means(node, signal, along)
        signal = _greatest(node, signal, along)
    elif node.op == "ReduceL1":
        raise Refused(JOINED)
    if node.attributes.get("keepdims", 1):
        return signal
    return move(replace(node, op="Squeeze", attributes={"axes": along}), signal, [signal], batch)


def _takes_all(node: Node, signal: Signal) -> bool:
    """Return whether the one window of a pool is the map."""
    said = node.attributes
    return (tuple(said["kernel_shape"]) == signal.shape[1:] and not any(said.get("pads") or [])
            and said.get("auto_pad", "NOTSET") in ("NOTSET", "VALID")
            and not any(each != 1 for each in said.get("dilations") or []))


def _means(node: Node, signal: Signal, along: list[int]) -> Averaged:
    if node.op not in ("ReduceMean", "GlobalAveragePool", "AveragePool") or len(
            signal.shape) != 3 or along not in ([2, 3], [1, 2]):
        raise Refused(JOINED)
    first = signal if along == [2, 3] else signal.turned((2, 0, 1))
    kept = tuple(1 if axis + 1 in along else size for axis, size in enumerate(signal.shape))
    return Averaged(first, kept if node.attributes.get("keepdims", 1) else first.shape[:1])


def _greatest(node: Node, signal: Signal, along: list[int]) -> Signal:
    if along == [2, 3]:
        return maps.global_pool(node, signal)
    if along == [1, 2] and len(signal.shape) == 3:
        return maps.global_pool(node, signal.turned((2, 0, 1))).turned((1, 2, 0))
    raise Refused(JOINED)


def _along(node: Node, inputs: list[Any], rank: int) -> list[int]:
    if (node.domain, node.op) in MEANS:
        return list(range(2, rank))
    axes = inputs[1] if len(inputs) > 1 else None
    given = axes.reshape(-1).tolist() if isinstance(axes, np.ndarray) else node.attributes.get(
        "axes") or []
    return sorted(axis + rank * (axis < 0) for axis in given)
