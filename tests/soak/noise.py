"""Noise on a line, in either direction: what went in, by the frame it belongs to, and what comes
out.

Each kind is a function of the bytes, the number of the window that each belongs to, a rate, and a
generator; it gives the bytes and the windows anew. Rates are per byte, but for flips: per bit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

__all__ = ["KINDS", "RATES", "Line", "touched"]

RATES = 1e-6, 1e-5, 1e-4, 1e-3, 1e-2


@dataclass(frozen=True)
class Line:
    """Bytes on their way: uint8 ``data``, and the int64 number of the ``window`` of each."""

    data: np.ndarray
    window: np.ndarray

    def take(self, index: np.ndarray) -> "Line":
        return Line(self.data[index], self.window[index])

    def insert(self, places: np.ndarray, data: np.ndarray) -> "Line":
        """Put bytes before those at ``places``, and into their windows."""
        return Line(np.insert(self.data, places, data),
                    np.insert(self.window, places, self.window[places]))


Kind = Callable[[Line, float, Generator], Line]


def touched(before: Line, after: Line, count: int) -> np.ndarray:
    """Say of each of ``count`` windows whether its bytes are others: bool ``(count,)``."""
    longer = (np.bincount(before.window, minlength=count)
              != np.bincount(after.window, minlength=count))
    kept = np.flatnonzero(~longer[before.window]), np.flatnonzero(~longer[after.window])
    differs = before.data[kept[0]] != after.data[kept[1]]
    longer[before.window[kept[0]][differs]] = True
    return longer


def _places(line: Line, rate: float, rng: Generator) -> np.ndarray:
    return np.flatnonzero(rng.random(len(line.data)) < rate)


def _flip(line: Line, rate: float, rng: Generator) -> Line:
    data = line.data.copy()
    at = rng.integers(8 * len(data), size=rng.binomial(8 * len(data), rate))
    np.bitwise_xor.at(data, at // 8, (1 << at % 8).astype(np.uint8))
    return Line(data, line.window)


def _drop(line: Line, rate: float, rng: Generator) -> Line:
    return line.take(np.delete(np.arange(len(line.data)), _places(line, rate, rng)))


def _double(line: Line, rate: float, rng: Generator) -> Line:
    at = _places(line, rate, rng)
    return line.insert(at, line.data[at])


def _insert(line: Line, rate: float, rng: Generator) -> Line:
    at = _places(line, rate, rng)
    return line.insert(at, rng.integers(256, size=len(at)).astype(np.uint8))


def _break(line: Line, rate: float, rng: Generator) -> Line:
    """A line held down: a receiver gives nothing for it, or zeros; here a few dozen of them."""
    at = np.repeat(places := _places(line, rate, rng), rng.integers(1, 40, len(places)))
    return line.insert(at, np.zeros(len(at), np.uint8))


def _garble(line: Line, rate: float, rng: Generator) -> Line:
    """A wrong baud rate, for a while: other bytes in the place of up to 30."""
    data, starts = line.data.copy(), _places(line, rate, rng)
    for start, length in zip(starts, rng.integers(1, 31, len(starts)), strict=True):
        data[start:start + length] = rng.integers(256, size=len(data[start:start + length]))
    return Line(data, line.window)


def _stop(line: Line, rate: float, rng: Generator) -> Line:
    """A host that stops in the middle of a frame."""
    ends = np.searchsorted(line.window, line.window, side="right")
    gone = np.zeros(len(line.data) + 1, int)
    for place in _places(line, rate, rng):
        gone[place] += 1
        gone[ends[place]] -= 1
    return line.take(np.flatnonzero(np.cumsum(gone[:-1]) == 0))


KINDS: dict[str, Kind] = {
    "bits flipped": _flip, "bytes dropped": _drop, "bytes doubled": _double,
    "bytes inserted": _insert, "line held down": _break, "wrong baud rate": _garble,
    "sender stops": _stop,
}
