"""A value inside a graph that depends on its input, and how it becomes bits, sums and classes.

It is known by a table: what each of its elements can be. Of a layer's sums that is one row for
each count of matches; of the input, one for each value that it can have, or for some of them where
all operators since only rise, or only fall. Where programs may round in ways of their own, the
table is there once for each way, and all of them must come to the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..bits import Bits
from ..exact import NotAThreshold, layer_of
from ..network import MAX_WIDTH, Layer, Network, OutputLayer
from .graph import Refused
from .ranges import PAIRS, Inputs, Range
from .scores import offsets

__all__ = ["Imported", "Signal", "from_input"]

Array = np.ndarray
Step = Callable[[Array], Array]

MAX_WEIGHTS = 1 << 24    # Of one layer: its table of sums takes 64 MB.
MAX_TABLE = 1 << 28      # Elements, with all ways of rounding.
APART = 1e-4             # Scores that a Softmax or a Sigmoid keeps apart.
BLOCK = 1 << 20          # Weights looked at together.
ROUNDS = ("float32 rounds {what}, each program in its own way, and it makes a difference; make "
          "its scale a power of two, or multiply by it after the MatMul")
TURNS = ("the graph's input is binarised by more than one threshold; take its sign, with "
         "BipolarQuant")


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
    range : Range
        Of the graph's input.
    weights : bits of shape ``(n_out, n_in)`` or None
        Of the layer; None for the input.
    layers : tuple of Layer
        Those before.
    inputs : Inputs or None
        Known from the first layer on.
    """

    shape: tuple[int, ...]
    range: Range
    weights: Bits | None = None
    layers: tuple[Layer, ...] = ()
    inputs: Inputs | None = None

    @property
    def n_rows(self) -> int:
        return len(self.range.values) if self.weights is None else self.weights.shape[1] + 1


