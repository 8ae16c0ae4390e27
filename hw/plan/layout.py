"""Widths, rows, cycles and latencies of an engine's parts. Numbers only: nothing here makes
hardware. Whoever makes or prices a part, :mod:`hw.blocks` or :mod:`hw.plan.cost`, reads them here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from sw.golden.bits import Bits, Integers
from sw.golden.frame import WORD

__all__ = ["CHAIN", "Columns", "CountLayout", "EngineLayout", "LayerLayout", "ReadoutLayout",
           "banks", "n_pairs", "n_stored", "unlike"]

Memory = tuple[int, int]    # Width and depth.

CHAIN = 24  # Bits of a popcount's carry chain: three tiles of an iCE40, some 3 ns.


def n_pairs(width: int) -> int:
    """Count the pairs of ``width`` bits, a last one without partner included."""
    return -(-width // 2)


def unlike(weights: Bits) -> Integers:
    """Count the pairs of weights that differ, in each row; an odd width is filled up with 1."""
    filled = np.concatenate([weights, np.ones_like(weights[..., :1])], axis=-1)
    ends = n_pairs(weights.shape[-1]) * 2
    return (filled[..., 0:ends:2] != filled[..., 1:ends:2]).sum(axis=-1)


def n_stored(n_rows: int) -> int:
    """Count the rows of a memory that is not reloadable, see :func:`hw.blocks.loader.stored`."""
    return n_rows + (n_rows % 256 > 0)


def banks(width: int, depth: int) -> list[int]:
    """Return the depths of the parts that a deep memory is best cut into.

    All but the last are powers of two, each at a multiple of itself. A part takes no more block
    RAMs than its rows fill, and what chooses between few parts is small; where words are wide it is
    not, and rows of fewer RAMs are wasted.
    """
    least = 256 if width <= 64 else 512

    def cut(depth: int, most: int) -> list[int]:
        first = min(most, 1 << depth.bit_length() - 1)
        if depth <= max(first, least):
            return [depth]
        rest = cut(depth - first, first)
        taken = sum(max(least, 1 << (each - 1).bit_length()) for each in rest)
        return [first, *rest] if first == most or taken < first else [depth]

    return cut(depth, 2048)


@dataclass(frozen=True)
class Columns:
    """How a memory that can be loaded is cut: into ``number`` columns of ``width`` bits."""

    number: int
    width: int

    @classmethod
    def of(cls, width: int) -> "Columns":
        """Cut rows of ``width`` bits into as few columns as can be; the last may be filled up."""
        number = -(-width // WORD)
        return cls(number, -(-width // number))

    @property
    def filled(self) -> int:
        """Bits of a row, those that fill up the last column included."""
        return self.number * self.width


@dataclass(frozen=True)
class CountLayout:
    """A :class:`hw.blocks.popcount.PairCount` of vectors of ``width`` bits."""

    width: int

    @property
    def pairs(self) -> int:
        return n_pairs(self.width)

    @property
    def terms(self) -> int:
        """The least number of terms of up to three pairs whose first additions, of two each, take
        all other pairs as carries: one that waits takes two cells a level."""
        return -(-2 * self.pairs // 7)

    @property
    def carries(self) -> int:
        """Pairs that no term has."""
        return max(0, self.pairs - 3 * self.terms)

    @property
    def latency(self) -> int:
        """Cycles: terms, then levels of the tree."""
        return 1 + (self.terms - 1).bit_length()

    @property
    def levels(self) -> list[list[int]]:
        """The largest values of the terms, then of the sums at each level of the tree."""
        ceilings = [len(range(self.pairs)[at::self.terms][:3]) for at in range(self.terms)]
        levels, carries = [ceilings], self.carries
        while len(ceilings) > 1:
            ceilings = [sum(ceilings[2 * at:2 * at + 2]) + (at < carries)
                        for at in range(ceil(len(ceilings) / 2))]
            levels.append(ceilings)
            carries = 0
        return levels


@dataclass(frozen=True)
class LayerLayout:
    """A :class:`hw.blocks.layer.BinaryLayer`: ``pe`` neurons, ``simd`` synapses of each a cycle."""

    n_in: int
    n_out: int
    pe: int
    simd: int

    @property
    def chunks(self) -> int:
        """Steps in which the neurons are taken."""
        return ceil(self.n_out / self.pe)

    @property
    def slices(self) -> int:
        """Steps in which the inputs are taken."""
        return ceil(self.n_in / self.simd)

    @property
    def width(self) -> int:
        """Bits of a slice. Pairs do not reach from one slice into the next."""
        return 2 * n_pairs(ceil(self.n_in / self.slices))

    @property
    def limit_width(self) -> int:
        """Bits of a threshold: how far a count can be from it, and a sign."""
        return self.n_in.bit_length() + 1

    @property
    def cycles(self) -> int:
        """Cycles that one vector takes, and rows of the weights."""
        return self.chunks * self.slices

    @property
    def latency(self) -> int:
        """Cycles from the use of a neuron's last weights to its output bit."""
        return CountLayout(self.width).latency + (3 if self.slices > 1 else 2)

    @property
    def memories(self) -> list[Memory]:
        """Weights and thresholds."""
        return [(self.pe * self.width, self.cycles), (self.pe * self.limit_width, self.chunks)]


