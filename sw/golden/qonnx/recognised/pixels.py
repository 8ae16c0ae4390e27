"""How what is made of a graph's input becomes numbers of several bits, before the first layer.

The first layer's sums are asked by count, so its input must be a number from 0 to 255 times one
step, plus what may be another start for each element: a picture as bytes, or divided by 255, less
a mean, quantised by Quant. Each element's number is found as its bit is in
:mod:`sw.golden.qonnx.recognised.binarised`: at every value of the input there is, or by search.
"""

import numpy as np

from ...stages import PIXEL_BITS
from ..file.graph import Refused
from ..file.ranges import Inputs
from ..signals.signal import ROUNDS, Signal
from ..signals.sums import Taken
from .binarised import TURNS, check_bend, raise_levels, turns

__all__ = ["input_numbers"]

Array = np.ndarray

TOP = (1 << PIXEL_BITS) - 1
MAX_SEARCHED = 1 << 24
NEAR = 1e-3    # Of a step: how far a value may lie from where its number says.


def input_numbers(signal: Signal) -> tuple[Inputs, Taken]:
    """Take a signal that is made of the graph's input as numbers of 2 to 8 bits.

    Return how the input becomes the numbers, in the order of the input, and what they are in the
    signal, in the order of its elements.

    Raises
    ------
    Refused
        It is real, has too many values, or these do not lie at one distance.
    """
    check_bend(signal)
    if signal.signs:    # Whoever takes a sign wants bits.
        _raise_sign(signal)
    known = signal.source.range
    starts, values = (_asked if known.complete else _searched)(signal)
    which: Array = np.arange(signal.size)
    if known.complete:    # A column of the table is that of many elements.
        of_table = np.arange(values.shape[1]).reshape(signal.table.shape[1:])
        which = np.broadcast_to(of_table, signal.shape).reshape(-1)
    numbers = _numbers(values)
    step = _one_step(values, numbers)
    off = float(np.abs(values - values[0] - numbers * step).max())
    least = _least(starts, numbers)[:, which[signal.places]]
    low = np.full(signal.size, known.values[0])
    return Inputs(signal.source.shape, low, least, True, known), Taken(
        values[0, which], step[which], signal.dtype, (1 << len(least).bit_length()) - 1, off)


def _raise_sign(signal: Signal) -> None:
    """Raise :exc:`Refused` where a Sign gives 0 beside two signs."""
    known = signal.source.range
    if known.complete:
        raise_levels(signal)
    low = signal.at(np.full((1, signal.size), known.values[0]))[0]
    raise_levels(signal, turns(signal, 0, lambda rows: rows != low)[0])


def _asked(signal: Signal) -> tuple[Array, Array]:
    """Return all values of the input, and what each column is at them, ``(k, m)`` in float64."""
    known = signal.source.range
    table = signal.table.reshape(-1, len(known.values), signal.table[0].size)
    if (table != table[0]).any():
        raise Refused(ROUNDS.format(what="the graph's input"))
    values = table[0].astype(np.float64)
    rises = values[-1] > values[0]
    if (np.where(rises, 1, -1) * np.diff(values, axis=0) < 0).any():
        raise Refused(TURNS)
    return np.broadcast_to(known.values[:, None], values.shape), values


def _searched(signal: Signal) -> tuple[Array, Array]:
    """Return where each element of a real input takes another value, and that, ``(k, n)``."""
    known = signal.source.range
    ends = np.array([np.full(signal.size, value) for value in known.values[[0, -1]]])
    at_ends = signal.at(ends).astype(np.float64)
    if not np.isfinite(at_ends).all():
        raise_levels(signal)
    found = [_searched_way(signal, way, *each) for way, each in enumerate(at_ends)]
    if any((one != other).any() for each in found for one, other in zip(each, found[0])):
        raise Refused(ROUNDS.format(what="the graph's input"))
    starts, values = found[0]
    return np.concatenate([ends[:1], starts]), values


def _searched_way(signal: Signal, way: int, low: Array, high: Array) -> tuple[Array, Array]:
    """Search for one way of rounding, whose ends are ``low`` and ``high (n,)``."""
    second = signal.at(turns(signal, way, lambda rows: rows != low))[way]
    step = second.astype(np.float64) - low
    count = np.rint((high - low) / np.where(step == 0, 1, step)).max()
    if not 1 <= count <= TOP:
        raise_levels(signal)
    if count * signal.size > MAX_SEARCHED:
        raise Refused(f"its input has {signal.size} numbers, too many to find where each turns; "
                      "let it be uint8")
    marks, rises = low + (np.arange(1, int(count) + 1)[:, None] - 0.5) * step, step > 0
    starts = turns(signal, way, lambda rows: np.where(rises, rows >= marks, rows <= marks),
                   int(count))
    values = _steady(signal, way, starts, low)
    if (values[-1] != high).any():
        raise_levels(signal)
    return starts, values


def _steady(signal: Signal, way: int, starts: Array, low: Array) -> Array:
    """Return the values ``(k + 1, n)`` from the least value and from each start on, up to the next.

    The signal only rises, or only falls. So it is enough to look at the two ends of each stretch.
    """
    known = signal.source.range
    values = np.concatenate([low[None], signal.at(starts)[way].astype(np.float64)])
    before = signal.at(known.numbers(known.keys(starts) - 1))[way]
    first = np.concatenate([np.zeros((1, starts.shape[1]), bool), starts[1:] == starts[:-1]])
    expected = values[:-1].copy()
    for row in range(1, len(starts)):    # Some starts are one: then nothing counts as the former.
        expected[row] = np.where(first[row], expected[row - 1], expected[row])
    if (before != expected).any():
        raise_levels(signal)
    return values


def _numbers(values: Array) -> Array:
    """Return the number of each value ``(k, n)``: how many steps it is from the first."""
    apart = np.abs(values - values[0])
    if (apart[-1] == 0).any():
        raise Refused(f"element {np.flatnonzero(apart[-1] == 0)[0]} of the graph's input does not "
                      "matter; scale it so that it does")
    gaps = np.abs(np.diff(values, axis=0))
    size = gaps[gaps > NEAR * gaps.max()].min()
    for parts in range(1, TOP + 1):
        numbers = apart * parts / size
        if numbers.max() > TOP + 0.5:
            break
        # The size of a step is known best from the greatest number of all.
        exact = numbers * np.rint(numbers.max()) / numbers.max()
        if np.abs(exact - np.rint(exact)).max() < NEAR:
            return np.asarray(np.rint(exact))
    raise Refused(f"the graph's input reaches it as other than numbers from 0 to {TOP} times one "
                  f"step; quantise it with Quant, to {PIXEL_BITS} bits at the most and with one "
                  "scale")


def _one_step(values: Array, numbers: Array) -> Array:
    """Return the step ``(n,)`` of each element: one size, up or down."""
    apart = values - values[0]
    column = int(np.argmax(numbers[-1]))
    size = abs(apart[-1, column]) / numbers[-1, column]
    return np.asarray(np.sign(apart[-1]) * size)


def _least(starts: Array, numbers: Array) -> Array:
    """Return the least value ``(top, n)`` that counts as 1, as 2 and so on; NaN: there is none."""
    top = int(numbers.max())
    rows = []
    for number in range(1, top + 1):
        reached = numbers >= number
        least = starts[reached.argmax(axis=0), np.arange(starts.shape[1])]
        rows.append(least if reached[-1].all() else np.where(reached[-1], least, np.nan))
    return np.array(rows, np.result_type(*{row.dtype for row in rows}))
