"""How what is made of a graph's input becomes bits, before the first layer.

Where the input has a list of values and no others, each element is asked at every one of them.
Where it is real, each is asked at the ends, and searched for the two neighbours between which its
bit turns.
"""

from dataclasses import replace

import numpy as np

from .graph import Refused
from .ranges import PAIRS, Inputs
from .signal import ROUNDS, Signal

__all__ = ["input_bits"]

Array = np.ndarray

TURNS = ("the graph's input is binarised by more than one threshold; take its sign, with "
         "BipolarQuant")


def input_bits(signal: Signal, binary: bool) -> tuple[Inputs, Array, Array]:
    """Take a signal that is made of the graph's input as bits.

    Return how the input becomes bits, in the order of the input, and what bits 0 and 1 are in the
    signal, in the order of its elements. With ``binary`` an input of which nothing is said has 0
    and 1.
    """
    known, places = signal.source.range, signal.places
    if binary and not known.complete and not _two_levels(signal):
        known = replace(known, values=np.array(PAIRS["BINARY"], np.float32), whole=True,
                        complete=True)
    if len(known.values) == 2 and known.complete:
        zero, one = (np.full(signal.made_of.size, value) for value in known.values)
        low, high = (_agreed_levels(signal.at(each)) for each in (zero, one))
        _check_matters(low, high)
        return Inputs(signal.source.shape, zero, one, False, known), low, high
    if signal.bend and not known.complete:
        raise Refused(f"the graph's input passes {signal.bend}, which may turn more than once; "
                      "take its sign, with BipolarQuant")
    if not _two_levels(signal):
        _raise_levels(signal)
    table = signal.table.reshape(-1, known.values.size, signal.made_of.size)
    low, high = (_agreed_levels(table[:, end]) for end in (0, -1))
    if (low == high).any() and (table[0] != low)[:, low == high].any():
        raise Refused(TURNS)
    _check_matters(low, high)
    if known.complete:
        if (table != table[0]).any():
            raise Refused(ROUNDS.format(what="the graph's input"))
        least = _turn(signal, table[0] == high)
    else:
        least = _search(signal, low, high)
    below = known.below(least)
    return Inputs(signal.source.shape, below[places], least[places], True, known), low, high


def _two_levels(signal: Signal) -> bool:
    """Return whether each element has two values, or one, as far as the table knows."""
    rows = signal.table.reshape(-1, signal.made_of.size)
    return bool(((rows == rows.min(axis=0)) | (rows == rows.max(axis=0))).all())


def _raise_levels(signal: Signal, at: Array | None = None) -> None:
    """Raise :exc:`Refused`: there are more than two values, a third where the input is ``at``."""
    known = signal.source.range
    for step in signal.signs:
        before = replace(signal, steps=signal.steps[:step + 1])
        for value in known.values if at is None else [at]:
            zero = before.at(np.broadcast_to(np.asarray(value, known.values.dtype),
                                             signal.made_of.size)) == 0
            if zero.any():
                number = np.broadcast_to(value, zero.shape)[zero][0]
                raise Refused(f"sign(0) is 0, which is no bit, and the graph's input can be "
                              f"{number!s}, where Sign gives it; use BipolarQuant")
    some = signal.table.reshape(-1, signal.source.n_rows, signal.made_of.size)[0]
    counts = [len(np.unique(column)) for column in some.T]
    if max(counts) <= 2 < signal.source.n_rows and _rounded(signal):
        raise Refused(ROUNDS.format(what="the graph's input"))
    levels = np.unique(some[:, np.argmax(counts)])
    if at is not None:
        between = signal.at(at)[0]
        number = np.flatnonzero((between != some[0]) & (between != some[-1]))[:1]
        levels = np.unique(np.append(some[[0, -1]][:, number], between[number]))
    if 2 < len(levels) < signal.source.n_rows / 2:
        raise Refused("the graph's input reaches it as more than two values, like "
                      f"{', '.join(map(str, levels[:3]))}; binarise it with BipolarQuant")
    raise Refused("the graph's input reaches it as a real number; binarise the input with "
                  "BipolarQuant, or annotate it with the finn_datatype BIPOLAR or BINARY")


def _rounded(signal: Signal) -> bool:
    return len(signal.table) > signal.source.n_rows


def _agreed_levels(rows: Array) -> Array:
    """Return what all ways of rounding give: ``(ways, n)`` to ``(n,)``."""
    if (rows != rows[0]).any():
        raise Refused(ROUNDS.format(what="the graph's input"))
    level: Array = rows[0]
    return level


def _check_matters(low: Array, high: Array) -> None:
    if (low == high).any():
        raise Refused(f"element {np.flatnonzero(low == high)[0]} of the graph's input does not "
                      "matter; scale it so that its sign or threshold turns")


def _turn(signal: Signal, fires: Array) -> Array:
    """Return the least of all values ``(n,)`` that fires: bool ``(n_values, n)``."""
    if (fires[:-1] & ~fires[1:]).any():
        raise Refused(TURNS)
    least: Array = signal.source.range.values[(~fires).sum(axis=0)]
    return least


def _search(signal: Signal, low: Array, high: Array) -> Array:
    """Return the least value ``(n,)`` at which a signal is ``high``.

    It only rises, or only falls. So what is the same at two values is so at all between, and it is
    enough to look at the two where it turns.
    """
    known = signal.source.range
    found: list[Array] = []
    for way in range(len(signal.at(np.full(low.shape, known.values[0])))):
        first, last = known.keys(known.values[[0, -1]])
        below, least = np.full(low.shape, first), np.full(low.shape, last)
        while (least - below > 1).any():
            middle = (below + least) // 2
            fires = signal.at(known.numbers(middle))[way] == high
            below, least = np.where(fires, below, middle), np.where(fires, middle, least)
        if (signal.at(known.numbers(below))[way] != low).any():
            _raise_levels(signal, known.numbers(below))
        found.append(least)
    if any((each != found[0]).any() for each in found):
        raise Refused(ROUNDS.format(what="the graph's input"))
    return known.numbers(found[0])
