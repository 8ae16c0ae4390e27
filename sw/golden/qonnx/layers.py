"""From signals to layers: where one begins, where its bits are taken, and where scores end it."""

from dataclasses import dataclass, replace

import numpy as np

from ..bits import Bits
from ..exact import NotAThreshold, layer_of
from ..network import MAX_WIDTH, Layer, Network, OutputLayer
from .binarised import input_bits
from .graph import Refused
from .ranges import Inputs
from .scores import offsets
from .signal import ROUNDS, Signal, Source
from .sums import sums_of

__all__ = ["Imported", "begin", "check_scores", "finish", "finish_pair"]

Array = np.ndarray

MAX_WEIGHTS = 1 << 24    # Of one layer: its table of sums takes 64 MB.


@dataclass(frozen=True)
class Imported:
    """A network, and how the values that its graph takes become its code."""

    network: Network
    inputs: Inputs


def begin(signal: Signal, weights: Array, *, xnor: bool = False, alpha: float = 1,
          bias: Array | None = None) -> Signal:
    """Begin a layer: the sums of its bits, with ``weights`` of shape ``(n_in, n_out)``.

    They are times ``alpha``, and then ``bias`` is added. With ``xnor`` both are 0 and 1, and the
    matches are counted instead.
    """
    if weights.size > MAX_WEIGHTS or max(weights.shape) > MAX_WIDTH or not weights.size:
        raise Refused(f"it has {weights.size} weights; 1 to {MAX_WEIGHTS} are taken")
    if signal.shape != (*[1] * (len(signal.shape) - 1), weights.shape[0]):
        raise Refused(f"its input has shape {signal.shape}, but its weights take a vector of "
                      f"{weights.shape[0]}; flatten the input before it")
    places = signal.places
    if signal.made_of.size != np.prod(signal.source.shape) or len(
            np.unique(signal.made_of)) != len(places):
        raise Refused("its input holds a part of what was computed; connect all of it")
    source, low, high = _bits(signal, xnor)
    if xnor:
        if not (np.isin(weights, (0, 1)).all() and (low == 0).all() and (high == 1).all()):
            raise Refused("its weights and its input must be 0 and 1")
        bits, table = weights.T.astype(np.uint8), np.arange(len(weights) + 1, dtype=signal.dtype)
        table, rounded = np.repeat(table[:, None], weights.shape[1], axis=1), False
    else:
        bits, table, rounded = sums_of(weights, low, high, alpha, bias)
    table = table.reshape(len(table), *signal.shape[:-1], -1)
    shape = table.shape[1:]
    return Signal(replace(source, shape=shape, weights=bits[:, places]), table,
                  np.arange(len(bits)).reshape(shape), apart=rounded)


def _bits(signal: Signal, binary: bool) -> tuple[Source, Array, Array]:
    """Take a signal as bits: return the source of what follows, and what bits 0 and 1 are here.

    The two arrays are in the order of the elements, the source in that of ``made_of``. With
    ``binary`` an input of which nothing is said has 0 and 1.
    """
    if signal.source.weights is None:
        inputs, low, high = input_bits(signal, binary)
        return Source((), signal.source.range, inputs=inputs), low, high
    table = signal.table.reshape(len(signal.table), -1)
    low, high = _levels(signal, table)
    fires = _agreed(signal, table == high)
    layer = _layer(signal.source.weights, fires[:, signal.places])
    return replace(signal.source, layers=(*signal.source.layers, layer)), low, high


def _agreed(signal: Signal, fires: Array) -> Array:
    """Return ``(n_rows, n)`` of a table of bools, the same for all ways of rounding."""
    ways = fires.reshape(-1, signal.source.n_rows, fires.shape[-1])
    wrong = (ways != ways[0]).any(axis=(0, 1))
    if wrong.any():
        raise Refused(ROUNDS.format(
            what=f"neuron {np.flatnonzero(wrong)[0]} of the layer before"))
    agreed: Array = ways[0]
    return agreed


