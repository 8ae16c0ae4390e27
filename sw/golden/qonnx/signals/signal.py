"""A value inside a graph that depends on its input: what each of its elements can be.

A signal begins at a source, which is the graph's input or the sums of a layer. Operators follow.
Each is asked for all that can occur, so that a signal is known by its table. A column of the table
is an element. A row is what the source can be: a count of matches of a layer, or a value of the
graph's input. Of a real input there are only some values, and operators that only rise or fall.

A layer of one neuron with three inputs, times a half, plus a quarter, then its sign:

======  =======  =======  =======  ============
count   MatMul   Mul 0.5  Add .25  BipolarQuant
======  =======  =======  =======  ============
0       -3       -1.5     -1.25    -1
1       -1       -0.5     -0.25    -1
2       1        0.5      0.75     1
3       3        1.5      1.75     1
======  =======  =======  =======  ============

Each column is the table after one more step. In the last there are two values, so this is a bit,
and it is 1 from count 2 on: the threshold is 2. Nothing was solved for.

Operators may also put elements elsewhere, as Transpose does. So each element knows, in ``made_of``,
which element of the source it is made of. In a map the sums of a channel are the same everywhere:
a table has one column for elements that are all alike, along each axis, and is spread where an
operator needs it.

Programs may round a sum in ways of their own. Then the table is there once for each way, all rows
of one after all rows of the other, and all ways must come to the same bits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...bits import Bits
from ...network import Layer
from ...stages import MAX_MAP, Map, Stage
from ..file.graph import Refused
from ..file.ranges import Inputs, Range

__all__ = ["MAX_TABLE", "ROUNDS", "Border", "Signal", "Source", "Way", "alike", "from_input"]

Array = np.ndarray
Step = Callable[[Array], Array]

MAX_TABLE = 1 << 28    # Elements, with all ways of rounding.
MAX_WAYS = 3 ** 6      # Of rounding; of a real input each is searched, and asked for all.
MAX_SEARCHED = 3 ** 4
AT_A_TIME = 1 << 22    # Elements of a real input that are asked together.
APART = 1e-4           # Scores that a Softmax or a Sigmoid keeps apart.
ROUNDS = ("float32 rounds {what}, each program in its own way, and it makes a difference; make "
          "its scale a power of two, or multiply by it after the MatMul")
MANY_WAYS = "programs round it in too many ways; take the sign before, or leave out " \
            "curves like Tanh"


@dataclass(frozen=True)
class Source:
    """What a signal begins with: the graph's input, its bits, or the sums of a layer.

    Attributes
    ----------
    shape : tuple of int
        Of one sample of the graph's input.
    range : Range
        Of its elements.
    inputs, input : Inputs and Map, or None
        How it becomes bits, and their map; known from the first layer or pool on.
    map : Map or None
        Whose elements are numbered, in golden's order; None for the graph's input, whose elements
        are numbered as they lie.
    weights : bits of shape ``(n_out, n_in)`` or None
        Of the layer whose sums these are; None for the input and its bits.
    takes : Map or None
        What that layer takes.
    pending : tuple of Stage
        That layer's stage, and the pools behind it.
    layers, stages : tuples of Layer and Stage
        Those before.
    """

    shape: tuple[int, ...]
    range: Range
    inputs: Inputs | None = None
    input: Map | None = None
    map: Map | None = None
    weights: Bits | None = None
    takes: Map | None = None
    pending: tuple[Stage, ...] = ()
    layers: tuple[Layer, ...] = ()
    stages: tuple[Stage, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows of a table for one way of rounding: values of the input, bits, or counts."""
        if self.weights is not None and self.takes is not None:
            return int(self.takes.top * self.weights.shape[1]) + 1
        return len(self.range.values) if self.inputs is None else 2


@dataclass(frozen=True)
class Border:
    """What a Pad lays around a map.

    ``pads`` are how many elements before and behind each axis; ``table`` is what they are: it has
    one row, and is else like a signal's.
    """

    pads: tuple[tuple[int, int], ...]
    table: Array


@dataclass(frozen=True, eq=False)
class Way:
    """An operator that programs round in ``count`` ways; equal to itself alone."""

    count: int


