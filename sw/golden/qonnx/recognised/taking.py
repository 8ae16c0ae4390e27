"""From a signal to what the next product takes: where it has two values, the layer before is done.

What comes out as one of two values is a bit, and the greater of them is bit 1. In some channels the
lesser is: where a pool of numbers is followed by a negative scale, the least of the bits is what
counts, but golden's pool is their OR. So golden holds such a channel inverted, and with it the
weights behind it. The same is done where a border of the greater value lies around a map, as
golden's is of bit 0.
"""

from dataclasses import replace

import numpy as np

from ...bits import Bits
from ...exact import NotAThreshold, layer_of
from ...network import Layer
from ..file.graph import Refused
from ..signals.signal import ROUNDS, Signal, Source
from ..signals.sums import TOGETHER, Taken

__all__ = ["agreed", "layer", "take"]

Array = np.ndarray


def take(signal: Signal, columns: Array, channels: Array, pad: Array | None = None
         ) -> tuple[Source, Taken]:
    """Take a signal as bits: return the source of what follows, and what the bits are here.

    Parameters
    ----------
    columns : array of shape ``(ways * n_rows, n)``
        What each element can be, or one for each channel.
    channels : integer array of shape ``(n,)``
        Whose channel's each is.
    pad : array of shape ``(n,)`` or None
        The value of the border.
    """
    columns, off = _together(columns)
    low, high = _levels(signal, columns)
    fires = agreed(signal, columns == high)
    assert signal.source.map is not None
    first = np.unique(channels, return_index=True)[1]
    by_channel = fires[:, first]
    wrong = (fires != by_channel[:, channels]).any(axis=0)
    if wrong.any():
        raise Refused(f"channel {channels[wrong][0]} of the map before has other thresholds at "
                      "other places; normalise channels, before the map is made flat")
    turned = _turned(signal, by_channel)
    if pad is not None:
        turned = _padded(turned, pad, low, high, off)
    turned = turned < 0
    source = _close(signal.source, by_channel ^ turned)
    low, high = low.astype(np.float64), high.astype(np.float64)
    starts = np.where(turned[channels], high, low)
    return source, Taken(starts, np.where(turned[channels], low, high) - starts, signal.dtype,
                         off=off)


def _together(table: Array) -> tuple[Array, float]:
    """Return a table ``(n_rows, n)`` whose values are one where they lie together, and how far off.

    ``sign(x) - x + x`` is a sign that float32 has rounded. What lies together around a whole number
    stands for that.
    """
    if table.dtype.kind != "f" or not np.isfinite(table).all():
        return table, 0.0
    low, high = table.min(axis=0), table.max(axis=0)
    alone = high - low <= TOGETHER * np.maximum(np.abs(low), np.abs(high))
    upper = (table > low + (high - low) / 2) | alone
    near = [_middle(np.where(part, table, np.inf).min(axis=0), np.where(part, table, -np.inf).max(
        axis=0)) for part in (~upper | alone, upper)]
    snapped = np.where(upper, near[1], near[0]).astype(table.dtype)
    off = np.abs(snapped - table)
    if (off > TOGETHER * np.where(alone, np.abs(high), high - low)).any():
        return table, 0.0
    return snapped, float(off.max())


def _middle(least: Array, most: Array) -> Array:
    """Return what numbers from ``least`` to ``most`` stand for: a whole number or the middle."""
    middle = least + (most - least) / 2
    whole = np.rint(middle)
    rounded = (least < most) & (np.abs(middle - whole) <= TOGETHER * np.abs(whole))
    return np.asarray(np.where(rounded, whole, middle))


def _close(source: Source, fires: Array) -> Source:
    """Return what follows the layer whose channels fire so, ``(n_rows, n_channels)``."""
    layers = source.layers
    if source.weights is not None and source.takes is not None:
        layers = (*layers, layer(source.weights, fires, source.takes.bits))
    elif fires[0].any() or not fires[1].all():
        raise Refused("the graph's input has a pool and then falls where it rises, or a border of "
                      "bit 1; take the sign of the input, and let the border be -1")
    return replace(source, layers=layers, stages=(*source.stages, *source.pending), pending=(),
                   weights=None)


