"""Narrow to wide: what lies between the output of a layer and the input of the next."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Gather"]


class Gather(wiring.Component):
    """Collect the chunks of a vector into words.

    While a word waits to be taken, the next one is collected. A word is valid in the cycle after
    its last chunk.

    Parameters
    ----------
    chunk : int
        Bits of a chunk.
    chunks : int
        Chunks of a vector.
    per_word : int
        Chunks of a word. The last word of a vector may have fewer: they are at its most
        significant end, and below them is 0.

    Members
    -------
    x : ``In(stream.Signature(chunk))``
        Chunks, least significant first.
    y : ``Out(stream.Signature(chunk * per_word))``
        Words, ``ceil(chunks / per_word)`` a vector.
    """

    def __init__(self, *, chunk: int, chunks: int, per_word: int):
        if not 1 <= per_word <= chunks:
            raise ValueError(f"A word must have 1 to {chunks} chunks, not {per_word!r}")
        self.chunk = chunk
        self.chunks = chunks
        self.per_word = per_word
        super().__init__({
            "x": In(stream.Signature(chunk)),
            "y": Out(stream.Signature(chunk * per_word)),
        })

    def elaborate(self, platform):
        m = Module()
        in_vector = Signal(range(self.chunks))
        in_word = Signal(range(self.per_word))
        vector_ends, word_ends = in_vector == self.chunks - 1, in_word == self.per_word - 1
        completes = vector_ends | word_ends

        collected = Signal(self.chunk * (self.per_word - 1))
        word = Cat(collected, self.x.payload)
        m.d.comb += self.x.ready.eq(~completes | ~self.y.valid | self.y.ready)

        with m.If(self.y.ready):
            m.d.sync += self.y.valid.eq(0)
        with m.If(self.x.valid & self.x.ready):
            m.d.sync += [
                in_vector.eq(Mux(vector_ends, 0, in_vector + 1)),
                in_word.eq(Mux(completes, 0, in_word + 1)),
                collected.eq(Mux(completes, Const(0), word[self.chunk:])),
            ]
            with m.If(completes):
                m.d.sync += [self.y.payload.eq(word), self.y.valid.eq(1)]
        return m
