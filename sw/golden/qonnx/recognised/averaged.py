"""The mean of each channel of a map, as it lies before the last layers of many networks.

A product of such means is one of the whole map, each channel's weights once for every place, and
divided by how many there are. So a dense stage takes the map, and no mean is computed.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..file.graph import Node, Refused
from ..file.moves import MOVES
from ..file.operators import apply
from ..signals.elements import move
from ..signals.signal import Signal
from . import layers

__all__ = ["JOINED", "Averaged", "begin", "handed_on"]

Array = np.ndarray
JOINED = "it joins neurons of one layer; each must be treated by itself, as a batch norm does"
FOLLOWS = "it takes means of maps, which have several bits; only a Flatten and a MatMul or Gemm may"


@dataclass(frozen=True)
class Averaged:
    """Means of the channels of ``signal``, a map with the channel first; of ``shape`` a sample."""

    signal: Signal
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype:
        return self.signal.dtype


def handed_on(node: Node, means: Averaged, inputs: list[Any], batch: int) -> Averaged:
    """Pass what only gives means another shape."""
    if (node.domain, node.op) not in MOVES:
        raise Refused(FOLLOWS)
    probe = np.arange(batch * means.signal.shape[0]).reshape(batch, *means.shape)
    moved = apply(MOVES[node.domain, node.op], node,
                  *(probe if each is means else each for each in inputs))
    if moved.shape[:1] != (batch,) or moved.size != probe.size or (
            moved.reshape(-1) != probe.reshape(-1)).any():
        raise Refused(FOLLOWS)
    return replace(means, shape=moved.shape[1:])


def begin(means: Averaged | Signal, weights: Array, *, alpha: float = 1,
          bias: Array | None = None, error: float = 0) -> Signal:
    """Begin a dense layer as :func:`~sw.golden.qonnx.recognised.layers.begin`, of means too."""
    if isinstance(means, Signal):
        return layers.begin(means, weights, alpha=alpha, bias=bias, error=error)
    signal = means.signal
    if means.shape != weights.shape[:1]:
        raise Refused(f"its input has shape {means.shape}, but its weights take a vector of "
                      f"{weights.shape[0]}; flatten the input before it")
    places = signal.shape[1] * signal.shape[2]
    flat = move(Node("", "Flatten", "", ("",), ("",), {"axis": 1}, 13), signal, [signal], 1)
    return layers.begin(flat, np.repeat(weights, places, axis=0), alpha=alpha / places, bias=bias,
                        error=error)
