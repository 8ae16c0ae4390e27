"""Neurons side by side: matches of a word, added up window by window."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.blocks.popcount import PairCount, UnlikeCount
from hw.blocks.serial.walker import EVENT, Event
from hw.plan.serial import SerialLayout

__all__ = ["Lanes"]

MANY = 1024    # Synapses a cycle.


class Lanes(wiring.Component):
    """Add the matches of words to what a neuron begins with.

    Parameters
    ----------
    layout : :class:`~hw.plan.serial.SerialLayout`
        Widths.

    Members
    -------
    x, pixels : ``In(simd)``, ``In(...)``
        A word of bits, and of pixels if the input has any.
    is_pixels : ``In(1)``
        The second is meant. Must hold until all is added.
    w : ``In(pe * simd)``
        Weights, with the word.
    event : ``In(EVENT)``
        Of the word, ``count_latency`` cycles later.
    starts : ``In(pe * sum_width)``
        What its neurons begin with, a cycle after its event.
    sums : ``Out(pe * sum_width)``
        The sums with this word in it, two cycles after its event.
    """

    def __init__(self, layout: SerialLayout):
        self.layout = layout
        pe, simd = layout.plan.pe, layout.plan.simd
        self.pixel = layout.words[0].map.bits
        self.n_pixels = layout.words[0].per_word if self.pixel > 1 else 0
        super().__init__({
            "x": In(simd), "w": In(pe * simd), "event": In(EVENT),
            **({"pixels": In(self.n_pixels * self.pixel), "is_pixels": In(1)}
               if self.n_pixels else {}),
            "starts": In(pe * layout.sum_width), "sums": Out(pe * layout.sum_width)})

    def elaborate(self, platform):
        m = Module()
        width, simd = self.layout.sum_width, self.layout.plan.simd
        m.submodules.unlike = unlike = UnlikeCount(simd)
        m.d.comb += unlike.x.eq(self.x)

        # A sum without words stays as it is: it may be a score that is looked at.
        is_word = self.event != Event.IDLE
        fresh, begins = Signal(init=1), Signal()
        m.d.sync += begins.eq(fresh & is_word)
        with m.If(is_word):
            m.d.sync += fresh.eq(self.event >= Event.WINDOW)

        pixels = self._pixels(m)
        for lane in range(self.layout.plan.pe):
            m.submodules[f"count_{lane}"] = counter = PairCount(
                simd, wires=self.layout.plan.pe * simd > MANY)
            m.d.comb += [counter.x.eq(self.x), counter.w.eq(self.w.word_select(lane, simd))]
            matches = (counter.count << 1) - unlike.count
            if pixels:
                matches = Mux(self.is_pixels, pixels[lane], matches)
            term = Signal(matches.shape(), name=f"term_{lane}", reset_less=True)
            m.d.sync += term.eq(Mux(is_word, matches, 0))
            total = self.sums.word_select(lane, width)
            start = self.starts.word_select(lane, width)
            m.d.sync += total.eq(Mux(begins, start, total) + term)
        return m

    def _pixels(self, m):
        """Return the matches of pixels for each lane, when those of bits are counted."""
        if not self.n_pixels:
            return []
        simd = self.layout.plan.simd
        w = Cat(self.w.word_select(lane, simd)[:self.n_pixels]
                for lane in range(self.layout.plan.pe))
        adds = self.n_pixels > 1    # In a cycle of its own.
        x, w = (_delay(m, value, self.layout.count_latency - adds) for value in (self.pixels, w))
        totals = []
        for lane in range(self.layout.plan.pe):
            each = [~(x.word_select(at, self.pixel) ^ bit.replicate(self.pixel))
                    for at, bit in enumerate(w.word_select(lane, self.n_pixels))]
            total = sum(each[1:], start=each[0])
            totals.append(_delay(m, total, int(adds)))
        return totals


def _delay(m, value, cycles):
    for _ in range(cycles):
        delayed = Signal(len(value), name="delayed", reset_less=True)
        m.d.sync += delayed.eq(value)
        value = delayed
    return value
