"""Sums, means and the greatest along axes of what depends on the graph's input.

Taken is the greatest of a map, which is a pool, and what reduces one element to itself.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from ..file.graph import Node, Refused
from ..signals.elements import move
from ..signals.signal import Signal
from . import maps

__all__ = ["MEANS", "reduced"]

MEANS = {("", "GlobalAveragePool")}
JOINED = "it joins neurons of one layer; each must be treated by itself, as a batch norm does"


def reduced(node: Node, signal: Signal, inputs: list[Any], batch: int) -> Signal:
    """Return a signal without some of its axes; :exc:`Refused` unless that joins no neurons."""
    rank = len(signal.shape) + 1
    along = _along(node, inputs, rank)
    if signal.border or not along or 0 in along or not all(0 <= axis < rank for axis in along):
        raise Refused(JOINED)
    if any(signal.shape[axis - 1] > 1 for axis in along):
        if node.op != "ReduceMax":
            raise Refused(JOINED)
        signal = _greatest(node, signal, along)
    elif node.op == "ReduceL1":
        raise Refused(JOINED)
    if node.attributes.get("keepdims", 1):
        return signal
    return move(replace(node, op="Squeeze", attributes={"axes": along}), signal, [signal], batch)


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
