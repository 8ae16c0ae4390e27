"""What may follow the scores: operators that keep which is the highest, or that name it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..file.graph import PASSING, Node, Refused
from ..file.moves import MOVES
from ..file.operators import ARITHMETIC, apply, cast
from ..signals.signal import Signal
from . import layers

__all__ = ["ENDS", "Chosen", "end", "follow", "hand_on"]

# What makes of one of them the other.
INVERSES = {"Softmax": "Log", "LogSoftmax": "Exp"}
ENDS = {("", name) for name in ("ArgMax", "TopK", "Softmax", "LogSoftmax")}


@dataclass(frozen=True)
class Chosen:
    """The number of the class with the highest of some scores: ``shape``, the batch first."""

    scores: Signal
    shape: tuple[int, ...]
    dtype: np.dtype


def end(node: Node, signal: Signal, inputs: list[Any], batch: int) -> Signal | Chosen:
    """Pass an operator that does not change which score is the highest, nor which comes first."""
    rank, axis = len(signal.shape) + 1, node.attributes["axis"]
    if rank < 2 or not -rank <= axis < rank or axis % rank != rank - 1:
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
        ranked = replace(signal.ranked or signal, end=node.op)
        return replace(ranked, ranked=ranked)
    if node.attributes.get("select_last_index"):
        raise Refused("it chooses the last of equal scores; choose the first, as here")
    if node.op == "TopK" and not (node.attributes.get("largest", 1) and len(inputs) > 1
                                  and np.array_equal(np.ravel(inputs[1]), [1])):
        raise Refused("it must give one class, that of the highest score")
    keeps = node.op == "TopK" or node.attributes["keepdims"]
    return Chosen(signal.ranked or signal, (batch, *signal.shape[:-1], *[1] * bool(keeps)),
                  np.dtype(np.int64))


def follow(node: Node, signal: Signal) -> Signal:
    """Pass the logarithm of a Softmax, or the exponential of a LogSoftmax: it is the other."""
    if node.domain or INVERSES[signal.end] != node.op:
        raise Refused("it follows the choice of the class; leave it out")
    other, = (name for name in INVERSES if name != signal.end)
    return replace(signal, end=other)


def hand_on(node: Node, chosen: Chosen, inputs: list[Any], batch: int) -> Chosen:
    """Pass an operator that leaves the class as it is."""
    if node.op not in PASSING or node.domain:
        raise Refused("it follows the choice of the class; leave it out")
    if node.op == "Cast":
        classes = np.arange(chosen.scores.size)
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
