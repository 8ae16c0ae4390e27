"""From signals to layers: where one begins, and where scores end it."""

from dataclasses import dataclass, replace

import numpy as np

from ...bits import Bits
from ...network import MAX_WIDTH, Network, OutputLayer, default_levels
from ...stages import Conv, Dense, Map, Pool, Readout, Signature, Stage
from ..file.graph import Refused
from ..file.ranges import Inputs
from ..signals.signal import Signal, Source, Way
from ..signals.sums import Taken, sums_of
from .binarised import input_bits, two_levels
from .pixels import input_numbers
from .scores import offsets
from .taking import agreed, layer, take

__all__ = ["Imported", "begin", "check_scores", "convolve", "finish", "finish_pair", "pool"]

Array = np.ndarray

MAX_WEIGHTS = 1 << 24    # Of one layer: its table of sums takes 64 MB.
BYTES = np.arange(256)


@dataclass(frozen=True)
class Imported:
    """A network, and how the values that its graph takes become its code."""

    network: Network
    inputs: Inputs


def begin(signal: Signal, weights: Array, *, xnor: bool = False, alpha: float = 1,
          bias: Array | None = None, error: float = 0) -> Signal:
    """Begin a dense layer: the sums of its inputs, with ``weights`` of shape ``(n_in, n_out)``.

    They are times ``alpha``, and then ``bias`` is added. With ``xnor`` both are 0 and 1, and the
    matches are counted instead. The weights may be off by ``error``, to what they are.
    """
    _check_weights(weights)
    if signal.shape != (*[1] * (len(signal.shape) - 1), weights.shape[0]) or signal.border:
        raise Refused(f"its input has shape {signal.shape}, but its weights take a vector of "
                      f"{weights.shape[0]}; flatten the input before it")
    _check_all_there(signal)
    if signal.source.inputs is None:
        inputs, taken = _taken_input(signal, xnor)
        takes = Map(1, 1, signal.size, inputs.bits)
        source = replace(signal.source, inputs=inputs, input=takes, map=takes)
    else:
        assert signal.source.map is not None
        source, taken = take(signal, signal.columns, _channels(signal))
    bits, table, rounded = (_matches if xnor else sums_of)(weights, taken, *(
        () if xnor else (alpha, bias, error)))
    made = _begun(source, Dense(weights.shape[1]), bits[:, signal.places], table, rounded)
    shape = (*signal.shape[:-1], weights.shape[1])
    return replace(made, shape=shape, table=made.table.reshape(-1, *shape),
                   made_of=made.made_of.reshape(shape))


def convolve(signal: Signal, weights: Array, stage: Stage, pad: Array | None,
             bias: Array | None, error: float = 0, *, xnor: bool = False) -> Signal:
    """Begin a convolution of a map, channel first, with weights ``(n_out, n_in, row, column)``.

    ``error`` and ``xnor`` are as of :func:`begin`. ``pad (channels,)`` is the value of its border,
    if there is one. A dense stage is taken as the convolution whose window is the map.
    """
    _check_weights(weights)
    _check_all_there(signal)
    if signal.source.inputs is None:
        inputs, taken = _taken_input(signal, xnor)
        source, taken = _of_map(signal, inputs, taken)
        if pad is not None and (pad != taken.start).any():
            raise Refused(f"its border of {pad[0]:g} is not what its input is at the least, "
                          f"{taken.start[0]:g}; pad with that, before it")
    else:
        _check_map(signal)
        source, taken = take(signal, signal.by_channel, np.arange(signal.shape[0]), pad)
    window = int(np.prod(weights.shape[2:]))
    taken = replace(taken, start=np.tile(taken.start, window), step=np.tile(taken.step, window))
    flat = weights.transpose(2, 3, 1, 0).reshape(-1, len(weights))
    made = _matches(flat, taken) if xnor else sums_of(flat, taken, 1, bias, error)
    return _begun(source, stage, *made)


def pool(signal: Signal, stage: Pool) -> Signal:
    """Take the greatest of each square of a map, channel first."""
    if signal.source.inputs is None:
        signal = _bits_of_map(signal)
    _check_map(signal)
    source = signal.source
    assert source.map is not None
    source = replace(source, map=_gives(stage, source.map), pending=(*source.pending, stage))
    numbers = _numbered(source)
    return replace(signal, source=source, shape=numbers.shape, made_of=numbers, ranked=None,
                   pools=(*signal.pools, signal.by_channel))


