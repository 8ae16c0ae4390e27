"""The XNOR-popcount-threshold engine of one layer, folded."""

import numpy as np
from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.blocks import popcount
from hw.blocks.loader import replace, stored
from hw.blocks.popcount import PairCount
from hw.plan.folding import Fold
from hw.plan.layout import n_pairs
from sw.golden import bits
from sw.golden.network import Layer

__all__ = ["BinaryLayer", "Chunk", "Prefetch"]


class Chunk(data.StructLayout):
    """Some bits of a vector, and whether they are its last."""

    def __init__(self, width: int):
        super().__init__({"bits": width, "last": 1})


class BinaryLayer(wiring.Component):
    """Fully connected binary layer: a whole vector in, its output bits ``pe`` at a time.

    Output bit ``j`` is 1 when at least ``layer.thresholds[j]`` bits of ``x`` equal the same bits of
    ``layer.weights[j]``.

    A vector is used for ``fold.cycles(n_in, n_out)`` cycles, and the next may follow without a
    pause. The layer keeps no copy of ``x``: a producer must hold its payload, and ``unlike``, until
    the transfer, which happens as the last weights are used. Outputs appear at a steady pace, each
    ``latency`` cycles after its last weights were used, and the layer waits for nobody: a pipeline
    that never stops needs no clock enables, which on iCE40 is what lets a part be filled.

    Parameters
    ----------
    layer : :class:`~sw.golden.network.Layer`
        Weights and thresholds.
    fold : :class:`~hw.plan.folding.Fold`
        Neurons and synapses evaluated per cycle. Need not divide anything: what is left over in
        the last chunk of neurons is 0.
    reloadable : bool
        Other weights and thresholds can be stored.

    Members
    -------
    x : ``In(stream.Signature(n_in))``
        Input bits; input 0 is the least significant.
    unlike : ``In(range(n_pairs(n_in) + 1))``
        How many of the pairs of inputs 0 and 1, 2 and 3, ... differ; see
        :mod:`hw.blocks.popcount`. An odd last one is paired with 0. Valid with ``x``.
    y : ``Out(stream.Signature(Chunk(pe), always_ready=True))``
        Output bits, ``ceil(n_out / pe)`` transfers a vector; neuron 0 comes first and is the least
        significant.

    Attributes
    ----------
    layout : :class:`~hw.plan.layout.LayerLayout`
        Widths, rows and cycles.
    latency : int
        Cycles from the use of a neuron's last weights to its output bit.
    weights, thresholds : :class:`Prefetch`
        What is used, in that order. To a threshold is added what a neuron's weights add to the
        count of pairs, see :mod:`hw.blocks.popcount`.
    """

    def __init__(self, layer: Layer, fold: Fold, *, reloadable: bool = False):
        fold.check(layer.n_in, layer.n_out)
        self.layer = layer
        self.fold = fold
        self.layout = layout = fold.layout(layer.n_in, layer.n_out)
        self.latency = layout.latency
        weights, limits = self._rows()
        self.weights = Prefetch(weights, width=fold.pe * layout.width, reloadable=reloadable)
        self.thresholds = Prefetch(limits, width=fold.pe * layout.limit_width,
                                   reloadable=reloadable)
        super().__init__({
            "x": In(stream.Signature(layer.n_in)),
            "unlike": In(range(n_pairs(layer.n_in) + 1)),
            "y": Out(stream.Signature(Chunk(fold.pe), always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()
        layout, pe, width = self.layout, self.fold.pe, self.layout.width
        m.submodules.weights = rows = self.weights
        m.submodules.thresholds = limits = self.thresholds

        use = Signal()
        m.d.comb += [use.eq(self.x.valid & rows.ready), rows.enable.eq(use)]

        # Inputs that fill up the last slice are 0 and their weights 1: they never match.
        slice_of_x = self.x.payload
        if layout.slices > 1:
            index = Signal(range(layout.slices))
            slice_of_x = Array(self.x.payload[at:at + width]
                               for at in range(0, layout.slices * width, width))[index]
            is_last = index == layout.slices - 1
            with m.If(use):
                m.d.sync += index.eq(Mux(is_last, 0, index + 1))
        m.d.comb += self.x.ready.eq(use & rows.is_last)

        counters = [PairCount(width) for _ in range(pe)]
        for lane, counter in enumerate(counters):
            m.submodules[f"count_{lane}"] = counter
            m.d.comb += [counter.x.eq(slice_of_x), counter.w.eq(rows.data.word_select(lane, width))]

        valid = _delay(m, use, counters[0].latency)
        totals = [counter.count for counter in counters]
        if layout.slices > 1:
            last = _delay(m, is_last, counters[0].latency)
            valid, totals = self._accumulate(m, valid, last, totals)

        # In two steps: twice the count less its limit, then less what is unlike. The highest bit
        # says whether that is negative.
        margins = [Signal(layout.limit_width, name=f"margin_{lane}") for lane in range(pe)]
        ready, is_last = Signal(), Signal()
        m.d.comb += limits.enable.eq(valid)
        m.d.sync += [ready.eq(valid), is_last.eq(limits.is_last)]
        m.d.sync += [margin.eq((total << 1) + limits.data.word_select(lane, layout.limit_width))
                     for lane, (margin, total) in enumerate(zip(margins, totals))]
        less = self._hold(m, ready, is_last)
        fires = ((margin + less)[layout.limit_width - 1] for margin in margins)
        m.d.sync += [self.y.valid.eq(ready), self.y.payload.bits.eq(Cat(*fires)),
                     self.y.payload.last.eq(is_last)]
        return m

    def _accumulate(self, m, valid, last, counts):
        """Add up the slices of a neuron; the total is valid a cycle after the last."""
        layout = self.layout
        fresh, done = Signal(init=1), Signal()
        totals = [Signal(range(layout.slices * n_pairs(layout.width) + 1), name=f"total_{lane}")
                  for lane in range(len(counts))]
        m.d.sync += done.eq(valid & last)
        with m.If(valid):
            m.d.sync += fresh.eq(last)
            m.d.sync += [total.eq(Mux(fresh, 0, total) + count)
                         for total, count in zip(totals, counts)]
        return done, totals

    def _hold(self, m, valid, last):
        """Return the inverse of ``unlike`` for as long as margins of its vector come."""
        layout = self.layout
        # A margin comes so late that the next vector may be there; of short ones several.
        late = layout.slices + self.latency - 2 - layout.cycles
        unlike = _delay(m, self.unlike, max(0, late))
        fresh, next_is_fresh, held = Signal(init=1), Signal(), Signal.like(self.unlike)
        m.d.comb += next_is_fresh.eq(Mux(valid, last, fresh))
        m.d.sync += fresh.eq(next_is_fresh)
        with m.If(next_is_fresh):
            m.d.sync += held.eq(~unlike)
        return held

    def _rows(self) -> tuple[list[int], list[int]]:
        """Lay out weights and limits in the order of use, filled up to whole rows."""
        layer, layout, pe = self.layer, self.layout, self.fold.pe
        weights = np.ones((layout.chunks * pe, layout.slices * layout.width), np.uint8)
        weights[:layer.n_out, :layer.n_in] = layer.weights
        thresholds = np.full(layout.chunks * pe, layer.n_in + 1)
        thresholds[:layer.n_out] = layer.thresholds

        # Such that the sum's highest bit is 1 where matches reach their threshold. What is unlike
        # is added inverted.
        inverse = (1 << n_pairs(layer.n_in).bit_length()) - 1
        limits = (1 << layout.limit_width - 1) - thresholds + popcount.unlike(weights) - inverse
        limits %= 1 << layout.limit_width

        weights = weights.reshape(layout.chunks, pe, layout.slices, layout.width)
        rows = weights.transpose(0, 2, 1, 3).reshape(layout.cycles, -1)
        return ([bits.to_int(row) for row in rows],
                [sum(int(limit) << layout.limit_width * lane for lane, limit in enumerate(chunk))
                 for chunk in limits.reshape(layout.chunks, pe)])


class Prefetch(wiring.Component):
    """Read a memory row after row, round and round, one row a cycle.

    Parameters
    ----------
    rows : list of int
        Contents.
    width : int
        Bits of a row.
    reloadable : bool
        Other contents can be stored.

    Members
    -------
    enable : ``In(1)``
        The row in ``data`` was used; the next appears in the next cycle.
    ready : ``Out(1)``
        ``data`` holds a row. False only in the first cycles after reset, and after a store.
    is_last : ``Out(1)``
        It is the last row.
    data : ``Out(width)``
        The row.
    store : ``In(Store(...))``
        A part of a row, if ``reloadable``. Whatever row ``data`` held, it will be the first.

    Attributes
    ----------
    memory : :class:`~amaranth.lib.memory.Memory`
        The rows, and perhaps one more, which is never read.
    """

    def __init__(self, rows: list[int], *, width: int, reloadable: bool = False):
        self.n_rows = len(rows)
        self.reloadable = reloadable
        self.memory, members = stored(rows, width=width, reloadable=reloadable)
        super().__init__({"enable": In(1), "ready": Out(1), "is_last": Out(1), "data": Out(width),
                          **members})

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self.memory
        port = self.memory.read_port()

        # The address is that of the row after the one in data, so the memory can be asked early.
        read = Signal()
        address = Signal(range(self.n_rows))
        m.d.comb += [read.eq(self.enable | ~self.ready), port.en.eq(read), port.addr.eq(address),
                     self.data.eq(port.data)]
        with m.If(read):
            last = address == self.n_rows - 1
            m.d.sync += [self.ready.eq(1), self.is_last.eq(last),
                         address.eq(Mux(last, 0, address + 1))]
        if self.reloadable:
            replace(m, self.memory, self.store)
            with m.If(self.store.columns.any()):
                m.d.sync += [self.ready.eq(0), address.eq(0)]
        return m


def _delay(m, value, cycles):
    for _ in range(cycles):
        delayed = Signal.like(value, name="delayed")
        m.d.sync += delayed.eq(value)
        value = delayed
    return value
