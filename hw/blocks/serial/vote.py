"""Scores to a class."""

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.blocks.scores import ScoreSignature
from hw.plan.serial import SerialLayout

__all__ = ["Vote"]


class Vote(wiring.Component):
    """Look at scores one by one; of equal ones the lowest class wins.

    Parameters
    ----------
    layout : :class:`~hw.plan.serial.SerialLayout`
        Widths.
    scores : bool
        Scores are given, too.

    Members
    -------
    scores : ``In(pe * sum_width)``
        Signed. Several must hold for as many cycles, and one more.
    valid, last : ``In(1)``
        They are there, and are the last.
    y : ``Out(stream.Signature(range(n_classes), always_ready=True))``
        The class.
    score : ``Out(ScoreSignature(...))``
        What it is chosen by, if ``scores``; the last a cycle before it.
    """

    def __init__(self, layout: SerialLayout, *, scores: bool = False):
        self.gives_scores = scores
        self.pe, self.width = layout.plan.pe, layout.sum_width
        super().__init__({
            "scores": In(self.pe * self.width), "valid": In(1), "last": In(1),
            "y": Out(stream.Signature(range(layout.signature.n_classes), always_ready=True)),
            **({"score": Out(ScoreSignature(self.width))} if scores else {})})

    def elaborate(self, platform):
        m = Module()
        score, valid, last = self._one_by_one(m)
        best = Signal(self.width, reset_less=True)
        klass, fresh = Signal.like(self.y.payload), Signal(init=1)
        if self.gives_scores:
            m.d.comb += [self.score.valid.eq(valid), self.score.last.eq(last),
                         self.score.value.eq(score)]
        m.d.sync += self.y.valid.eq(valid & last)
        with m.If(valid):
            m.d.sync += [klass.eq(Mux(last, 0, klass + 1)), fresh.eq(last)]
            with m.If(fresh | (score.as_signed() > best.as_signed())):
                m.d.sync += [best.eq(score), self.y.payload.eq(klass)]
        return m

    def _one_by_one(self, m):
        """Return a score, whether there is one, and whether it is the last."""
        if self.pe == 1:
            return self.scores, self.valid, self.last
        at, busy, ends = Signal(range(self.pe)), Signal(), Signal()
        score, valid, last = Signal(self.width, reset_less=True), Signal(), Signal()
        with m.If(self.valid):
            m.d.sync += [busy.eq(1), ends.eq(self.last)]
        with m.Elif(at == self.pe - 1):
            m.d.sync += busy.eq(0)
        m.d.sync += [at.eq(Mux(busy, at + 1, Const(0))), valid.eq(busy),
                     score.eq(self.scores.word_select(at, self.width)),
                     last.eq(ends & (at == self.pe - 1))]
        return score, valid, last
