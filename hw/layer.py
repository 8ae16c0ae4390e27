"""The XNOR-popcount-threshold engine of one layer, folded."""

import numpy as np
from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw import popcount
from hw.folding import Fold
from hw.popcount import PairCount
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
    pause. The layer keeps no copy of ``x``: a producer must hold its payload until the transfer,
    which happens as the last weights are used. Outputs appear at a steady pace, each ``latency``
    cycles after its last weights were used, and the layer waits for nobody: a pipeline that never
    stops needs no clock enables, which on iCE40 is what lets a part be filled.

    Parameters
    ----------
    layer : :class:`~sw.golden.network.Layer`
        Weights and thresholds.
    fold : :class:`~hw.folding.Fold`
        Neurons and synapses evaluated per cycle. Need not divide anything: what is left over in
        the last chunk of neurons is 0.

    Members
    -------
    x : ``In(stream.Signature(n_in))``
        Input bits; input 0 is the least significant.
    y : ``Out(stream.Signature(Chunk(pe), always_ready=True))``
        Output bits, ``ceil(n_out / pe)`` transfers a vector; neuron 0 comes first and is the least
        significant.

    Attributes
    ----------
    latency : int
        Cycles from the use of a neuron's last weights to its output bit.
    weights, thresholds : :class:`Prefetch`
        What is used, in that order.
    """

    def __init__(self, layer: Layer, fold: Fold):
        fold.check(layer.n_in, layer.n_out)
        self.layer = layer
        self.fold = fold
        self.chunks = -(-layer.n_out // fold.pe)
        self.slices = -(-layer.n_in // fold.simd)
        weights, thresholds = _memory_rows(layer, fold)
        self.weights = Prefetch(weights, width=fold.pe * fold.simd)
        self.thresholds = Prefetch(thresholds, width=fold.pe * _limit_width(layer))
        super().__init__({
            "x": In(stream.Signature(layer.n_in)),
            "y": Out(stream.Signature(Chunk(fold.pe), always_ready=True)),
        })

    @property
    def latency(self) -> int:
        return popcount.latency(self.fold.simd) + (2 if self.slices > 1 else 1)

    def elaborate(self, platform):
        m = Module()
        pe, simd = self.fold.pe, self.fold.simd
        m.submodules.weights = rows = self.weights
        m.submodules.thresholds = limits = self.thresholds

        use = Signal()
        m.d.comb += [use.eq(self.x.valid & rows.ready), rows.enable.eq(use)]

        # Inputs that fill up the last slice are 0 and their weights 1: they never match.
        slice_of_x = self.x.payload
        if self.slices > 1:
            index = Signal(range(self.slices))
            slice_of_x = Array(self.x.payload[at:at + simd]
                               for at in range(0, self.layer.n_in, simd))[index]
            is_last = index == self.slices - 1
            with m.If(use):
                m.d.sync += index.eq(Mux(is_last, 0, index + 1))
        m.d.comb += self.x.ready.eq(use & rows.is_last)

        counters = [PairCount(simd) for _ in range(pe)]
        for lane, counter in enumerate(counters):
            m.submodules[f"count_{lane}"] = counter
            m.d.comb += [counter.x.eq(slice_of_x), counter.w.eq(rows.data.word_select(lane, simd))]

        valid = _delay(m, use, counters[0].latency)
        totals = [counter.count for counter in counters]
        if self.slices > 1:
            last = _delay(m, is_last, counters[0].latency)
            valid, totals = self._accumulate(m, valid, last, totals)

        fires = (total >= limits.data.word_select(lane, _limit_width(self.layer))
                 for lane, total in enumerate(totals))
        m.d.comb += limits.enable.eq(valid)
        m.d.sync += [self.y.valid.eq(valid), self.y.payload.bits.eq(Cat(*fires)),
                     self.y.payload.last.eq(limits.is_last)]
        return m

    def _accumulate(self, m, valid, last, counts):
        """Add up the slices of a neuron; the total is valid a cycle after the last."""
        fresh, done = Signal(init=1), Signal()
        totals = [Signal(range(self.layer.n_in + 1), name=f"total_{lane}")
                  for lane in range(len(counts))]
        m.d.sync += done.eq(valid & last)
        with m.If(valid):
            m.d.sync += fresh.eq(last)
            m.d.sync += [total.eq(Mux(fresh, 0, total) + count)
                         for total, count in zip(totals, counts)]
        return done, totals


class Prefetch(wiring.Component):
    """Read a memory row after row, round and round, one row a cycle.

    Parameters
    ----------
    rows : list of int
        Contents.
    width : int
        Bits of a row.

    Members
    -------
    enable : ``In(1)``
        The row in ``data`` was used; the next appears in the next cycle.
    ready : ``Out(1)``
        ``data`` holds a row. False only in the first cycles after reset.
    is_last : ``Out(1)``
        It is the last row.
    data : ``Out(width)``
        The row.

    Attributes
    ----------
    memory : :class:`~amaranth.lib.memory.Memory`
        The rows.
    """

    def __init__(self, rows: list[int], *, width: int):
        self.memory = Memory(shape=width, depth=len(rows), init=rows,
                             attrs={"ram_style": "block"})
        super().__init__({"enable": In(1), "ready": Out(1), "is_last": Out(1), "data": Out(width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self.memory
        port = self.memory.read_port()

        # The address is that of the row after the one in data, so the memory can be asked early.
        read = Signal()
        address = Signal(range(self.memory.depth))
        m.d.comb += [read.eq(self.enable | ~self.ready), port.en.eq(read), port.addr.eq(address),
                     self.data.eq(port.data)]
        with m.If(read):
            last = address == self.memory.depth - 1
            m.d.sync += [self.ready.eq(1), self.is_last.eq(last),
                         address.eq(Mux(last, 0, address + 1))]
        return m


def _memory_rows(layer: Layer, fold: Fold) -> tuple[list[int], list[int]]:
    """Lay out weights and thresholds in the order of use, filled up to whole rows."""
    chunks, slices = -(-layer.n_out // fold.pe), -(-layer.n_in // fold.simd)
    weights = np.ones((chunks * fold.pe, slices * fold.simd), np.uint8)
    weights[:layer.n_out, :layer.n_in] = layer.weights
    weights = weights.reshape(chunks, fold.pe, slices, fold.simd).transpose(0, 2, 1, 3)

    thresholds = np.full(chunks * fold.pe, layer.n_in + 1)
    thresholds[:layer.n_out] = layer.thresholds
    width = _limit_width(layer)
    return ([bits.to_int(row) for row in weights.reshape(chunks * slices, -1)],
            [sum(int(limit) << width * lane for lane, limit in enumerate(chunk))
             for chunk in thresholds.reshape(chunks, fold.pe)])


def _limit_width(layer: Layer) -> int:
    return (layer.n_in + 1).bit_length()


def _delay(m, value, cycles):
    delayed = Signal(cycles)
    m.d.sync += delayed.eq(Cat(value, delayed))
    return delayed[-1]
