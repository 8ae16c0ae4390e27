"""Two images: one is received while the other is computed."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.plan.serial import BYTE, SerialLayout

__all__ = ["Inbox"]


class Inbox(wiring.Component):
    """Receive images byte by byte, keep those that are accepted, and read them word by word.

    What is received beyond the end of an image is forgotten.

    Parameters
    ----------
    layout : :class:`~hw.plan.serial.SerialLayout`
        How an image lies.

    Members
    -------
    bytes : ``In(stream.Signature(8))``
        The bits of an image. Ready while there is room, and neither ``accept`` nor ``abort``.
    accept : ``In(1)``
        What came since the last of the two is a whole image.
    abort : ``In(1)``
        Forget it.
    image : ``Out(1)``
        An accepted one waits, or is used.
    free : ``In(1)``
        The oldest is of no use any more.
    address : ``In(range(size))``
        Of a word of the oldest.
    data : ``Out(width)``
        The word, a cycle later.
    """

    def __init__(self, layout: SerialLayout):
        self.words = words = layout.words[0]
        self.piece = layout.piece
        super().__init__({
            "bytes": In(stream.Signature(BYTE)), "accept": In(1), "abort": In(1),
            "image": Out(1), "free": In(1), "address": In(range(words.size)),
            "data": Out(words.width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=self.words.width, depth=2 * self.words.size, init=[],
            # What is read was written long ago.
            attrs={"ram_style": "block", "no_rw_check": 1})
        read, write = memory.read_port(), memory.write_port()
        room, done, clear = Signal(), Signal(), Signal()
        m.d.comb += clear.eq(done | self.abort)
        piece, valid, busy = self._pieces(m, room, clear)
        accepted = Signal()
        m.d.comb += done.eq((accepted | self.accept) & ~busy)
        m.d.sync += accepted.eq((accepted | self.accept) & busy & ~self.abort)
        with m.If(accepted):
            m.d.comb += self.bytes.ready.eq(0)

        filling, oldest, waiting = Signal(), Signal(), Signal(range(3))
        m.d.comb += [room.eq(waiting != 2), self.image.eq(waiting != 0)]
        m.d.sync += [filling.eq(filling ^ done), oldest.eq(oldest ^ self.free),
                     waiting.eq(waiting + done - self.free)]

        at, word, complete = self._write(m, piece, valid, clear)
        m.d.comb += [
            write.en.eq(complete), write.data.eq(word), write.addr.eq(Cat(filling, at)),
            read.addr.eq(Cat(oldest, self.address)), self.data.eq(read.data)]
        return m

    def _pieces(self, m, room, clear):
        """Return bytes as they come, or bit by bit; and whether some are still to come."""
        free = room & ~self.accept & ~self.abort
        if self.piece == BYTE:
            # In a register: a link may find out late what is a byte.
            byte, busy = Signal(BYTE, reset_less=True), Signal()
            m.d.comb += self.bytes.ready.eq(free)
            m.d.sync += [byte.eq(self.bytes.payload),
                         busy.eq(self.bytes.valid & self.bytes.ready)]
            return byte, busy, busy
        bits, left = Signal(BYTE), Signal(range(BYTE + 1))
        busy = left != 0
        m.d.comb += self.bytes.ready.eq(free & ~busy)
        with m.If(busy):
            m.d.sync += [left.eq(left - 1), bits.eq(bits >> 1)]
        with m.Elif(self.bytes.valid & self.bytes.ready):
            m.d.sync += [left.eq(BYTE), bits.eq(self.bytes.payload)]
        with m.If(clear):
            m.d.sync += left.eq(0)
        return bits[:1], busy, busy

    def _write(self, m, piece, valid, clear):
        """Return an address, the word for it, and whether that is complete."""
        words = self.words
        ends = [valid]

        def count(limit):
            """Count down what ends with what was counted before; return whether all is done."""
            if limit == 0:
                return Const(0, 1)
            left = Signal(range(limit + 1), name="left", init=limit)
            last = ends[-1] & (left == 0)
            m.d.sync += left.eq(Mux(last | clear, limit, left - ends[-1]))
            ends.append(last)
            return left

        count(words.unit * words.map.bits // self.piece - 1)
        unit_ends = ends[-1]
        units = count(words.units - 1)
        word_ends = unit_ends
        if words.per_word > 1:
            low = (words.per_word - 1).bit_length() if words.words > 1 else len(units)
            word_ends = unit_ends & (units[:low] == 0)
        count(words.map.width - 1 if words.border else 0)

        collected = Signal(words.width - len(piece))
        word = Cat(collected, piece)
        with m.If(valid):
            m.d.sync += collected.eq(Mux(word_ends, 0, word[len(piece):]))
        at, full = Signal(range(words.size), init=words.first), Signal()
        with m.If(word_ends):
            m.d.sync += [at.eq(at + 1 + Mux(ends[-1], words.between, 0)),
                         full.eq(full | (at == words.last))]
        with m.If(clear):
            m.d.sync += [collected.eq(0), at.eq(words.first), full.eq(0)]
        return at, word, word_ends & ~full
