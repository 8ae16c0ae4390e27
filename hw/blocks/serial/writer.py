"""What fires, pooled and collected into words of the next map."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.blocks.serial.walker import EVENT, Event, Pointer
from hw.plan.serial import SerialLayout

__all__ = ["Writer"]


class Writer(wiring.Component):
    """Write the maps between stages.

    Parameters
    ----------
    layout : :class:`~hw.plan.serial.SerialLayout`
        Where they are.

    Members
    -------
    stage : ``In(range(n_stages))``
    event : ``In(EVENT)``
    home : ``In(1)``
        All is written.
    fires : ``In(pe)``
        Of the neurons whose window ends, if one does.
    enable, address, data : ``Out(...)``
        A word, two cycles later.
    """

    def __init__(self, layout: SerialLayout):
        self.layout = layout
        pe, simd = layout.plan.pe, layout.plan.simd
        super().__init__({
            "stage": In(range(len(layout.walks))), "event": In(EVENT), "home": In(1),
            "fires": In(pe),
            "enable": Out(1), "address": Out(range(layout.map_depth)), "data": Out(simd)})

    def elaborate(self, platform):
        m = Module()
        layout, pe = self.layout, self.layout.plan.pe
        known = Signal(pe)
        m.d.comb += known.eq(self.fires)
        if any(walk.chunk * walk.chunks * walk.counts[-1] * walk.counts[-2] < walk.cycles
               for walk in layout.walks):
            pooled = Signal(pe)
            m.d.comb += known.eq(self.fires | pooled)
            with m.If(self.event >= Event.WINDOW):
                m.d.sync += pooled.eq(Mux(self.event >= Event.CHUNK, 0, known))

        fresh, event = Signal(init=1), Signal(EVENT)
        is_hidden = self.stage != len(layout.walks) - 1
        with m.If(self.event >= Event.CHUNK):
            m.d.sync += [self.data.eq(Cat(Mux(fresh, 0, self.data)[pe:], known)),
                         fresh.eq(self.event >= Event.WORD)]
        m.d.sync += event.eq(self.event)
        m.d.comb += self.enable.eq(is_hidden & (event >= Event.WORD))
        maps, bases = layout.words[1:-1], layout.bases[1:]
        begins = [base + words.first for base, words in zip(bases, maps)]
        ends = [base + words.last for base, words in zip(bases, maps)]
        steps = [{Event.WORD: 1, Event.POSITION: 1, Event.STAGE: begin - end}
                 | ({Event.ROW: 1 + words.between} if words.map.height > 1 else {})
                 for words, begin, end in zip(maps, [*begins[1:], ends[-1]], ends)]
        m.submodules.pointer = pointer = Pointer(
            layout.map_depth, [*steps, {}], EVENT, init=begins[0])
        m.d.comb += [pointer.stage.eq(self.stage), pointer.key.eq(event), pointer.enable.eq(1),
                     pointer.home.eq(self.home),
                     self.address.eq(pointer.address)]
        return m