@dataclass(frozen=True)
class Signal:
    """A value that depends on the input.

    Attributes
    ----------
    table : array of shape ``(ways * n_rows, *shape)``
        What it can be, see above; all rows for one way of rounding, then all for the next.
    index : integer array of shape ``shape``
        The element of the source that each element is made of.
    steps : tuple of functions
        What made it of its source; each takes rows and gives rows, for each way of rounding.
    signs : tuple of int
        Of the steps those that are a Sign, which has a third value.
    bend : str
        Of a real input: an operator that does not only rise, or only fall; else empty.
    apart : bool
        Each element is rounded by itself, so that equal sums may give other values.
    ranked : Signal or None
        One of the same order, whose values are known better. It chooses the class if nothing but
        that follows.
    end : bool
        It is not known what the values are, only their order.
    """

    source: Source
    table: Array
    index: Array
    steps: tuple[Step, ...] = ()
    signs: tuple[int, ...] = ()
    bend: str = ""
    apart: bool = False
    ranked: "Signal | None" = None
    end: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.table.shape[1:]

    @property
    def dtype(self) -> np.dtype:
        return self.table.dtype

    def then(self, step: Step, *, index: Array | None = None, sign: bool = False,
             bend: str = "") -> "Signal":
        """Return what a step makes of it, which may put elements elsewhere."""
        table = step(self.table)
        if table.size > MAX_TABLE:
            raise Refused("it makes an array that is too large")
        n_rows = self.source.n_rows
        if len(table) > n_rows and (table.reshape(-1, n_rows, *table.shape[1:])
                                    == table[:n_rows]).all():
            table = table[:n_rows]
        return replace(self, table=table, steps=(*self.steps, step), ranked=None,
                       index=self.index if index is None else index,
                       signs=(*self.signs, len(self.steps)) if sign else self.signs,
                       bend=self.bend or bend)

    def crosses_zero(self) -> bool:
        return bool(((self.table.min(axis=0) < 0) & (self.table.max(axis=0) > 0)).any())

    def times(self, weights: Array, *, xnor: bool = False, alpha: float = 1,
              bias: Array | None = None) -> "Signal":
        """Begin a layer: the sums of its bits, with ``weights`` of shape ``(n_in, n_out)``.

        They are times ``alpha``, and then ``bias`` is added. With ``xnor`` both are 0 and 1, and
        the matches are counted instead.
        """
        if weights.size > MAX_WEIGHTS or max(weights.shape) > MAX_WIDTH or not weights.size:
            raise Refused(f"it has {weights.size} weights; 1 to {MAX_WEIGHTS} are taken")
        if self.shape != (*[1] * (len(self.shape) - 1), weights.shape[0]):
            raise Refused(f"its input has shape {self.shape}, but its weights take a vector of "
                          f"{weights.shape[0]}; flatten the input before it")
        order = self.index.reshape(-1).argsort()
        if self.index.size != np.prod(self.source.shape) or len(
                np.unique(self.index)) != len(order):
            raise Refused("its input holds a part of what was computed; connect all of it")
        source, low, high = self._bits(xnor)
        if xnor:
            if not (np.isin(weights, (0, 1)).all() and (low == 0).all() and (high == 1).all()):
                raise Refused("its weights and its input must be 0 and 1")
            bits, table = weights.T.astype(np.uint8), np.arange(len(weights) + 1, dtype=self.dtype)
            table, rounded = np.repeat(table[:, None], weights.shape[1], axis=1), False
        else:
            bits, table, rounded = _sums(weights, low, high, alpha, bias)
        table = table.reshape(len(table), *self.shape[:-1], -1)
        shape = table.shape[1:]
        return Signal(replace(source, shape=shape, weights=bits[:, order]), table,
                      np.arange(len(bits)).reshape(shape), apart=rounded)

    def _bits(self, binary: bool) -> tuple[Source, Array, Array]:
        """Take it as bits: give the source of what follows, and what bits 0 and 1 are here.

        The two arrays are in the order of the elements. With ``binary`` an input of which nothing
        is said has 0 and 1.
        """
        if self.source.weights is None:
            inputs, low, high = self._input_bits(binary)
            return Source((), self.source.range, inputs=inputs), low, high
        table = self.table.reshape(len(self.table), -1)
        low, high = self._levels(table)
        place = self.index.reshape(-1).argsort()
        fires = self._agreed(table == high)
        return replace(self.source, layers=(*self.source.layers, _layer(
            self.source.weights, fires[:, place]))), low, high

    def _agreed(self, fires: Array) -> Array:
        """Return ``(n_rows, n)`` of a table of bools, the same for all ways of rounding."""
        ways = fires.reshape(-1, self.source.n_rows, fires.shape[-1])
        wrong = (ways != ways[0]).any(axis=(0, 1))
        if wrong.any():
            raise Refused(ROUNDS.format(what=f"neuron {np.flatnonzero(wrong)[0]} of the layer "
                                             "before"))
        agreed: Array = ways[0]
        return agreed

    def _levels(self, table: Array) -> tuple[Array, Array]:
        """Find the two values that each column of a table ``(n_rows, n)`` has.

        A neuron that always has the same must be like the others.
        """
        low, high = table.min(axis=0), table.max(axis=0)
        wrong = ((table != low) & (table != high)).any(axis=0)
        if wrong.any():
            values = np.unique(table[:, np.flatnonzero(wrong)[0]])
            if self.signs and 0 in values:
                raise Refused("its input has three values, as the sum can be where Sign gives 0: "
                              "sign(0) is 0; add a half to the sum, or use BipolarQuant")
            if (self.source.n_rows < len(table)
                    and len(np.unique(table[:self.source.n_rows, wrong][:, 0])) <= 2):
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

    def _input_bits(self, binary: bool) -> tuple[Inputs, Array, Array]:
        known, place = self.source.range, self.index.reshape(-1).argsort()
        if binary and not known.complete and not self._two_levels():
            known = replace(known, values=np.array(PAIRS["BINARY"], np.float32), whole=True,
                            complete=True)
        if len(known.values) == 2 and known.complete:
            zero, one = (np.full(self.index.size, value) for value in known.values)
            low, high = (self._agreed_levels(self._at(each)) for each in (zero, one))
            self._check_matters(low, high)
            return Inputs(self.source.shape, zero, one, False, known), low, high
        if self.bend and not known.complete:
            raise Refused(f"the graph's input passes {self.bend}, which may turn more than once; "
                          "take its sign, with BipolarQuant")
        if not self._two_levels():
            self._raise_levels()
        table = self.table.reshape(-1, known.values.size, self.index.size)
        low, high = (self._agreed_levels(table[:, end]) for end in (0, -1))
        if (low == high).any() and (table[0] != low)[:, low == high].any():
            raise Refused(TURNS)
        self._check_matters(low, high)
        if known.complete:
            if (table != table[0]).any():
                raise Refused(ROUNDS.format(what="the graph's input"))
            least = self._turn(table[0] == high)
        else:
            least = self._search(low, high)
        below = known.below(least)
        return Inputs(self.source.shape, below[place], least[place], True, known), low, high

    def _two_levels(self) -> bool:
        rows = self.table.reshape(-1, self.index.size)
        return bool(((rows == rows.min(axis=0)) | (rows == rows.max(axis=0))).all())

    def _raise_levels(self, at: Array | None = None) -> None:
        """Say why it is not two values, which are found where the input has those of ``at``."""
        known = self.source.range
        for step in self.signs:
            before = replace(self, steps=self.steps[:step + 1])
            for value in known.values if at is None else [at]:
                zero = before._at(np.broadcast_to(np.asarray(value, known.values.dtype),
                                                  self.index.size)) == 0
                if zero.any():
                    number = np.broadcast_to(value, zero.shape)[zero][0]
                    raise Refused(f"sign(0) is 0, which is no bit, and the graph's input can be "
                                  f"{number!s}, where Sign gives it; use BipolarQuant")
        some = self.table.reshape(-1, self.source.n_rows, self.index.size)[0]
        counts = [len(np.unique(column)) for column in some.T]
        if max(counts) <= 2 < self.source.n_rows and self._rounded():
            raise Refused(ROUNDS.format(what="the graph's input"))
        levels = np.unique(some[:, np.argmax(counts)])
        if at is not None:
            between = self._at(at)[0]
            number = np.flatnonzero((between != some[0]) & (between != some[-1]))[:1]
            levels = np.unique(np.append(some[[0, -1]][:, number], between[number]))
        if 2 < len(levels) < self.source.n_rows / 2:
            raise Refused("the graph's input reaches it as more than two values, like "
                          f"{', '.join(map(str, levels[:3]))}; binarise it with BipolarQuant")
        raise Refused("the graph's input reaches it as a real number; binarise the input with "
                      "BipolarQuant, or annotate it with the finn_datatype BIPOLAR or BINARY")

    def _rounded(self) -> bool:
        return len(self.table) > self.source.n_rows

    def _agreed_levels(self, rows: Array) -> Array:
        if (rows != rows[0]).any():
            raise Refused(ROUNDS.format(what="the graph's input"))
        level: Array = rows[0]
        return level

    def _check_matters(self, low: Array, high: Array) -> None:
        if (low == high).any():
            raise Refused(f"element {np.flatnonzero(low == high)[0]} of the graph's input does not "
                          "matter; scale it so that its sign or threshold turns")

    def _turn(self, fires: Array) -> Array:
        """Return the least of all values ``(n,)`` that fires: bool ``(n_values, n)``."""
        if (fires[:-1] & ~fires[1:]).any():
            raise Refused(TURNS)
        least: Array = self.source.range.values[(~fires).sum(axis=0)]
        return least

    def _search(self, low: Array, high: Array) -> Array:
        """Return the least value ``(n,)`` at which it is ``high``. It only rises, or only falls.

        So what is the same at two values is so at all between, and it is enough to look at the
        two where it turns.
        """
        known = self.source.range
        found: list[Array] = []
        for way in range(len(self._at(np.full(low.shape, known.values[0])))):
            first, last = known.keys(known.values[[0, -1]])
            below, least = np.full(low.shape, first), np.full(low.shape, last)
            while (least - below > 1).any():
                middle = (below + least) // 2
                fires = self._at(known.numbers(middle))[way] == high
                below, least = np.where(fires, below, middle), np.where(fires, middle, least)
            if (self._at(known.numbers(below))[way] != low).any():
                self._raise_levels(known.numbers(below))
            found.append(least)
        if any((each != found[0]).any() for each in found):
            raise Refused(ROUNDS.format(what="the graph's input"))
        return known.numbers(found[0])

    def _at(self, values: Array) -> Array:
        """Return its elements where the source of each has a value of ``values (n,)``.

        For each way of rounding: ``(ways, n)``.
        """
        rows = np.empty((1, int(np.prod(self.source.shape))), values.dtype)
        rows[0, self.index.reshape(-1)] = values
        rows = rows.reshape(1, *self.source.shape)
        for step in self.steps:
            rows = step(rows)
        return rows.reshape(len(rows), -1)

    def check_scores(self) -> None:
        """Raise :exc:`Refused` unless it is one score for each class."""
        if self.source.weights is None or self.source.inputs is None:
            raise Refused("its output is not that of a layer; a network ends with a MatMul or Gemm")
        if self.shape != (*[1] * (len(self.shape) - 1), self.index.size):
            raise Refused(f"its output has shape {self.shape}; a score for each class is a vector")

    def keeps_order(self, function: Callable[[Array], Array]) -> bool:
        """Return whether float32 keeps all its values apart behind ``function``, whoever asks.

        So it does if they differ by ``APART``, or are equal.
        """
        values = np.unique(self.table.astype(np.float64))
        if self.apart or not np.isfinite(values).all():
            return False
        return bool((np.diff(function(values)) >= APART).all())

    def finish(self) -> Imported:
        """Take it as the scores: give the network."""
        self.check_scores()
        assert self.source.weights is not None and self.source.inputs is not None
        index = self.index.reshape(-1)
        table = self.table.reshape(-1, self.source.n_rows, len(index))
        falls = table[0, 0] > table[0, -1]
        table = np.where(falls, table[:, ::-1], table)
        weights = self.source.weights[index] ^ falls[:, None]
        if (table[:, 1:] < table[:, :-1]).any():
            raise Refused("a score does not rise with its sum; end with a MatMul and one scale")
        return Imported(Network(self.source.layers, OutputLayer(
            weights, offsets(table, weights, apart=self.apart))), self.source.inputs)

    def finish_pair(self, limit: float) -> Imported:
        """Take it as one score: class 1 where it is ``limit`` or more, else class 0."""
        self.check_scores()
        assert self.source.weights is not None and self.source.inputs is not None
        table = self.table.reshape(len(self.table), 1)
        fires = self._agreed(table >= limit)
        if not limit and fires.all() == fires.any():
            raise Refused(f"its one score is never {'below zero' if fires.all() else 'positive'}, "
                          "so that it always gives one class; end with the score itself, with a "
                          "Sigmoid, or with Greater")
        # Against its inverse: with m of n matches, 2m - n is the score of class 1 over class 0.
        layer = _layer(self.source.weights[self.index.reshape(-1)], fires)
        ahead = int(2 * layer.thresholds[0] - 1 - layer.n_in)
        return Imported(Network(self.source.layers, OutputLayer(
            np.concatenate([1 - layer.weights, layer.weights]),
            np.array([max(ahead, 0), max(-ahead, 0)]))), self.source.inputs)