@dataclass(frozen=True)
class Signal:
    """A value that depends on the input.

    Attributes
    ----------
    shape : tuple of int
        Of one sample, without a border.
    table : array of shape ``(ways * n_rows, *shape)``, or 1 where all along an axis are alike
        What each element can be, see above.
    made_of : integer array of shape ``shape``
        The number of the source's element that each element is made of.
    step : function
        What made it of its source; takes rows and gives rows, for each way of rounding.
    signs : tuple of functions
        Like ``step``, up to each Sign, which has a third value.
    bend : str
        Of a real input: an operator that does not only rise, or only fall; else empty.
    apart : bool
        Each element is rounded by itself, so that equal sums may give other values.
    between : bool
        Programs may also give what lies between the least and the most of its ways.
    leaps : bool
        It has jumped where they differ, as a comparison does.
    ranked : Signal or None
        One of the same order, whose values are known better. It chooses the class if nothing but
        that follows.
    end : bool
        It is not known what the values are, only their order.
    pools : tuple of arrays ``(ways * n_rows, n_channels)``
        What each channel could be where the greatest of a square was taken.
    border : Border or None
    ways : tuple of Way
        Why the table is there more than once: the last operator that was rounded in ways of its own
        first, whose rows are the farthest apart.
    """

    source: Source
    shape: tuple[int, ...]
    table: Array
    made_of: Array
    step: Step = lambda rows: rows
    signs: tuple[Step, ...] = ()
    bend: str = ""
    apart: bool = False
    between: bool = False
    leaps: bool = False
    ranked: "Signal | None" = None
    end: str = ""
    pools: tuple[Array, ...] = ()
    border: Border | None = None
    ways: tuple["Way", ...] = ()

    @property
    def size(self) -> int:
        return int(self.made_of.size)

    @property
    def dtype(self) -> np.dtype:
        return self.table.dtype

    @property
    def places(self) -> Array:
        """Where each element of the source lies, ``(n,)``: undoes ``made_of``, if all are there."""
        return self.made_of.reshape(-1).argsort()

    @property
    def columns(self) -> Array:
        """The table with a column for each element: ``(ways * n_rows, n)``."""
        if len(self.table) * self.size > MAX_TABLE:
            raise Refused("it makes an array that is too large; take the sign before it")
        return np.broadcast_to(self.table, (len(self.table), *self.shape)).reshape(
            len(self.table), -1)

    @property
    def by_channel(self) -> Array:
        """The table of a map, channel first, with a column for each: ``(ways * n_rows, n)``."""
        if self.table.ndim != 4 or self.table[0, 0].size > 1:
            raise Refused("its input differs from place to place; give all of a channel one scale "
                          "and one threshold")
        n = self.shape[0]
        return np.broadcast_to(self.table[:, :, 0, 0], (len(self.table), n))

    def then(self, step: Step, *, shape: tuple[int, ...] | None = None,
             made_of: Array | None = None, sign: bool = False, bend: str = "") -> "Signal":
        """Return what a step makes of it; ``shape`` and ``made_of`` where elements are moved."""
        before, source = self.step, self.source
        most = MAX_SEARCHED if source.inputs is None and not source.range.complete else MAX_WAYS
        table = alike(step(self.table))
        if len(table) > most * source.n_rows:
            raise Refused(MANY_WAYS)
        count = len(table) // len(self.table)
        ways = (Way(count), *self.ways) if count > 1 else self.ways
        n_rows = self.source.n_rows
        if ways and (table.reshape(-1, n_rows, *table.shape[1:]) == table[:n_rows]).all():
            table, ways = table[:n_rows], ()

        def both(rows: Array) -> Array:
            made = step(before(rows))
            if len(made) > most * len(rows):
                raise Refused(MANY_WAYS)
            return made

        border = self.border and replace(self.border, table=step(self.border.table))
        if border and (border.table != border.table[:1]).any():
            raise Refused(ROUNDS.format(what="the border"))
        return replace(self, table=table, ways=ways, step=both, ranked=None,
                       shape=self.shape if shape is None else shape, border=border,
                       made_of=self.made_of if made_of is None else made_of,
                       signs=(*self.signs, both) if sign else self.signs, bend=self.bend or bend)

    def turned(self, axes: Sequence[int]) -> "Signal":
        """Return it with the axes of a sample in another order, counted from 0."""
        order = (0, *(axis + 1 for axis in axes))
        made_of = self.made_of.transpose(axes)
        made = self.then(lambda rows: rows.transpose(order), shape=made_of.shape, made_of=made_of)
        return replace(made, border=made.border and replace(
            made.border, pads=tuple(made.border.pads[axis] for axis in axes)))

    def crosses_zero(self) -> bool:
        """Return whether an element can be below zero and above."""
        return bool(((self.table.min(axis=0) < 0) & (self.table.max(axis=0) > 0)).any())

    def at(self, values: Array, step: Step | None = None) -> Array:
        """Return its elements where the source of each has the values ``(k, n)``: ``(ways, k, n)``.

        The steps are run anew, so that values may be asked for that are not in the table. ``step``
        is that up to another place.
        """
        parts = max(1, values.size // AT_A_TIME)
        return np.concatenate([self._at(part, step or self.step)
                               for part in np.array_split(values, parts) if len(part)], axis=1)

    def _at(self, values: Array, step: Step) -> Array:
        rows = np.empty((len(values), self.size), values.dtype)
        rows[:, self.made_of.reshape(-1)] = values
        made = step(rows.reshape(len(values), *self.source.shape))
        made = np.broadcast_to(made, (len(made), *self.shape))
        return made.reshape(-1, len(values), self.size)

    def keeps_order(self, function: Callable[[Array], Array]) -> bool:
        """Return whether float32 keeps all its values apart behind ``function``, whoever asks.

        So it does if they differ by ``APART``, or are equal, in each way of rounding.
        """
        ways = self.table.astype(np.float64).reshape(len(self.table) // self.source.n_rows, -1)
        if self.apart or not np.isfinite(ways).all():
            return False
        return all((np.diff(function(np.unique(way))) >= APART).all() for way in ways)


def alike(table: Array) -> Array:
    """Leave one column of a table where all along an axis are alike."""
    if table.size > MAX_TABLE:
        raise Refused("it makes an array that is too large")
    for axis in range(1, table.ndim):
        first = table.take([0], axis)
        if table.shape[axis] > 1 and (table == first).all():
            table = first
    return table


def from_input(shape: tuple[int, ...], known: Range) -> Signal:
    """Return the input of a graph: samples of ``shape``."""
    size = float(np.prod(shape, dtype=float))
    if size > MAX_MAP:
        raise Refused(f"its input has {size:.0f} values; {MAX_MAP} are taken at the most")
    table = known.values.reshape(-1, *[1] * len(shape))
    return Signal(Source(shape, known), shape, table, np.arange(int(size)).reshape(shape))
