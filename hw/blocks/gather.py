"""Narrow to wide: what lies between the output of a layer and the input of the next."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.blocks.layer import Chunk
from hw.plan.layout import n_pairs

__all__ = ["Gather"]


class Gather(wiring.Component):
    """Collect the chunks of a vector into words.

    While a word waits to be taken, the next one is collected. A word is valid in the cycle after
    its last chunk, and must be taken before the next is complete.

    Parameters
    ----------
    chunk : int
        Bits of a chunk.
    per_word : int
        Chunks of a word. The last word of a vector may have fewer: they are at its most
        significant end, and below them is 0.

    Members
    -------
    x : ``In(stream.Signature(Chunk(chunk), always_ready=True))``
        Chunks, least significant first.
    y : ``Out(stream.Signature(chunk * per_word))``
        Words.
    unlike : ``Out(range(n_pairs(chunk * per_word) + 1))``
        How many of the pairs of bits 0 and 1, 2 and 3, ... of ``y`` differ, an odd last one paired
        with 0. Valid with ``y``, except for a word that has fewer chunks.
    """

    def __init__(self, *, chunk: int, per_word: int):
        self.chunk = chunk
        self.per_word = per_word
        super().__init__({
            "x": In(stream.Signature(Chunk(chunk), always_ready=True)),
            "y": Out(stream.Signature(chunk * per_word)),
            "unlike": Out(range(n_pairs(chunk * per_word) + 1)),
        })

    def elaborate(self, platform):
        m = Module()
        count = Signal(range(self.per_word))
        completes = self.x.payload.last | (count == self.per_word - 1)

        collected = Signal(self.chunk * (self.per_word - 1))
        word = Cat(collected, self.x.payload.bits)

        with m.If(self.y.ready):
            m.d.sync += self.y.valid.eq(0)
        with m.If(self.x.valid):
            m.d.sync += [
                count.eq(Mux(completes, 0, count + 1)),
                collected.eq(Mux(completes, Const(0), word[self.chunk:])),
            ]
            with m.If(completes):
                m.d.sync += [self.y.payload.eq(word), self.y.valid.eq(1)]
        self._count_unlike(m, completes)
        return m

    def _count_unlike(self, m, completes):
        """Count the pairs that differ as chunks come; where those are odd, pairs lie across."""
        chunk = self.x.payload.bits
        before, has_half = Signal(), Signal()  # The last bit, and whether it has no partner yet.
        halves = Mux(has_half, (before ^ chunk[0]) + _n_unlike(chunk[1:]), _n_unlike(chunk))
        leaves_half = has_half ^ len(chunk) % 2
        count = Signal.like(self.unlike)
        total = count + halves + (completes & leaves_half & chunk[-1])
        with m.If(self.x.valid):
            m.d.sync += [before.eq(chunk[-1]), has_half.eq(leaves_half & ~completes),
                         count.eq(Mux(completes, 0, total))]
            with m.If(completes):
                m.d.sync += self.unlike.eq(total)


def _n_unlike(bits):
    return sum((bits[at:at + 2].xor() for at in range(0, len(bits) - 1, 2)), Const(0, 1))