def from_input(shape: tuple[int, ...], known: Range) -> Signal:
    """Return the input of a graph: samples of ``shape``."""
    size = float(np.prod(shape, dtype=float))
    if size > MAX_WIDTH:
        raise Refused(f"its input has {size:.0f} values; {MAX_WIDTH} are taken at the most")
    values = known.values
    table = np.broadcast_to(values.reshape(-1, *[1] * len(shape)), (len(values), *shape))
    return Signal(Source(shape, known), table, np.arange(int(size)).reshape(shape))


def _layer(weights: Bits, fires: Array) -> Layer:
    """Make a layer whose neurons fire as asked: bool ``(n_in + 1, n_out)``, by matches."""
    try:
        return layer_of(weights, fires)
    except NotAThreshold as found:
        raise Refused(f"neuron {found.neuron} of the layer before is not a threshold on its sum; "
                      "between layers only a sign or one threshold may bend") from None


def _sums(weights: Array, low: Array, high: Array, alpha: float, bias: Array | None
          ) -> tuple[Bits, Array, bool]:
    """Return weight bits ``(n_out, n_in)``, and the sums by the count of matches with them.

    ``weights (n_in, n_out)``; ``low``, ``high`` ``(n_in,)`` -> ``(n_in + 1, n_out)``, or three
    times as many rows where sums are rounded: the exact ones, the least and the most that a
    program may give. The last value tells so.
    """
    dtype, (n_in, n_out) = weights.dtype, weights.shape
    if low.dtype != dtype:
        raise Refused(f"its inputs are {low.dtype.name} and {dtype.name}; they must be of one type")
    digits = np.finfo(dtype).nmant + 1 if dtype.kind == "f" else 31
    added = np.zeros(n_out) if bias is None else np.broadcast_to(
        bias.astype(np.float64).reshape(-1), n_out)
    bits = np.empty((n_out, n_in), np.uint8)
    ways = np.empty((3, n_in + 1, n_out), dtype)
    step = max(1, BLOCK // n_in)
    rounded = False
    for start in range(0, n_out, step):
        part = slice(start, start + step)
        block = weights[:, part].astype(np.float64)
        zeros, ones = (block * level[:, None].astype(np.float64) for level in (low, high))
        apart = np.abs(ones - zeros)
        wrong = (apart != apart[0]).any(axis=0) | (apart == 0).any(axis=0)
        if wrong.any():
            neuron = int(np.flatnonzero(wrong)[0])
            sizes = np.unique(np.abs(weights[:, start + neuron]))
            raise Refused(f"the weights of neuron {start + neuron}, times what the inputs differ "
                          "by, are not of one size (weights like "
                          f"{', '.join(map(str, sizes[:2]))}); binarise them with BipolarQuant, "
                          "with one scale for each neuron")
        bits[part] = (ones > zeros).T
        sums = np.minimum(zeros, ones).sum(axis=0) + np.arange(n_in + 1)[:, None] * apart[0]
        total = np.maximum(np.abs(zeros), np.abs(ones)).sum(axis=0)
        most = max(1, abs(alpha)) * total + np.abs(added[part])
        # Multiples of a unit, of which no sum is too many: then none of them is rounded.
        unit = 2.0 ** (np.ceil(np.log2(np.maximum(most, 1e-300))) - digits)
        terms = [zeros, ones, alpha * zeros, alpha * ones, added[part]]
        if all((np.trunc(each / unit) == each / unit).all() for each in terms):
            error = np.zeros(len(unit))
        else:
            rounded = True
            error = most * (n_in + 4) * 2.0 ** -digits
        if not (most < (1e37 if dtype.kind == "f" else 2 ** 31)).all():
            raise Refused(f"its sums are too large for {dtype.name}")
        if (total[total > 0] < 1e-30).any():
            raise Refused(f"its sums are too small for {dtype.name}")
        exact = (alpha * sums.astype(dtype).astype(np.float64)).astype(dtype) + added[part].astype(
            dtype)
        ways[0, :, part] = exact
        ways[1, :, part], ways[2, :, part] = exact - error, exact + error
    return bits, (ways.reshape(-1, n_out) if rounded else ways[0]), rounded
