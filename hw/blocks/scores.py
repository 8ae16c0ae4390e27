"""Scores of all classes side by side, as they come one by one."""

from collections.abc import Sequence

from amaranth import Array, Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, Signature

from sw.golden.network import OutputLayer

__all__ = ["ScoreCollector", "ScoreSignature", "score_width"]


def score_width(readout: OutputLayer) -> int:
    """Return the bits of a signed score as others read it: 16, or 32 where it can be greater."""
    return 16 if readout.n_in + int(readout.offsets.max()) < 1 << 15 else 32


class ScoreSignature(Signature):
    """Scores one by one: ``valid`` for that of each class, 0 first, and of what may come after all
    classes; ``last`` with the last of either; the signed ``value``."""

    def __init__(self, width: int):
        super().__init__({"valid": Out(1), "last": Out(1), "value": Out(signed(width))})


class ScoreCollector(wiring.Component):
    """Keep the scores of all classes until the next vector's come.

    Parameters
    ----------
    readout : :class:`~sw.golden.network.OutputLayer`
        How many there are, and how great they can be.
    width : int
        Bits of a score as it comes.
    added : sequence of int
        To the score of each class, if anything.

    Members
    -------
    one : ``In(ScoreSignature(width))``
    all : ``Out(n_classes * score_width(readout))``
        From the cycle after the last on; class 0 is the least significant.
    """

    def __init__(self, readout: OutputLayer, width: int, added: Sequence[int] = (0,)):
        self.n_classes = readout.n_classes
        self.width = score_width(readout)
        self.added = added
        super().__init__({"one": In(ScoreSignature(width)),
                          "all": Out(readout.n_classes * self.width)})

    def elaborate(self, platform):
        m = Module()
        count = Signal(range(self.n_classes + 1))
        adds = (Array(map(Const, self.added))[count] if len(set(self.added)) > 1
                else Const(self.added[0]))
        value = Signal(self.width)
        m.d.comb += value.eq(self.one.value + adds)
        with m.If(self.one.valid):
            is_over = count == self.n_classes
            m.d.sync += count.eq(Mux(self.one.last, 0, Mux(is_over, count, count + 1)))
            with m.If(~is_over):
                m.d.sync += self.all.eq(Cat(self.all[self.width:], value))
        return m
