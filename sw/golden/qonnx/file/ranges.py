"""What the values that a graph takes can be, and how they become the bits of a code."""

import re
from dataclasses import dataclass

import numpy as np

from ...bits import Bits
from .graph import Refused

__all__ = ["Inputs", "Range", "find_range"]

Array = np.ndarray

PAIRS = {"BIPOLAR": (-1, 1), "BINARY": (0, 1)}    # FINN's names.
MOST = 256        # Values that are all asked for.
WIDTH = 24        # Bits of whole numbers that float32 has.
# What a real input is looked at with first; a proof takes more.
REAL = np.array([-np.inf, -1e30, -1e6, -256, -2, -1, -0.5, -1e-3, 0, 1e-3, 0.25, 0.5, 1, 2, 127,
                 256, 1e6, 1e30, np.inf], np.float32)
SCALES = 10.0 ** np.arange(-3, 4)


@dataclass(frozen=True)
class Range:
    """The values that each element of an input can have: all from the first to the last of some.

    Attributes
    ----------
    values : array
        In ascending order, of the type that the graph takes. Real numbers go from minus infinity
        to infinity; NaN is none of them.
    whole : bool
        There are whole numbers alone.
    complete : bool
        There are these values alone.
    """

    values: Array
    whole: bool = False
    complete: bool = False

    def keys(self, values: Array) -> Array:
        """Number values in their order: one more is the next."""
        if self.whole:
            return values.astype(np.int64)
        bits = np.asarray(values, np.float32).view(np.int32).astype(np.int64)
        return np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))

    def numbers(self, keys: Array) -> Array:
        """Undo :meth:`keys`."""
        if self.whole:
            return keys.astype(self.values.dtype)
        bits = np.where(keys >= 0, keys, -keys | 0x80000000)
        return bits.astype(np.uint32).view(np.float32)

    def below(self, values: Array) -> Array:
        """Return the next lower value of each."""
        if self.complete:
            return self.values[np.searchsorted(self.values, values) - 1]
        return self.numbers(self.keys(values) - 1)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw values of all kinds, each element by itself; the ends among them."""
        if self.complete:
            return rng.choice(self.values, shape)
        if self.whole:
            first, last = (int(self.values[end]) for end in (0, -1))
            return rng.integers(first, last, shape, endpoint=True).astype(self.values.dtype)
        first, last = map(int, self.keys(self.values[[0, -1]]))
        rows = (shape[0], *[1] * (len(shape) - 1))
        kinds = [rng.normal(0, 1, shape) * rng.choice(SCALES, rows), rng.random(shape),
                 rng.integers(-1, 2, shape), rng.integers(-300, 301, shape),
                 self.numbers(rng.integers(first, last, shape, endpoint=True)),
                 rng.choice(self.values, shape)]
        # A sample is of one kind, or of all.
        kind = rng.integers(0, len(kinds) + 1, rows)
        kind = np.where(kind == len(kinds), rng.integers(0, len(kinds), shape), kind)
        return np.choose(kind, kinds).astype(np.float32)


def find_range(kind: str, datatype: str) -> Range:
    """Return the range of an input of numpy's type ``kind``, with FINN's annotation or without."""
    if kind != "float32":
        limits = np.iinfo(kind)
        return Range(np.arange(limits.min, limits.max + 1).astype(kind), True, True)
    if datatype in PAIRS:
        return Range(np.array(PAIRS[datatype], np.float32), True, True)
    found = re.fullmatch(r"(U?)INT([0-9]{1,2})", datatype)
    if not found or not 1 <= int(found[2]) <= WIDTH:
        return Range(REAL)    # Of which any other type has a part.
    half = 1 << (int(found[2]) - 1)
    first, last = (0, 2 * half - 1) if found[1] else (-half, half - 1)
    if last - first < MOST:
        return Range(np.arange(first, last + 1).astype(np.float32), True, True)
    some = np.unique(np.clip(np.append(REAL[1:-1].astype(np.int64), (first, last)), first, last))
    return Range(some.astype(np.float32), True)


@dataclass(frozen=True)
class Inputs:
    """How the values that a graph takes become the bits of a code.

    Attributes
    ----------
    shape : tuple of int
        Of one sample; ``n`` elements, which are numbered with the last index running fastest.
    low : array of shape ``(n,)``
        For each element the least value, or one that is bit 0.
    least : array of shape ``(top, n)``
        For each element the least value at which it counts as 1, 2 and so on to ``top``. Where one
        is the same as the next, no value counts as so much. NaN, where there is none for the rest.
    binarised : bool
        The graph does so; else it takes ``low`` and ``least`` and no other.
    range : Range
        What the graph takes.
    order : array of shape ``(n,)`` or None
        The number of the element that is first in the code, second and so on; None: as they lie.
    """

    shape: tuple[int, ...]
    low: Array
    least: Array
    binarised: bool
    range: Range
    order: Array | None = None

    @property
    def high(self) -> Array:
        """For each element the least value that is not 0."""
        first: Array = self.least[0]
        return first

    @property
    def bits(self) -> int:
        """Of an element of the code."""
        return len(self.least).bit_length()

    def __str__(self) -> str:
        least, most = self.high.min(), self.high.max()
        if len(self.least) > 1:
            return f"{len(self.low)} numbers of {self.bits} bits, from {self._ends()}"
        if not self.binarised:
            return f"{len(self.low)} values, bit 1 for {most:g} and bit 0 for {self.low[0]:g}"
        at = str(least) if least == most else f"its own threshold, {least!s} to {most!s},"
        return f"{len(self.low)} values, bit 1 for each that is {at} or more"

    def _ends(self) -> str:
        """Say where the least and the most are."""
        top = np.nanmax(self.least, axis=0)
        return f"{self.high.min():g}, the least that counts as 1, to {top.max():g}, the most"

    def values(self, codes: Bits) -> Array:
        """Return what the graph takes for codes ``(n_codes, n * bits)``: ``(n_codes, *shape)``.

        Raises
        ------
        Refused
            A code has a number as which no value counts.
        """
        planes = codes.reshape(len(codes), -1, self.bits)
        numbers = np.zeros(planes.shape[:2], np.int64)
        numbers[:, self._order()] = (planes.astype(np.int64) << np.arange(self.bits)).sum(axis=-1)
        each = np.arange(len(self.low))
        starts = np.concatenate([self.low[None], self.least])
        values = starts[np.minimum(numbers, len(self.least)), each]
        if self.bits > 1 and (self._numbers(values) != numbers).any():
            raise Refused("no value of the graph's input counts as one of the code's numbers")
        return values.astype(self.low.dtype).reshape(-1, *self.shape)

    def codes(self, values: Array) -> Bits:
        """Return the codes ``(n_samples, n * bits)`` of what the graph takes.

        Raises
        ------
        Refused
            A value is none that the graph takes, such as NaN.
        """
        rows = values.reshape(len(values), -1)
        taken = ((rows >= self.range.values[0]) & (rows <= self.range.values[-1])
                 if self.binarised else (rows == self.low) | (rows == self.high))
        if self.range.whole:
            taken &= rows == np.trunc(rows)
        if not taken.all():
            raise Refused(f"the graph does not take the value {rows[~taken][0]}")
        numbers = self._numbers(rows)[:, self._order(), None]
        planes: Bits = numbers >> np.arange(self.bits, dtype=np.uint8) & np.uint8(1)
        return planes.reshape(len(rows), -1)

    def _numbers(self, rows: Array) -> Bits:
        """Return as what each value counts: uint8 of the shape ``(n_samples, n)``."""
        numbers = np.zeros(rows.shape, np.uint8)
        for least in self.least:
            numbers += rows >= least
        return numbers

    def _order(self) -> Array:
        return np.arange(len(self.low)) if self.order is None else self.order

    def draw(self, count: int, seed: int) -> Array:
        """Draw ``count`` samples ``(count, *shape)`` of all that the graph takes.

        A third of the elements lie where they begin to count as one more.
        """
        rng, shape = np.random.default_rng(seed), (count, len(self.low))
        if len(self.least) == 1:
            turns = self.values(rng.integers(0, 2, shape, np.uint8)).reshape(shape)
        else:
            at = self.least[rng.integers(0, len(self.least), shape), np.arange(shape[1])]
            at = np.where(np.isnan(at), self.high, at).astype(self.low.dtype)
            turns = np.where(rng.random(shape) < 0.5, at, self.range.below(at))
        values = (np.where(rng.random(shape) < 1 / 3, turns, self.range.draw(rng, shape))
                  if self.binarised else turns)
        return values.reshape(count, *self.shape)
