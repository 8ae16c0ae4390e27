"""Packets of AXI4-Stream: bytes to codes and images, answers to bytes."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from hw.plan.layout import n_pairs
from sw.golden.bits import n_bytes

__all__ = ["ANSWER_LATENCY", "CODE_LATENCY", "Beat", "CodeCollector", "PacketReceiver",
           "PacketSender"]

CODE_LATENCY = 2      # Cycles from the last byte of a packet to its code.
ANSWER_LATENCY = 3    # Cycles from an answer to the first byte of its packet.


class Beat(data.StructLayout):
    """``tdata`` and ``tlast``."""

    def __init__(self) -> None:
        super().__init__({"data": 8, "last": 1})


class PacketReceiver(wiring.Component):
    """Tell packets of the right length from others, and pass their bytes on.

    A packet is bad that ends too early or does not end with the last byte there should be. As soon
    as that is known it is aborted; what is left of it is dropped.

    Parameters
    ----------
    n_in : int
        Bits of an input.

    Members
    -------
    packets : ``In(stream.Signature(Beat()))``
        The last byte there should be waits for ``room``.
    room : ``In(1)``
        There is room for one more answer.
    image : ``Out(stream.Signature(8))``
        Bytes of an input, perhaps too few; bits that fill up the last are 0.
    first : ``Out(1)``
        The byte is the first of a packet. Valid with ``image``.
    takes : ``Out(1)``
        A good packet ends in this cycle.
    accept : ``Out(1)``
        It ended in the last: what came since the last ``accept`` or ``abort`` is a whole input.
    abort : ``Out(1)``
        It is not; one cycle for each bad packet.
    """

    def __init__(self, n_in: int):
        self.n_in = n_in
        super().__init__({
            "packets": In(stream.Signature(Beat())),
            "room": In(1),
            "image": Out(stream.Signature(8)),
            "first": Out(1),
            "takes": Out(1),
            "accept": Out(1),
            "abort": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        size = n_bytes(self.n_in)
        count = Signal(range(size + 1))    # A packet that is too long stays at its size.
        is_end, is_over = count == size - 1, count == size
        beat = self.packets.payload
        may = ~is_over & (self.room | ~is_end)
        used = Mux(is_end, Const(0xFF >> -self.n_in % 8, 8), Const(0xFF, 8))
        m.d.comb += [
            self.image.payload.eq(beat.data & used),
            self.image.valid.eq(self.packets.valid & may),
            self.first.eq(count == 0),
            self.packets.ready.eq(is_over | (may & self.image.ready)),
        ]
        moves, ends = Signal(), Signal()
        m.d.comb += [
            moves.eq(self.packets.valid & self.packets.ready),
            ends.eq(moves & ~is_over & (beat.last | is_end)),
            self.takes.eq(ends & beat.last & is_end),
        ]
        m.d.sync += [self.accept.eq(self.takes), self.abort.eq(ends & ~self.takes)]
        with m.If(moves):
            m.d.sync += count.eq(Mux(beat.last, 0, Mux(is_over, size, count + 1)))
        return m


class CodeCollector(wiring.Component):
    """Bytes to codes: one is collected while the one before it is held.

    A code is valid ``CODE_LATENCY`` cycles after its last byte, if none is held.

    Parameters
    ----------
    n_in : int
        Bits of a code.

    Members
    -------
    image, first, accept : ``In(stream.Signature(8))``, ``In(1)``, ``In(1)``
        As of :class:`PacketReceiver`.
    code : ``Out(stream.Signature(n_in))``
        Codes, each held until it is taken.
    unlike : ``Out(range(n_pairs(n_in) + 1))``
        How many of the pairs of bits 0 and 1, 2 and 3, ... of ``code`` differ. Valid with it.
    """

    def __init__(self, n_in: int):
        self.n_in = n_in
        super().__init__({
            "image": In(stream.Signature(8)),
            "first": In(1),
            "accept": In(1),
            "code": Out(stream.Signature(n_in)),
            "unlike": Out(range(n_pairs(n_in) + 1)),
        })

    def elaborate(self, platform):
        m = Module()
        content = Signal(8 * n_bytes(self.n_in), reset_less=True)
        unlike, waits = Signal.like(self.unlike, reset_less=True), Signal()
        byte = self.image.payload
        pairs = sum((byte[at:at + 2].xor() for at in range(0, 8, 2)), Const(0, 1))
        is_whole, passes = Signal(), Signal()
        m.d.comb += [
            is_whole.eq(self.accept | waits),
            passes.eq(is_whole & (~self.code.valid | self.code.ready)),
            self.image.ready.eq(~is_whole | passes),
        ]
        m.d.sync += waits.eq(is_whole & ~passes)
        with m.If(self.image.valid & self.image.ready):
            m.d.sync += [content.eq(Cat(content[8:], byte)),
                         unlike.eq(Mux(self.first, 0, unlike) + pairs)]
        with m.If(passes):
            m.d.sync += [self.code.valid.eq(1), self.code.payload.eq(content),
                         self.unlike.eq(unlike)]
        with m.Elif(self.code.ready):
            m.d.sync += self.code.valid.eq(0)
        return m


class PacketSender(wiring.Component):
    """Keep answers, and send each as a packet. The first byte is valid ``ANSWER_LATENCY`` cycles
    after an answer, if none is there.

    Parameters
    ----------
    size : int
        Bytes of an answer.
    depth : int
        How many it has room for, beside the one that is sent.

    Members
    -------
    answer : ``In(stream.Signature(8 * size, always_ready=True))``
        The least significant byte is sent first. Whoever gives one must know of room for it.
    packets : ``Out(stream.Signature(Beat()))``
    frees : ``Out(1)``
        There is room for one more.
    """

    def __init__(self, size: int, depth: int):
        self.size = size
        self.depth = depth
        super().__init__({
            "answer": In(stream.Signature(8 * size, always_ready=True)),
            "packets": Out(stream.Signature(Beat())),
            "frees": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        # It takes one answer less while the first is on its way through it.
        m.submodules.kept = kept = SyncFIFOBuffered(width=8 * self.size, depth=self.depth + 1)
        content, left = Signal(8 * self.size, reset_less=True), Signal(range(self.size + 1))
        is_last = left == 1
        loads = Signal()
        m.d.comb += [
            kept.w_data.eq(self.answer.payload), kept.w_en.eq(self.answer.valid),
            loads.eq(kept.r_rdy & ((left == 0) | (is_last & self.packets.ready))),
            kept.r_en.eq(loads), self.frees.eq(loads),
            self.packets.valid.eq(left != 0),
            self.packets.payload.data.eq(content), self.packets.payload.last.eq(is_last),
        ]
        with m.If(loads):
            m.d.sync += [content.eq(kept.r_data), left.eq(self.size)]
        with m.Elif(self.packets.valid & self.packets.ready):
            m.d.sync += [content.eq(content >> 8), left.eq(left - 1)]
        return m
