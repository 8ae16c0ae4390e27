"""How what is made of a graph's input becomes bits, before the first layer.

Where the input has a list of values and no others, each element is asked at every one of them.
Where it is real, each is asked at the ends, and searched for the two neighbours between which its
bit turns.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..file.graph import Refused
from ..file.ranges import PAIRS, Inputs
from ..signals.signal import ROUNDS, Signal

__all__ = ["TURNS", "check_bend", "input_bits", "raise_levels", "turns", "two_levels"]

Array = np.ndarray

TURNS = ("the graph's input is binarised by more than one threshold; take its sign, with "
         "BipolarQuant")


def input_bits(signal: Signal, binary: bool = False) -> tuple[Inputs, Array, Array]:
    """Take a signal that is made of the graph's input as bits.

    Return how the input becomes bits, in the order of the input, and what bits 0 and 1 are in the
    signal, in the order of its elements. With ``binary`` an input of which nothing is said has 0
    and 1.
    """
    known, places, shape = signal.source.range, signal.places, signal.source.shape
    if binary and not known.complete and not two_levels(signal):
        known = replace(known, values=np.array(PAIRS["BINARY"], np.float32), whole=True,
                        complete=True)
    if len(known.values) == 2 and known.complete:
        zero, one = (np.full(signal.size, value) for value in known.values)
        low, high = (_agreed_levels(signal.at(each[None])[:, 0]) for each in (zero, one))
        _check_matters(low, high)
        return Inputs(shape, zero, one[None], False, known), low, high
    check_bend(signal)
    if not two_levels(signal):
        raise_levels(signal)
    table = signal.columns.reshape(-1, known.values.size, signal.size)
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
    return Inputs(shape, below[places], least[places][None], True, known), low, high


def check_bend(signal: Signal) -> None:
    """Raise :exc:`Refused` if a real input passes what does not only rise, or only fall."""
    if signal.bend and not signal.source.range.complete:
        raise Refused(f"the graph's input passes {signal.bend}, which may turn more than once; "
                      "take its sign, with BipolarQuant")


def two_levels(signal: Signal) -> bool:
    """Return whether each element has two values, or one."""
    rows, known = signal.table, signal.source.range
    if not ((rows == rows.min(axis=0)) | (rows == rows.max(axis=0))).all():
        return False
    if known.complete or signal.bend:    # Of which a part of all values says nothing.
        return True
    low, high = signal.at(np.array([np.full(signal.size, known.values[end])
                                    for end in (0, -1)])).transpose(1, 0, 2)
    return all(_has_two(signal, way, *each) for way, each in enumerate(zip(low, high)))


def _has_two(signal: Signal, way: int, low: Array, high: Array) -> bool:
    """Return whether each element that leaves ``low`` is ``high`` at once, with a way of rounding.
    """
    leaves = turns(signal, way, lambda rows: rows != low)
    arrives = turns(signal, way, lambda rows: rows == high)
    return bool(((leaves == arrives) | (low == high)).all())


def raise_levels(signal: Signal, at: Array | None = None) -> None:
    """Raise :exc:`Refused`: there are more than two values, a third where the input is ``at``."""
    known = signal.source.range
    for step in signal.signs:
        for value in known.values if at is None else [at]:
            zero = signal.at(np.broadcast_to(np.asarray(value, known.values.dtype),
                                             (1, signal.size)), step)[:, 0] == 0
            if zero.any():
                number = np.broadcast_to(value, zero.shape)[zero][0]
                raise Refused(f"sign(0) is 0, which is no bit, and the graph's input can be "
                              f"{number!s}, where Sign gives it; use BipolarQuant")
    some = signal.columns.reshape(-1, signal.source.n_rows, signal.size)[0]
    counts = [len(np.unique(column)) for column in some.T]
    if max(counts) <= 2 < signal.source.n_rows and _rounded(signal):
        raise Refused(ROUNDS.format(what="the graph's input"))
    levels = np.unique(some[:, np.argmax(counts)])
    if at is not None:
        between = signal.at(at[None])[0, 0]
        number = np.flatnonzero((between != some[0]) & (between != some[-1]))[:1]
        levels = np.unique(np.append(some[[0, -1]][:, number], between[number]))
    if 2 < len(levels) < signal.source.n_rows / 2:
        raise Refused("the graph's input reaches it as more than two values, like "
                      f"{', '.join(map(str, levels[:3]))}; quantise it to 8 bits at the most, "
                      "or binarise it with BipolarQuant")
    raise Refused("the graph's input reaches it as a real number; binarise it with BipolarQuant, "
                  "quantise it with Quant to 8 bits at the most, or annotate it with a "
                  "finn_datatype like BIPOLAR or UINT8")


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
    for way in range(len(signal.at(np.full((1, *low.shape), known.values[0])))):
        least = turns(signal, way, lambda rows: rows == high)[0]
        below = known.below(least)
        if (signal.at(below[None])[way, 0] != low).any():
            raise_levels(signal, below)
        found.append(least)
    if any((each != found[0]).any() for each in found):
        raise Refused(ROUNDS.format(what="the graph's input"))
    return found[0]


def turns(signal: Signal, way: int, is_past: Callable[[Array], Array], count: int = 1
          ) -> Array:
    """Return the least values ``(count, n)`` at which a signal is past so many things.

    ``is_past`` tells it, bool ``(count, n)``, of what the signal is for one way of rounding.
    """
    known = signal.source.range
    first, last = known.keys(known.values[[0, -1]])
    below, least = np.full((count, signal.size), first), np.full((count, signal.size), last)
    while (least - below > 1).any():
        middle = (below + least) // 2
        fires = is_past(signal.at(known.numbers(middle))[way])
        below, least = np.where(fires, below, middle), np.where(fires, middle, least)
    return known.numbers(least)
