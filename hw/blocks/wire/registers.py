"""Four registers on a Wishbone bus before a core with two AXI4-Streams, for a small CPU."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.blocks.wire.axi import Beat

__all__ = ["ANSWER", "CONTROL", "DATA", "STATUS", "Registers"]

DATA, STATUS, ANSWER, CONTROL = range(4)    # Addresses, of words.


class Registers(wiring.Component):
    """Words of a CPU to packets, and answers to what it reads.

    Classic Wishbone: 32 bits wide, each access is acknowledged in the next cycle.

    ``DATA``, written
        The next four bytes of an input, the first in the low bits. Of the last word only the bytes
        count that are missing.
    ``STATUS``, read
        Bit 0: a word may be written. Bit 1: there is a byte of an answer. Bit 2: a word was written
        when none might be, and is lost; what comes after is worthless until a reset.
    ``ANSWER``, read
        The next byte of an answer, which is taken from it; 0 if there is none.
    ``CONTROL``, written
        Bit 0: forget all that is under way.

    Any other access has no effect, and reads 0.

    Parameters
    ----------
    in_bytes : int
        Of an input.

    Members
    -------
    cyc, stb, we, adr, dat_w : ``In(1)``, ``In(1)``, ``In(1)``, ``In(2)``, ``In(32)``
    ack, dat_r : ``Out(1)``, ``Out(32)``
        Both from registers.
    packets, answers : ``Out(stream.Signature(Beat()))``, ``In(stream.Signature(Beat()))``
        To and from the core.
    reset : ``Out(1)``
        The core is to forget; for one cycle, in which ``packets`` is not valid.
    """

    def __init__(self, in_bytes: int):
        self.in_bytes = in_bytes
        super().__init__({
            "cyc": In(1), "stb": In(1), "we": In(1), "adr": In(2), "dat_w": In(32),
            "ack": Out(1), "dat_r": Out(32),
            "packets": Out(stream.Signature(Beat())), "answers": In(stream.Signature(Beat())),
            "reset": Out(1)})

    def elaborate(self, platform):
        m = Module()
        request, is_ready, lost = Signal(), Signal(), Signal()
        writes, reads = request & self.we, request & ~self.we
        m.d.comb += [request.eq(self.cyc & self.stb & ~self.ack),
                     self.answers.ready.eq(reads & (self.adr == ANSWER))]
        m.d.sync += [self.ack.eq(request), self.dat_r.eq(0)]
        with m.If(self.answers.ready & self.answers.valid):
            m.d.sync += self.dat_r.eq(self.answers.payload.data)
        with m.If(reads & (self.adr == STATUS)):
            m.d.sync += self.dat_r.eq(Cat(is_ready, self.answers.valid, lost))
        data = writes & (self.adr == DATA)
        with m.If(data & ~is_ready):
            m.d.sync += lost.eq(1)
        forgets = writes & (self.adr == CONTROL) & self.dat_w[0]
        left, count = self._send(m, data, is_ready)
        m.d.sync += self.reset.eq(forgets)
        with m.If(forgets):
            m.d.sync += [lost.eq(0), left.eq(0), count.eq(0)]
        return m

    def _send(self, m, loads, is_ready):
        """Send the bytes of a word; return how many are left, and how many of an input are sent."""
        content, left = Signal(32, reset_less=True), Signal(range(5))
        count = Signal(range(self.in_bytes))
        is_last = count == self.in_bytes - 1
        m.d.comb += [is_ready.eq(left == 0), self.packets.valid.eq(left != 0),
                     self.packets.payload.data.eq(content), self.packets.payload.last.eq(is_last)]
        with m.If(loads & is_ready):
            m.d.sync += [content.eq(self.dat_w), left.eq(4)]
        with m.Elif(self.packets.valid & self.packets.ready):
            m.d.sync += [content.eq(content >> 8), left.eq(Mux(is_last, 0, left - 1)),
                         count.eq(Mux(is_last, 0, count + 1))]
        return left, count
