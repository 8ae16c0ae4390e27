"""Hidden bits to a class: scores, then the highest."""

from math import ceil

import numpy as np
from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.layer import Prefetch
from hw.popcount import PairCount
from sw.golden import bits
from sw.golden.network import Readout

__all__ = ["ArgmaxReadout"]


class ArgmaxReadout(wiring.Component):
    """Score every class as hidden bits appear, then name the class with the highest score.

    Hidden bits come in words of ``simd`` bits; each word is used for one cycle a class, in which
    its matches are added to the score of that class. So the readout of a vector takes
    ``n_words * max(2, n_classes)`` cycles, spread over the time in which the layer before it works.
    Of equal scores the lowest class wins. It waits for nobody, see :class:`hw.layer.BinaryLayer`.

    Parameters
    ----------
    readout : :class:`~sw.golden.network.Readout`
        Weights and offsets.
    chunk : int
        Bits that the layer before it gives at a time; what fills up its last chunk is 0.
    per_word : int
        Chunks of a word, collected as by :class:`hw.gather.Gather`.

    Members
    -------
    x : ``In(stream.Signature(chunk * per_word))``
        Hidden bits, ``n_words`` transfers a vector. Must be held until the transfer, which happens
        as the last class uses them.
    y : ``Out(stream.Signature(range(n_classes), always_ready=True))``
        The class.

    Attributes
    ----------
    cycles : int
        Cycles a vector takes.
    """

    def __init__(self, readout: Readout, *, chunk: int, per_word: int):
        self.readout = readout
        self.simd = chunk * per_word
        self.chunk = chunk
        self.chunks = ceil(readout.n_in / chunk)
        self.per_word = per_word
        # A score is read in the cycle after the one before it is written, hence two at least: the
        # second of one class is its twin, and the tie goes to the first.
        self.n_rows = max(2, readout.n_classes)
        super().__init__({
            "x": In(stream.Signature(self.simd)),
            "y": Out(stream.Signature(range(readout.n_classes), always_ready=True)),
        })

    @property
    def n_words(self) -> int:
        return ceil(self.chunks / self.per_word)

    @property
    def cycles(self) -> int:
        return self.n_words * self.n_rows

    def elaborate(self, platform):
        m = Module()
        m.submodules.weights = rows = Prefetch(self._rows(), width=self.simd)
        m.submodules.matches = matches = PairCount(self.simd)

        use = Signal()
        row_of_word = Signal(range(self.n_rows))
        word_ends = row_of_word == self.n_rows - 1
        m.d.comb += [
            use.eq(self.x.valid & rows.ready),
            rows.enable.eq(use),
            self.x.ready.eq(use & word_ends),
            matches.x.eq(self.x.payload), matches.w.eq(rows.data),
        ]
        with m.If(use):
            m.d.sync += row_of_word.eq(Mux(word_ends, 0, row_of_word + 1))

        counted = Signal(matches.latency)
        m.d.sync += counted.eq(Cat(use, counted))

        score, final = self._add(m, counted[-1], matches.count)
        self._compare(m, score, final)
        return m

    def _add(self, m, valid, count):
        """Add ``count`` to the score of the next class, round and round."""
        offsets = self._per_row(self.readout.offsets).tolist()
        width = int(self.readout.n_in + max(offsets)).bit_length()
        # Reading what is being written would be undefined, but the classes read and written differ.
        m.submodules.scores = scores = Memory(
            shape=width, depth=self.n_rows, init=[],
            attrs={"ram_style": "block", "no_rw_check": 1})
        read, write = scores.read_port(), scores.write_port()

        klass, next_class = Signal(range(self.n_rows)), Signal(range(self.n_rows))
        word = Signal(range(self.n_words))
        score, final = Signal(width), Signal()
        round_ends, vector_ends = klass == self.n_rows - 1, word == self.n_words - 1
        m.d.comb += [
            next_class.eq(Mux(round_ends, 0, klass + 1)),
            read.addr.eq(next_class), read.en.eq(valid),
            write.addr.eq(klass), write.en.eq(valid),
            write.data.eq(Mux(word == 0, Array(offsets)[klass], read.data) + count),
        ]
        m.d.sync += [final.eq(valid & vector_ends), score.eq(write.data)]
        with m.If(valid):
            m.d.sync += klass.eq(next_class)
            with m.If(round_ends):
                m.d.sync += word.eq(Mux(vector_ends, 0, word + 1))
        return score, final

    def _compare(self, m, score, final):
        """Keep the best of the final scores; ``y`` is valid after the last."""
        best, klass = Signal.like(score), Signal(range(self.n_rows))
        is_last = klass == self.n_rows - 1
        m.d.sync += self.y.valid.eq(final & is_last)
        with m.If(final):
            m.d.sync += klass.eq(Mux(is_last, 0, klass + 1))
            with m.If((klass == 0) | (score > best)):
                m.d.sync += [best.eq(score), self.y.payload.eq(klass)]

    def _per_row(self, values):
        """Repeat a lone class, see ``n_rows``."""
        return np.resize(values, (self.n_rows, *values.shape[1:]))

    def _rows(self) -> list[int]:
        """Lay out the weights in the order of use: word after word, in it class after class."""
        # Bits that fill up the last chunk or lie below the last word are 0: a weight of 1 there
        # never matches.
        padded = np.ones((self.n_rows, self.chunks * self.chunk), np.uint8)
        padded[:, :self.readout.n_in] = self._per_row(self.readout.weights)
        rows = []
        for at in range(0, self.chunks * self.chunk, self.simd):
            for klass in padded[:, at:at + self.simd]:
                below = np.ones(self.simd - len(klass), np.uint8)
                rows.append(bits.to_int(np.concatenate([below, klass])))
        return rows
