"""One engine for all stages, a word at a time. Numbers only: nothing here makes hardware."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from hw.plan.layout import CountLayout, Memory, banks, n_stored
from hw.plan.walk import Walk, parts
from hw.plan.words import Words
from sw.golden.stages import Conv, Map, Signature

__all__ = ["Serial", "SerialLayout"]

MAX_PIXELS = 4    # Channels of pixels that a word holds.
BYTE = 8
LARGE = 512       # More synapses a cycle only an ECP5 has block RAMs for.


@dataclass(frozen=True)
class Serial:
    """``pe`` neurons side by side, ``simd`` synapses of each: powers of two, pe <= simd."""

    pe: int
    simd: int
    is_logic = False    # Weights lie in memories.
    is_serial = True

    def __post_init__(self) -> None:
        if not (1 <= self.pe <= self.simd and self.pe.bit_count() == self.simd.bit_count() == 1):
            raise ValueError(f"A serial engine must have a power of two of synapses, and of "
                             f"neurons no more than that, not {self.pe}x{self.simd}")

    @classmethod
    def parse(cls, text: str) -> "Serial":
        """Read what ``str`` writes.

        >>> Serial.parse("serial 1x16")
        Serial(pe=1, simd=16)
        """
        found = re.fullmatch(r"serial ([1-9]\d{0,4})x([1-9]\d{0,4})", text, re.ASCII)
        if not found:
            raise ValueError(f"A serial engine must be like 'serial 1x16' (PE x SIMD), not "
                             f"{text!r:.40}")
        return cls(*map(int, found.groups()))

    def __str__(self) -> str:
        return f"serial {self.pe}x{self.simd}"

    @property
    def is_large(self) -> bool:
        """Whether memories and lanes lie far apart: wires take most of a cycle."""
        return self.pe * self.simd > LARGE

    def layout(self, signature: Signature) -> "SerialLayout":
        """Return all numbers of the engine of such a network."""
        return SerialLayout(signature, self)

    def check(self, signature: Signature) -> None:
        """Raise :exc:`ValueError` if there is no such engine."""
        parts(signature.stages)

    def cycles(self, signature: Signature) -> tuple[int, ...]:
        """Count the cycles of each stage, pools with the stage before them, the readout's last."""
        return self.layout(signature).cycles

    def period(self, signature: Signature) -> int:
        """Count the cycles from one inference to the next, if the next image is there."""
        return sum(self.cycles(signature))

    @staticmethod
    def candidates() -> Iterator["Serial"]:
        """Yield what is worth a look, the smallest first."""
        for total in range(2, 13):
            for pe in range(total // 2 + 1):
                yield Serial(1 << pe, 1 << total - pe)


@dataclass(frozen=True)
class SerialLayout:
    """A :class:`hw.serial.SerialEngine`: words, loops, memories and cycles."""

    signature: Signature
    plan: Serial

    @cached_property
    def words(self) -> list[Words]:
        """How the input lies, each map that a stage gives, pooled, and at last the scores."""
        joined = parts(self.signature.stages)
        borders = [part.stage.border if isinstance(part.stage, Conv) else 0 for part in joined]
        maps = self._maps()
        lie = [self._input(maps[0], borders[0])]
        pe, simd = self.plan.pe, self.plan.simd
        lie += [Words(each, border, pe, simd // pe) for each, border in zip(maps[1:],
                                                                            [*borders[1:], 0])]
        return lie

    def _maps(self) -> list[Map]:
        """The input, what each stage gives after its pools, and the scores."""
        signature = self.signature
        after = [*signature.stages[1:], None]
        return [signature.input, *(given for given, stage in zip(signature.maps[1:], after)
                                   if stage is None or stage.has_weights)]

    def _input(self, takes: Map, border: int) -> Words:
        simd = self.plan.simd
        if takes.bits > 1:
            return Words(takes, border, 1, min(takes.channels, MAX_PIXELS, simd))
        unit = BYTE if takes.channels % BYTE == simd % BYTE == 0 else 1
        return Words(takes, border, unit, simd // unit)

    @property
    def piece(self) -> int:
        """Bits of the input that are taken at a time: 8 or 1."""
        words = self.words[0]
        return BYTE if words.unit * words.map.bits == BYTE else 1

    @cached_property
    def walks(self) -> list[Walk]:
        """One a stage."""
        return [Walk.of(part, *ends)
                for part, ends in zip(parts(self.signature.stages), pairwise(self.words))]

    @property
    def bases(self) -> list[int]:
        """Where in its memory the map of each stage begins: the input has one of its own."""
        at, bases = 0, [0]
        for words in self.words[1:-1]:
            bases.append(at)
            at += words.size
        return bases

    @property
    def map_depth(self) -> int:
        """Words of all maps between stages; 0 if there is a readout alone."""
        return sum(words.size for words in self.words[1:-1])

    @property
    def weight_depth(self) -> int:
        return sum(walk.chunk * walk.chunks for walk in self.walks)

    @property
    def start_depth(self) -> int:
        """Chunks of neurons of all stages."""
        return sum(walk.chunks for walk in self.walks)

    @property
    def sum_width(self) -> int:
        """Bits of a sum: from minus the greatest threshold to the greatest count."""
        return max(stage.fan_in(takes) * takes.top
                   for stage, takes, _ in self.signature.layers()).bit_length() + 1

    @property
    def tables(self) -> list[Memory]:
        """What the weights decide: the memories of weights, and of starts."""
        plan = self.plan
        return [(width, n_stored(part))
                for width, depth in ((plan.pe * plan.simd, self.weight_depth),
                                     (plan.pe * self.sum_width, self.start_depth))
                for part in banks(width, depth)]

    @property
    def memories(self) -> list[Memory]:
        """Weights, starts, images, and maps if there are any."""
        words = self.words[0]
        return [*self.tables, (words.width, 2 * words.size),
                *([(self.plan.simd, self.map_depth)] if self.map_depth else [])]

    @property
    def read_latency(self) -> int:
        """Cycles from an address to the word at the lanes: a large engine has registers between,
        which are free on an ECP5."""
        return 1 + self.plan.is_large

    @property
    def count_latency(self) -> int:
        """Cycles from a word to the count of its matches."""
        return CountLayout(self.plan.simd).latency

    @property
    def gap(self) -> int:
        """Cycles between two stages: until all is written, and every score was looked at."""
        return max(self.read_latency + self.count_latency + 6, self.plan.pe)

    @cached_property
    def cycles(self) -> tuple[int, ...]:
        """Cycles of each stage, with the gap behind it. The readout rests after each chunk."""
        *hidden, readout = self.walks
        rests = readout.chunks if self.plan.pe > 1 else 1
        return *(walk.cycles + self.gap for walk in hidden), readout.cycles + self.gap * rests

    @property
    def latency(self) -> int:
        """Cycles from ``accept``, given while nothing is computed, to the class."""
        last = 0 if self.plan.pe == 1 else self.plan.pe + 1
        return sum(self.cycles) - self.gap + self.read_latency + self.count_latency + 7 + last
