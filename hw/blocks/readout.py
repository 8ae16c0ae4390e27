"""Hidden bits to a class: scores, then the highest."""

import numpy as np
from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.blocks.layer import Prefetch
from hw.blocks.loader import Store, connect
from hw.blocks.popcount import PairCount, UnlikeCount, unlike
from hw.blocks.scores import ScoreSignature
from hw.plan.layout import Columns, ReadoutLayout
from sw.golden import bits
from sw.golden.network import OutputLayer

__all__ = ["ArgmaxReadout"]


class ArgmaxReadout(wiring.Component):
    """Score every class as hidden bits appear, then name the class with the highest score.

    Hidden bits come in words of ``simd`` bits; each word is used for one cycle a class, in which
    its matches are added to the score of that class. So the readout of a vector takes
    ``n_words * max(3, n_classes)`` cycles, spread over the time in which the layer before it works.
    Of equal scores the lowest class wins. It waits for nobody, see
    :class:`hw.blocks.layer.BinaryLayer`.

    Parameters
    ----------
    readout : :class:`~sw.golden.network.OutputLayer`
        Weights and offsets.
    chunk : int
        Bits that the layer before it gives at a time; what fills up its last chunk is 0.
    per_word : int
        Chunks of a word, collected as by :class:`hw.blocks.gather.Gather`.
    reloadable : bool
        Other weights and offsets can be stored.
    scores : bool
        Scores are given, too: golden's. To choose among them it is enough that all are off alike.

    Members
    -------
    x : ``In(stream.Signature(chunk * per_word))``
        Hidden bits, ``n_words`` transfers a vector. Must be held until the transfer, which happens
        as the last class uses them.
    y : ``Out(stream.Signature(range(n_classes), always_ready=True))``
        The class.
    score : ``Out(ScoreSignature(...))``
        What the class is chosen by, if ``scores``; the last a cycle before it.
    store : ``In(Store(...))``
        A part of a row of ``scores``, if ``reloadable``, between two vectors.

    Attributes
    ----------
    layout : :class:`~hw.plan.layout.ReadoutLayout`
        Widths, rows and cycles.
    weights : :class:`~hw.blocks.layer.Prefetch`
        Weights, a row for each class of each word.
    scores : :class:`~amaranth.lib.memory.Memory`
        For each class its score so far; in the upper half what it begins with, which is never
        written: its offset, and what its weights add to the count of pairs, see
        :mod:`hw.blocks.popcount`.
    """

    def __init__(self, readout: OutputLayer, *, chunk: int, per_word: int,
                 reloadable: bool = False, scores: bool = False):
        self.readout = readout
        self.gives_scores = scores
        self.layout = layout = ReadoutLayout(readout.n_in, readout.n_classes, chunk, per_word)
        self.simd, self.n_words, self.n_rows = layout.simd, layout.n_words, layout.n_rows
        weights = self._weights()
        self.weights = Prefetch([bits.to_int(row) for row in weights.reshape(-1, self.simd)],
                                width=self.simd, reloadable=reloadable)
        # What is unlike in the hidden bits is left out of all scores alike.
        starts = self._per_row(readout.offsets) + unlike(weights).sum(axis=0)
        # As wide as the shape demands, so that other weights fit the same hardware, unless offsets
        # are greater than a network of this width can make use of.
        width = max(layout.usual_width, *map(layout.score_width, readout.offsets.tolist()))
        if reloadable:
            width = Columns.of(width).filled
        self.scores = Memory(
            shape=width, depth=2 * layout.first_start,
            init=[0] * layout.first_start + starts.tolist(),
            # Reading what is being written would be undefined, but the classes differ.
            attrs={"ram_style": "block", "no_rw_check": 1})
        self.reloadable = reloadable
        members = {"x": In(stream.Signature(self.simd)),
                   "y": Out(stream.Signature(range(readout.n_classes), always_ready=True))}
        if reloadable:
            members["store"] = In(Store(Columns.of(width).number, self.scores.depth))
        if scores:
            members["score"] = Out(ScoreSignature(width + 1))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        m.submodules.weights = rows = self.weights
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
        soon_counted = Cat(use, counted)
        m.d.sync += counted.eq(soon_counted)

        twice = matches.count << 1
        if self.gives_scores:
            m.submodules.unlike = less = UnlikeCount(self.simd)
            m.d.comb += less.x.eq(self.x.payload)
            twice = twice - less.count
        scored = self._add(m, soon_counted[-2], counted[-1], twice)
        self._compare(m, *scored)
        return m

    def _add(self, m, soon, valid, matches):
        """Add ``matches`` to the score of the next class, round and round.

        ``soon`` is ``valid`` a cycle early. Returns final scores: whether there is one, of which
        class, and the score.
        """
        m.submodules.scores = self.scores
        read = self.scores.read_port()
        write = self.scores.write_port(
            granularity=Columns.of(self.scores.shape).width if self.reloadable else None)

        klass, next_class = Signal(range(self.n_rows)), Signal(range(self.n_rows))
        word, next_word = Signal(range(self.n_words)), Signal(range(self.n_words))
        round_ends, vector_ends = klass == self.n_rows - 1, word == self.n_words - 1
        m.d.comb += [
            next_class.eq(Mux(soon, Mux(round_ends, 0, klass + 1), klass)),
            next_word.eq(Mux(soon & round_ends, Mux(vector_ends, 0, word + 1), word)),
            read.addr.eq(Cat(next_class, next_word == 0)),
        ]
        m.d.sync += [klass.eq(next_class), word.eq(next_word)]

        # Block RAMs are slow: what a count is added to waits in a register.
        base, score = Signal.like(read.data), Signal.like(read.data)
        klass_of_count, klass_of_score = Signal.like(klass), Signal.like(klass)
        ends, final = Signal(), Signal()
        total = base + matches
        m.d.sync += [
            base.eq(read.data), klass_of_count.eq(klass), ends.eq(vector_ends),
            score.eq(total), klass_of_score.eq(klass_of_count), final.eq(valid & ends),
        ]
        m.d.comb += [write.addr.eq(klass_of_count), write.en.eq(valid.replicate(len(write.en))),
                     write.data.eq(total)]
        if self.reloadable:
            with m.If(self.store.columns.any()):
                m.d.comb += connect(write, self.store)
        return final, klass_of_score, score

    def _compare(self, m, final, klass, score):
        """Keep the best of the final scores; ``y`` is valid after the last."""
        best = Signal.like(score)
        is_last = klass == self.n_rows - 1
        if self.gives_scores:
            m.d.comb += [self.score.valid.eq(final), self.score.last.eq(is_last),
                         self.score.value.eq(score)]
        m.d.sync += self.y.valid.eq(final & is_last)
        with m.If(final & ((klass == 0) | (score > best))):
            m.d.sync += [best.eq(score), self.y.payload.eq(klass)]

    def _per_row(self, values):
        """Repeat classes where there are few: a twin is never better than the first."""
        return np.resize(values, (self.n_rows, *values.shape[1:]))

    def _weights(self) -> bits.Bits:
        """Lay out the weights in the order of use: word after word, in it class after class."""
        # Bits that fill up the last chunk or lie below the last word are 0: a weight of 1 there
        # never matches.
        n_bits = self.layout.chunks * self.layout.chunk
        below = -n_bits % self.simd
        weights = np.ones((self.n_rows, n_bits), np.uint8)
        weights[:, :self.readout.n_in] = self._per_row(self.readout.weights)
        whole = n_bits + below - self.simd
        last = np.pad(weights[:, whole:], [(0, 0), (below, 0)], constant_values=1)
        words = np.concatenate([weights[:, :whole], last], axis=1)
        return words.reshape(self.n_rows, self.n_words, self.simd).transpose(1, 0, 2)