def _levels(signal: Signal, table: Array) -> tuple[Array, Array]:
    """Find the two values that each column of a table ``(n_rows, n)`` has.

    A neuron that always has the same must be like the others.
    """
    low, high = table.min(axis=0), table.max(axis=0)
    wrong = ((table != low) & (table != high)).any(axis=0)
    if wrong.any():
        values = np.unique(table[:, np.flatnonzero(wrong)[0]])
        if signal.signs and 0 in values:
            raise Refused("its input has three values, as the sum can be where Sign gives 0: "
                          "sign(0) is 0; add a half to the sum, or use BipolarQuant")
        if (signal.source.n_rows < len(table)
                and len(np.unique(table[:signal.source.n_rows, wrong][:, 0])) <= 2):
            raise Refused(ROUNDS.format(what="its input"))
        raise Refused("its input has more than two values, like "
                      f"{', '.join(map(str, values[:3]))}; make bits of it, with BipolarQuant")
    if table.dtype == bool:
        return low, high
    constant = low == high
    pairs = np.unique(np.stack([low, high])[:, ~constant], axis=1)
    if constant.all():    # As if there were signs.
        low, high = -np.abs(low), np.abs(high)
    elif constant.any():
        if pairs.shape[1] != 1 or not np.isin(low[constant], pairs).all():
            raise Refused(f"neuron {np.flatnonzero(constant)[0]} never turns, and has no pair "
                          "of values in common with the others; give all activations one scale")
        low, high = np.broadcast_to(pairs, (2, len(low)))
    return low, high


def _layer(weights: Bits, fires: Array) -> Layer:
    """Make a layer whose neurons fire as asked: bool ``(n_in + 1, n_out)``, by matches."""
    try:
        return layer_of(weights, fires)
    except NotAThreshold as found:
        raise Refused(f"neuron {found.neuron} of the layer before is not a threshold on its sum; "
                      "between layers only a sign or one threshold may bend") from None


def check_scores(signal: Signal) -> None:
    """Raise :exc:`Refused` unless it is one score for each class."""
    if signal.source.weights is None or signal.source.inputs is None:
        raise Refused("its output is not that of a layer; a network ends with a MatMul or Gemm")
    if signal.shape != (*[1] * (len(signal.shape) - 1), signal.made_of.size):
        raise Refused(f"its output has shape {signal.shape}; a score for each class is a vector")


def finish(signal: Signal) -> Imported:
    """Take a signal as the scores: return the network."""
    check_scores(signal)
    assert signal.source.weights is not None and signal.source.inputs is not None
    neurons = signal.made_of.reshape(-1)
    table = signal.table.reshape(-1, signal.source.n_rows, len(neurons))
    falls = table[0, 0] > table[0, -1]
    table = np.where(falls, table[:, ::-1], table)
    weights = signal.source.weights[neurons] ^ falls[:, None]
    if (table[:, 1:] < table[:, :-1]).any():
        raise Refused("a score does not rise with its sum; end with a MatMul and one scale")
    return Imported(Network(signal.source.layers, OutputLayer(
        weights, offsets(table, weights, apart=signal.apart))), signal.source.inputs)


def finish_pair(signal: Signal, limit: float) -> Imported:
    """Take a signal as one score: class 1 where it is ``limit`` or more, else class 0."""
    check_scores(signal)
    assert signal.source.weights is not None and signal.source.inputs is not None
    table = signal.table.reshape(len(signal.table), 1)
    fires = _agreed(signal, table >= limit)
    if not limit and fires.all() == fires.any():
        raise Refused(f"its one score is never {'below zero' if fires.all() else 'positive'}, "
                      "so that it always gives one class; end with the score itself, with a "
                      "Sigmoid, or with Greater")
    # Against its inverse: with m of n matches, 2m - n is the score of class 1 over class 0.
    layer = _layer(signal.source.weights[signal.made_of.reshape(-1)], fires)
    ahead = int(2 * layer.thresholds[0] - 1 - layer.n_in)
    return Imported(Network(signal.source.layers, OutputLayer(
        np.concatenate([1 - layer.weights, layer.weights]),
        np.array([max(ahead, 0), max(-ahead, 0)]))), signal.source.inputs)
