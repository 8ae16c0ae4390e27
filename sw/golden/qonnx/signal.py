"""A value inside a graph that depends on its input, and how it becomes bits, sums and classes.

It is known by a table: what each of its elements can be. Of a layer's sums that is one row for
each count of matches; of the input, one for each of some numbers that it is looked at with.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..bits import Bits
from ..network import MAX_WIDTH, Layer, Network, Readout
from .graph import Refused
from .scores import offsets

__all__ = ["Imported", "Inputs", "Signal", "from_input"]

Array = np.ndarray
Step = Callable[[Array], Array]

MAX_WEIGHTS = 1 << 24    # Of one layer: its table of sums takes 64 MB.
# What an input is looked at with: it must turn once, within these.
POINTS = np.array([-1e30, -1e6, -256, -255, -128, -2, -1, -0.5, -0.1, -1e-3, 0, 1e-3, 0.1, 0.25,
                   0.5, 0.75, 0.9, 1, 2, 3, 127, 128, 255, 256, 1e6, 1e30], np.float32)
PAIRS = {"BIPOLAR": (-1.0, 1.0), "BINARY": (0.0, 1.0)}    # FINN's names.


@dataclass(frozen=True)
class Inputs:
    """How the values that a graph takes become the bits of a code.

    Attributes
    ----------
    shape : tuple of int
        Of one sample. Its elements, the last index running fastest, are those of the code.
    low, high : float32 arrays of shape ``(n_in,)``
        For each element a value that is bit 0 and one that is bit 1. Where the graph binarises
        them, ``high`` is the least that is bit 1 and ``low`` the next number below.
    binarised : bool
        The graph does so; else it takes these two values and no other.
    """

    shape: tuple[int, ...]
    low: Array
    high: Array
    binarised: bool

    def __str__(self) -> str:
        least, most = self.high.min(), self.high.max()
        if not self.binarised:
            return f"{len(self.high)} values, bit 1 for {most:g} and bit 0 for {self.low[0]:g}"
        at = str(least) if least == most else f"its own threshold, {least!s} to {most!s},"
        return f"{len(self.high)} values, bit 1 for each that is {at} or more"

    def values(self, codes: Bits) -> Array:
        """Give what the graph takes for codes ``(n, n_in)``: float32 ``(n, *shape)``."""
        return np.where(codes, self.high, self.low).reshape(-1, *self.shape)


@dataclass(frozen=True)
class Imported:
    """A network, and how the values that its graph takes become its code."""

    network: Network
    inputs: Inputs


@dataclass(frozen=True)
class Source:
    """What a signal is made of: the input, or the sums of a layer.

    Attributes
    ----------
    shape : tuple of int
        Of one sample.
    weights : bits of shape ``(n_out, n_in)`` or None
        Of the layer; None for the input.
    layers : tuple of Layer
        Those before.
    inputs : Inputs or None
        Known from the first layer on.
    datatype : str
        What the file says of the input's values, see ``PAIRS``.
    """

    shape: tuple[int, ...]
    weights: Bits | None = None
    layers: tuple[Layer, ...] = ()
    inputs: Inputs | None = None
    datatype: str = ""


@dataclass(frozen=True)
class Signal:
    """A value that depends on the input.

    Attributes
    ----------
    table : float array of shape ``(n_rows, *shape)``
        What it can be, see above.
    index : integer array of shape ``shape``
        The element of the source that each element is made of.
    steps : tuple of functions
        What made it of its source; each takes rows and gives rows.
    end : str
        ``order`` or ``class`` behind an operator that only the end of a graph may have.
    """

    source: Source
    table: Array
    index: Array
    steps: tuple[Step, ...] = ()
    end: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.table.shape[1:]

    def then(self, step: Step, index: Array | None = None) -> "Signal":
        """Give what a step makes of it, which may put elements elsewhere."""
        return replace(self, table=step(self.table), steps=(*self.steps, step),
                       index=self.index if index is None else index)

    def times(self, weights: Array, *, xnor: bool = False) -> "Signal":
        """Begin a layer: the sums of its bits, with ``weights`` of shape ``(n_in, n_out)``.

        With ``xnor`` both are 0 and 1, and the matches are counted instead.
        """
        if weights.size > MAX_WEIGHTS or max(weights.shape) > MAX_WIDTH:
            raise Refused(f"it has {weights.size} weights; {MAX_WEIGHTS} are taken at the most")
        if self.shape != (*[1] * (len(self.shape) - 1), weights.shape[0]):
            raise Refused(f"its input has shape {self.shape}, but its weights take a vector of "
                          f"{weights.shape[0]}; flatten the input before it")
        order = self.index.reshape(-1).argsort()
        if self.index.size != np.prod(self.source.shape) or len(
                np.unique(self.index)) != len(order):
            raise Refused("its input holds a part of what was computed; connect all of it")
        source, low, high = self._bits("BINARY" if xnor else self.source.datatype)
        if xnor:
            if not (np.isin(weights, (0, 1)).all() and (low == 0).all() and (high == 1).all()):
                raise Refused("its weights and its input must be 0 and 1")
            low, high, weights = 2 * low - 1, 2 * high - 1, 2 * weights - 1
        bits, sums = _sums(weights.astype(np.float64), low, high)
        table = sums.astype(np.float32).reshape(len(sums), *self.shape[:-1], -1)
        shape = table.shape[1:]
        begun = Signal(replace(source, shape=shape, weights=bits[:, order]), table,
                       np.arange(len(bits)).reshape(shape))
        n_in = np.float32(len(order))
        return begun.then(lambda sums: (sums + n_in) * np.float32(0.5)) if xnor else begun

    def _bits(self, datatype: str) -> tuple[Source, Array, Array]:
        """Take it as bits: give the source of what follows, and what bits 0 and 1 are here.

        The two arrays are in the order of the elements.
        """
        if self.source.weights is None:
            inputs, low, high = self._input_bits(datatype)
            return Source((), None, (), inputs), low, high
        table = self.table.reshape(len(self.table), -1)
        low, high = _levels(table)
        place = self.index.reshape(-1).argsort()
        layer = _layer(self.source.weights, (table == high)[:, place])
        return replace(self.source, layers=(*self.source.layers, layer)), low, high

    def _input_bits(self, datatype: str) -> tuple[Inputs, Array, Array]:
        table = self.table.reshape(len(self.table), -1)
        low, high = table[0], table[-1]
        if not ((table == low) | (table == high)).all():
            if datatype not in PAIRS:
                raise Refused("the graph's input reaches it as a real number; binarise the input "
                              "with BipolarQuant, or annotate it with the finn_datatype BIPOLAR "
                              "or BINARY")
            zero, one = (np.full(len(low), value, np.float32) for value in PAIRS[datatype])
            return Inputs(self.source.shape, zero, one, False), self._at(zero), self._at(one)
        if (low == high).any():
            raise Refused(f"element {np.flatnonzero(low == high)[0]} of the graph's input does not "
                          "matter; scale it so that its sign or threshold turns")
        below, least = np.full(len(low), _key(POINTS[0])), np.full(len(low), _key(POINTS[-1]))
        while (least - below > 1).any():
            middle = (below + least) // 2
            fires = self._at(_number(middle)) == high
            below, least = np.where(fires, below, middle), np.where(fires, middle, least)
        if ((table == high) != (POINTS[:, None] >= _number(least))).any():
            raise Refused("the graph's input is binarised by more than one threshold; take its "
                          "sign, with BipolarQuant")
        place = self.index.reshape(-1).argsort()
        return Inputs(self.source.shape, _number(below)[place], _number(least)[place],
                      True), low, high

    def _at(self, values: Array) -> Array:
        """Give its elements ``(n,)`` where the source of each has a value of ``values (n,)``."""
        rows = np.empty((1, len(values)), np.float32)
        rows[0, self.index.reshape(-1)] = values
        rows = rows.reshape(1, *self.source.shape)
        for step in self.steps:
            rows = step(rows)
        return rows.reshape(-1)

    def finish(self) -> Imported:
        """Take it as the scores: give the network."""
        source, index = self.source, self.index.reshape(-1)
        if source.weights is None or source.inputs is None:
            raise Refused("its output is not that of a layer; a network ends with a MatMul or Gemm")
        if self.shape != (*[1] * (len(self.shape) - 1), len(index)):
            raise Refused(f"its output has shape {self.shape}; a score for each class is a vector")
        table = self.table.reshape(len(self.table), -1)
        falls = table[0] > table[-1]
        table, weights = np.where(falls, table[::-1], table), source.weights[index] ^ falls[:, None]
        if (np.diff(table, axis=0) < 0).any():
            raise Refused("a score does not rise with its sum; end with a MatMul and one scale")
        return Imported(Network(source.layers, Readout(weights, offsets(table, weights))),
                        source.inputs)


def from_input(shape: tuple[int, ...], datatype: str) -> Signal:
    """Give the input of a graph: samples of ``shape``."""
    size = float(np.prod(shape, dtype=float))
    if size > MAX_WIDTH:
        raise Refused(f"its input has {size:.0f} values; {MAX_WIDTH} are taken at the most")
    table = np.broadcast_to(POINTS.reshape(-1, *[1] * len(shape)), (len(POINTS), *shape))
    return Signal(Source(shape, datatype=datatype), table, np.arange(int(size)).reshape(shape))


def _levels(table: Array) -> tuple[Array, Array]:
    """Find the two values that each column of a table ``(n_rows, n)`` has.

    A neuron that always has the same must be like the others.
    """
    low, high = table.min(axis=0), table.max(axis=0)
    wrong = ((table != low) & (table != high)).any(axis=0)
    if wrong.any():
        values = np.unique(table[:, np.flatnonzero(wrong)[0]])
        raise Refused(f"its input has more than two values, like {', '.join(map(str, values[:3]))}"
                      "; make bits of it, with BipolarQuant")
    constant = low == high
    pairs = np.unique(np.stack([low, high])[:, ~constant], axis=1)
    if constant.all():    # As if there were signs.
        low, high = -np.abs(low), np.abs(high)
    elif constant.any():
        if pairs.shape[1] != 1 or not np.isin(low[constant], pairs).all():
            raise Refused(f"neuron {np.flatnonzero(constant)[0]} never turns, and has no pair of "
                          "values in common with the others; give all activations one scale")
        low, high = np.broadcast_to(pairs, (2, len(low)))
    return low, high


def _layer(weights: Bits, fires: Array) -> Layer:
    """Make a layer whose neurons fire as asked: bool ``(n_in + 1, n_out)``, by matches."""
    # A negative scale fires on few matches instead of many. Inverting the weights turns it round.
    inverted = fires[0] & ~fires[-1]
    fires = np.where(inverted, fires[::-1], fires)
    wrong = (fires[:-1] & ~fires[1:]).any(axis=0)
    if wrong.any():
        raise Refused(f"neuron {np.flatnonzero(wrong)[0]} of the layer before is not a threshold "
                      "on its sum; between layers only a sign or one threshold may bend")
    return Layer(weights ^ inverted[:, None], (~fires).sum(axis=0))


def _sums(weights: Array, low: Array, high: Array) -> tuple[Bits, Array]:
    """Give weight bits ``(n_out, n_in)``, and the sums by the count of matches with them.

    ``weights (n_in, n_out)``; ``low``, ``high`` ``(n_in,)`` -> ``(n_in + 1, n_out)``.
    """
    zeros, ones = (weights * level[:, None].astype(np.float64) for level in (low, high))
    apart = np.abs(ones - zeros)
    wrong = (apart != apart[0]).any(axis=0) | (apart == 0).any(axis=0)
    if wrong.any():
        neuron = int(np.flatnonzero(wrong)[0])
        sizes = np.unique(np.abs(weights[:, neuron]).astype(np.float32))
        raise Refused(f"the weights of neuron {neuron}, times what the inputs differ by, are not "
                      f"of one size (weights like {', '.join(map(str, sizes[:2]))}); binarise them "
                      "with BipolarQuant, with one scale for each neuron")
    sums = np.minimum(zeros, ones).sum(axis=0) + np.arange(len(weights) + 1)[:, None] * apart[0]
    return (ones > zeros).astype(np.uint8).T, sums


def _key(number: Array) -> Array:
    """Number float32 in their order."""
    bits = np.asarray(number, np.float32).view(np.int32).astype(np.int64)
    return np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))


def _number(key: Array) -> Array:
    """Undo :func:`_key`."""
    bits = np.where(key >= 0, key, -key | 0x80000000)
    return bits.astype(np.uint32).view(np.float32)