@dataclass(frozen=True)
class ReadoutLayout:
    """A :class:`hw.blocks.readout.ArgmaxReadout` that takes words of ``per_word`` chunks."""

    n_in: int
    n_classes: int
    chunk: int
    per_word: int

    @property
    def simd(self) -> int:
        """Bits of a word."""
        return self.chunk * self.per_word

    @property
    def chunks(self) -> int:
        return ceil(self.n_in / self.chunk)

    @property
    def n_words(self) -> int:
        return ceil(self.chunks / self.per_word)

    @property
    def n_rows(self) -> int:
        """Cycles in which one word is used: a class each, three at least.

        A score is read two cycles before the count comes that is added to it, and so may not come
        back to a class any sooner.
        """
        return max(3, self.n_classes)

    @property
    def first_start(self) -> int:
        """The row of the scores that the first class begins with."""
        return 1 << (self.n_rows - 1).bit_length()

    @property
    def cycles(self) -> int:
        """Cycles that one vector takes, and rows of the weights."""
        return self.n_words * self.n_rows

    @property
    def latency(self) -> int:
        """Cycles from the use of the last weights to the class."""
        return CountLayout(self.simd).latency + 2

    def score_width(self, offset: int) -> int:
        """Return the bits of a score: all matches, what pairs add to their count, the offset."""
        return (self.n_in + n_pairs(self.simd) * self.n_words + offset).bit_length()

    @property
    def usual_width(self) -> int:
        """Bits of a score, if no offset is greater than a network can make use of."""
        return self.score_width(self.n_in - 1)

    @property
    def memories(self) -> list[Memory]:
        """Weights and scores."""
        return [(self.simd, self.cycles), (self.usual_width, 2 * self.first_start)]


@dataclass(frozen=True)
class EngineLayout:
    """A :class:`hw.engine.Engine`."""

    layers: Sequence[LayerLayout]
    readout: ReadoutLayout

    @cached_property
    def cycles(self) -> tuple[int, ...]:
        """Cycles of each layer and of the readout; the slowest sets the rate."""
        return *(layer.cycles for layer in self.layers), self.readout.cycles

    @property
    def latency(self) -> int:
        """Cycles from a code, if the engine is empty, to its class."""
        last_use = self.cycles[0] - 1
        for layer, after in zip(self.layers, [*self.cycles[1:-1], self.readout.n_rows]):
            last_use += layer.latency + after
        return last_use + self.readout.latency

    @property
    def memories(self) -> list[Memory]:
        """Of all layers; then the readout's, of which that of the scores comes last."""
        return [memory for part in (*self.layers, self.readout) for memory in part.memories]