def _bits_of_map(signal: Signal) -> Signal:
    """Take the graph's input as bits, and begin anew with them: a map, channel first."""
    _check_all_there(signal)
    if not two_levels(signal):
        raise Refused("it takes the greatest of the graph's input, which is not bits; take the "
                      "sign before it, with BipolarQuant")
    inputs, taken = _taken_input(signal, False)
    source, taken = _of_map(signal, inputs, taken)
    table = np.stack([taken.start, taken.start + taken.step]).astype(signal.dtype)
    return Signal(replace(source, pending=()), signal.shape, table[..., None, None],
                  _numbered(source))


def _check_weights(weights: Array) -> None:
    n_out = weights.shape[0] if weights.ndim == 4 else weights.shape[1]
    if weights.size > MAX_WEIGHTS or not weights.size or max(
            n_out, weights.size // max(1, n_out)) > MAX_WIDTH:
        raise Refused(f"it has {weights.size} weights; 1 to {MAX_WEIGHTS} are taken")


def _check_all_there(signal: Signal) -> None:
    size = signal.source.map.size if signal.source.map else int(np.prod(signal.source.shape))
    if signal.size != size or len(np.unique(signal.made_of)) != size:
        raise Refused("its input holds a part of what was computed; connect all of it")


def _channels(signal: Signal) -> Array:
    """Return whose channel's each element is."""
    assert signal.source.map is not None
    return np.asarray(signal.made_of.reshape(-1) % signal.source.map.channels)


def _numbered(source: Source) -> Array:
    """Return golden's numbers of a map's elements, channel first."""
    assert source.map is not None
    return np.arange(source.map.size).reshape(source.map.shape).transpose(2, 0, 1)


def _check_map(signal: Signal) -> None:
    """Raise :exc:`Refused` unless a signal is the map that was computed, channel first."""
    numbers = _numbered(signal.source)
    if signal.shape != numbers.shape or (signal.made_of != numbers).any():
        raise Refused("its input is not the map that was computed: (batch, channels, height, "
                      "width), with its rows and columns as they were")


def _taken_input(signal: Signal, binary: bool) -> tuple[Inputs, Taken]:
    """Take the graph's input, as bits if it has two values: what is said of each element."""
    if binary or two_levels(signal) or len(signal.source.range.values) == 2:
        inputs, low, high = input_bits(signal, binary)
        low, high = low.astype(np.float64), high.astype(np.float64)
        return inputs, Taken(low, high - low, signal.dtype)
    return input_numbers(signal)


def _of_map(signal: Signal, inputs: Inputs, taken: Taken) -> tuple[Source, Taken]:
    """Return the source of what follows the graph's input, and what is said of each channel."""
    channels, height, width = signal.shape
    order = signal.made_of.transpose(1, 2, 0).reshape(-1)
    by_channel = [each.reshape(channels, -1) for each in (taken.start, taken.step)]
    if any((each != each[:, :1]).any() for each in by_channel):
        raise Refused("the graph's input differs from place to place; give all of a channel one "
                      "scale")
    start, step = (each[:, 0] for each in by_channel)
    takes = _map(height, width, channels, inputs.bits)
    return replace(signal.source, inputs=replace(inputs, order=order), input=takes,
                   map=takes), replace(taken, start=start, step=step)


def _map(height: int, width: int, channels: int, bits: int) -> Map:
    try:
        return Map(height, width, channels, bits)
    except ValueError as error:
        raise Refused(str(error)) from None


def _gives(stage: Stage, takes: Map) -> Map:
    """Return the map that a stage makes; :exc:`Refused` if it cannot take this one."""
    try:
        return stage.gives(takes)
    except ValueError as error:
        raise Refused(f"{str(error)[0].lower()}{str(error)[1:]}") from None


def _matches(weights: Array, taken: Taken) -> tuple[Array, Array, bool]:
    """Return as :func:`sums_of`, of the product that counts matches of 0 and 1."""
    inverted = taken.start == 1
    if not np.isin(weights, (0, 1)).all() or taken.top > 1 or taken.off or not (
            inverted | (taken.start == 0)).all() or (np.abs(taken.step) != 1).any():
        raise Refused("its weights and its input must be 0 and 1")
    bits = weights.T.astype(np.uint8) ^ inverted
    table = np.arange(len(weights) + 1, dtype=taken.dtype)
    return bits, np.repeat(table[:, None], weights.shape[1], axis=1), False


def _begun(source: Source, stage: Stage, bits: Array, table: Array, rounded: bool) -> Signal:
    """Return the sums of a layer: a map, channel first."""
    assert source.map is not None
    source = replace(source, weights=bits, takes=source.map, pending=(stage,),
                     map=_gives(stage, source.map))
    numbers = _numbered(source)
    return Signal(source, numbers.shape, table[..., None, None], numbers, apart=rounded,
                  between=rounded, ways=(Way(3),) * rounded)


def check_scores(signal: Signal) -> None:
    """Raise :exc:`Refused` unless it is one score for each class."""
    source = signal.source
    if source.weights is None or source.takes is None:
        raise Refused("its output is not that of a layer; a network ends with a MatMul or Gemm")
    if signal.size != (signal.shape or (1,))[-1] or signal.border:
        raise Refused(f"its output has shape {signal.shape}; a score for each class is a vector")
    last = source.pending[0]
    if len(source.pending) > 1 or source.takes.bits > 1 or (isinstance(last, Conv) and (
            last.border or source.weights.shape[1] != source.takes.size)):
        raise Refused("its last layer must take all of a map of bits, and no pool follow; end with "
                      "a MatMul or Gemm")


def finish(signal: Signal) -> Imported:
    """Take a signal as the scores: return the network."""
    check_scores(signal)
    assert signal.source.weights is not None
    neurons = signal.made_of.reshape(-1)
    table = signal.columns.reshape(-1, signal.source.n_rows, len(neurons))
    falls = table[0, 0] > table[0, -1]
    table = np.where(falls, table[:, ::-1], table)
    weights = signal.source.weights[neurons] ^ falls[:, None]
    if (table[:, 1:] < table[:, :-1]).any():
        raise Refused("a score does not rise with its sum; end with a MatMul and one scale")
    return _imported(signal.source, OutputLayer(
        weights, offsets(table, weights, apart=signal.apart, between=signal.between)))


def finish_pair(signal: Signal, limit: float) -> Imported:
    """Take a signal as one score: class 1 where it is ``limit`` or more, else class 0."""
    check_scores(signal)
    assert signal.source.weights is not None
    table = signal.columns.reshape(len(signal.table), 1)
    fires = agreed(signal, table >= limit)
    if not limit and fires.all() == fires.any():
        raise Refused(f"its one score is never {'below zero' if fires.all() else 'positive'}, "
                      "so that it always gives one class; end with the score itself, with a "
                      "Sigmoid, or with Greater")
    # Against its inverse: with m of n matches, 2m - n is the score of class 1 over class 0.
    last = layer(signal.source.weights[signal.made_of.reshape(-1)], fires)
    ahead = int(2 * last.thresholds[0] - 1 - last.n_in)
    return _imported(signal.source, OutputLayer(
        np.concatenate([1 - last.weights, last.weights]),
        np.array([max(ahead, 0), max(-ahead, 0)])))


def _imported(source: Source, readout: OutputLayer) -> Imported:
    assert source.input is not None and source.inputs is not None
    try:
        signature = Signature(source.input, (*source.stages, Readout(readout.n_classes)))
    except ValueError as error:
        raise Refused(str(error)) from None
    return Imported(Network(source.layers, readout, signature, _levels(source.inputs)),
                    source.inputs)


def _levels(inputs: Inputs) -> Bits:
    """Return as what each byte counts, where the graph takes bytes, all of them alike."""
    alike = (inputs.least == inputs.least[:, :1]).all()
    if inputs.bits == 1 or not np.array_equal(inputs.range.values, BYTES) or not alike:
        return default_levels(inputs.bits)
    levels: Bits = (BYTES[:, None] >= inputs.least[:, 0]).sum(axis=1).astype(np.uint8)
    return levels
