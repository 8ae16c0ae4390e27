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
which element of the source it is made of.

Programs may round a sum in ways of their own. Then the table is there once for each way, all rows
of one after all rows of the other, and all ways must come to the same bits.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..bits import Bits
from ..network import MAX_WIDTH, Layer
from .graph import Refused
from .ranges import Inputs, Range

__all__ = ["ROUNDS", "Signal", "Source", "from_input"]

Array = np.ndarray
Step = Callable[[Array], Array]

MAX_TABLE = 1 << 28    # Elements, with all ways of rounding.
APART = 1e-4           # Scores that a Softmax or a Sigmoid keeps apart.
ROUNDS = ("float32 rounds {what}, each program in its own way, and it makes a difference; make "
          "its scale a power of two, or multiply by it after the MatMul")


@dataclass(frozen=True)
class Source:
    """What a signal begins with: the graph's input, or the sums of a layer.

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
        """Rows of a table for one way of rounding: values of the input, or counts of matches."""
        return len(self.range.values) if self.weights is None else self.weights.shape[1] + 1


@dataclass(frozen=True)
class Signal:
    """A value that depends on the input.

    Attributes
    ----------
    table : array of shape ``(ways * n_rows, *shape)``
        What each element can be, see above.
    made_of : integer array of shape ``shape``
        The number of the source's element that each element is made of.
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
    made_of: Array
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

    @property
    def places(self) -> Array:
        """Where each element of the source lies, ``(n,)``: undoes ``made_of``, if all are there."""
        return self.made_of.reshape(-1).argsort()

    def then(self, step: Step, *, made_of: Array | None = None, sign: bool = False,
             bend: str = "") -> "Signal":
        """Return what a step makes of it; with ``made_of`` the step puts elements elsewhere."""
        table = step(self.table)
        if table.size > MAX_TABLE:
            raise Refused("it makes an array that is too large")
        n_rows = self.source.n_rows
        if len(table) > n_rows and (table.reshape(-1, n_rows, *table.shape[1:])
                                    == table[:n_rows]).all():
            table = table[:n_rows]
        return replace(self, table=table, steps=(*self.steps, step), ranked=None,
                       made_of=self.made_of if made_of is None else made_of,
                       signs=(*self.signs, len(self.steps)) if sign else self.signs,
                       bend=self.bend or bend)

    def crosses_zero(self) -> bool:
        """Return whether an element can be below zero and above."""
        return bool(((self.table.min(axis=0) < 0) & (self.table.max(axis=0) > 0)).any())

    def at(self, values: Array) -> Array:
        """Return its elements where the source of each has the value of ``values (n,)``.

        One row for each way of rounding: ``(ways, n)``. The steps are run anew, so that values may
        be asked for that are not in the table.
        """
        rows = np.empty((1, int(np.prod(self.source.shape))), values.dtype)
        rows[0, self.made_of.reshape(-1)] = values
        rows = rows.reshape(1, *self.source.shape)
        for step in self.steps:
            rows = step(rows)
        return rows.reshape(len(rows), -1)

    def keeps_order(self, function: Callable[[Array], Array]) -> bool:
        """Return whether float32 keeps all its values apart behind ``function``, whoever asks.

        So it does if they differ by ``APART``, or are equal.
        """
        values = np.unique(self.table.astype(np.float64))
        if self.apart or not np.isfinite(values).all():
            return False
        return bool((np.diff(function(values)) >= APART).all())


def from_input(shape: tuple[int, ...], known: Range) -> Signal:
    """Return the input of a graph: samples of ``shape``."""
    size = float(np.prod(shape, dtype=float))
    if size > MAX_WIDTH:
        raise Refused(f"its input has {size:.0f} values; {MAX_WIDTH} are taken at the most")
    values = known.values
    table = np.broadcast_to(values.reshape(-1, *[1] * len(shape)), (len(values), *shape))
    return Signal(Source(shape, known), table, np.arange(int(size)).reshape(shape))