def _turned(signal: Signal, fires: Array) -> Array:
    """Return of each channel whether it is to be inverted, ``(n_channels,)``.

    1: no, -1: yes, 0: it does not matter. ``fires (n_rows, n_channels)`` says when it is bit 1.
    """
    found = np.zeros(fires.shape[1], int)
    for pooled in signal.pools:
        for way in pooled.reshape(-1, *fires.shape):
            rising = np.take_along_axis(fires, way.argsort(axis=0, kind="stable"), 0).astype(int)
            turns = np.diff(rising, axis=0)
            rises, falls = (turns >= 0).all(axis=0), (turns <= 0).all(axis=0)
            wrong = (~rises & ~falls) | (found * (rises.astype(int) - falls) < 0)
            if wrong.any():
                raise Refused(f"channel {np.flatnonzero(wrong)[0]} of the map before has pools "
                              "that are no OR of its bits: between a pool and the sign only what "
                              "rises may lie, or only what falls; pool behind the sign")
            found = np.where(rises == falls, found, rises.astype(int) - falls)
    return found


def _padded(turned: Array, pad: Array, low: Array, high: Array, off: float) -> Array:
    """Return ``turned`` as a border of ``pad (n_channels,)`` has it, of which all are ``off``."""
    is_low, is_high = (np.abs(pad - each) <= off for each in (low, high))
    known = is_low | is_high
    if not known.all():
        at = np.flatnonzero(~known)[0]
        raise Refused(f"its border of {pad[at]:g} is neither of the values of its input, "
                      f"{low[at]:g} and {high[at]:g}, so that no one threshold holds at the edge "
                      f"and inside; pad with {low[at]:g} before it, as in "
                      f"F.pad(x, ..., value={low[at]:g}), and train so")
    wanted = np.where(is_low, 1, -1)
    wrong = wanted * turned < 0
    if wrong.any():
        at = np.flatnonzero(wrong)[0]
        which, border = ("least", high) if turned[at] < 0 else ("greatest", low)
        raise Refused(f"channel {at} of the map before is pooled to the {which} of its signs, and "
                      f"around it lies a border of {pad[at]:g}: golden's pool is an OR and its "
                      f"border a 0, so that this border must be {border[at]:g}; pool behind the "
                      f"sign, and pad with {low[at]:g}")
    return wanted


def agreed(signal: Signal, fires: Array) -> Array:
    """Return ``(n_rows, n)`` of a table of bools, the same for all ways of rounding."""
    ways = fires.reshape(-1, signal.source.n_rows, fires.shape[-1])
    wrong = (ways != ways[0]).any(axis=(0, 1))
    if wrong.any():
        raise Refused(ROUNDS.format(
            what=f"neuron {np.flatnonzero(wrong)[0]} of the layer before"))
    found: Array = ways[0]
    return found


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
    if constant.all():
        low, high = _guessed(low)
    elif constant.any():
        if pairs.shape[1] != 1 or not np.isin(low[constant], pairs).all():
            raise Refused(f"neuron {np.flatnonzero(constant)[0]} never turns, and has no pair "
                          "of values in common with the others; give all activations one scale")
        low, high = np.broadcast_to(pairs, (2, len(low)))
    return low, high


def _guessed(values: Array) -> tuple[Array, Array]:
    """Return two values for each neuron, of which it always has the one that is given, ``(n,)``."""
    kinds = np.unique(values)
    if 0 not in kinds:    # As if there were signs.
        return -np.abs(values), np.abs(values)
    other = kinds[kinds != 0][:1] if len(kinds) > 1 else np.ones(1, values.dtype)
    pair = np.sort(np.append(other, np.zeros(1, values.dtype)))
    return np.broadcast_to(pair[0], values.shape), np.broadcast_to(pair[1], values.shape)


def layer(weights: Bits, fires: Array, bits: int = 1) -> Layer:
    """Make a layer whose neurons fire as asked: bool ``(max_count + 1, n_out)``, by matches."""
    try:
        return layer_of(weights, fires, bits)
    except NotAThreshold as found:
        raise Refused(f"neuron {found.neuron} of the layer before is not a threshold on its sum; "
                      "between layers only a sign or one threshold may bend") from None
