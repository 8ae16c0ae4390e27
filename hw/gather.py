"""Narrow to wide: what lies between the output of a layer and the input of the next."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.layer import Chunk

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
    """

    def __init__(self, *, chunk: int, per_word: int):
        self.chunk = chunk
        self.per_word = per_word
        super().__init__({
            "x": In(stream.Signature(Chunk(chunk), always_ready=True)),
            "y": Out(stream.Signature(chunk * per_word)),
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
        return m
