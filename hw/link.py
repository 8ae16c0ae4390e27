"""Frames on byte streams: the board's half of :mod:`sw.golden.frame`."""

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from sw.golden.bits import n_bytes
from sw.golden.frame import ESCAPE, FLAG, FLIP, MAX_CLASSES, N_CHECK

__all__ = ["AnswerSender", "Link", "RequestReceiver"]


class RequestReceiver(wiring.Component):
    """Take requests out of a stream of bytes that may hold anything.

    A byte is taken each cycle. A request is valid two cycles after the flag that ends it. Until
    it is taken, the next frame may begin, but its first byte of code waits.

    Parameters
    ----------
    n_in : int
        Bits of a code.

    Members
    -------
    bytes : ``In(stream.Signature(8))``
        What comes from the host.
    request : ``Out(stream.Signature(n_in))``
        The code of a frame whose length and check are right.
    sequence : ``Out(8)``
        The sequence number of ``request``. Valid with it.
    """

    def __init__(self, n_in: int):
        self.n_in = n_in
        super().__init__({
            "bytes": In(stream.Signature(8)),
            "request": Out(stream.Signature(n_in)),
            "sequence": Out(8),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()

        n_code = n_bytes(self.n_in)
        n_frame = 1 + n_code + N_CHECK
        code = Signal(8 * n_code)
        number = Signal(8)

        # Bytes of this frame so far; one more than a frame stands for too many.
        count = Signal(range(n_frame + 2))
        escaped = Signal()
        is_flag, is_escape = self.bytes.payload == FLAG, self.bytes.payload == ESCAPE
        is_code = (count >= 1) & (count <= n_code)
        content = self.bytes.payload ^ Mux(escaped, FLIP, 0)
        take = self.bytes.valid & self.bytes.ready

        ended = Signal()
        m.d.comb += [
            self.bytes.ready.eq(~(self.request.valid & is_code & ~is_flag)),
            self.request.payload.eq(code),
            crc.data.eq(content),
            crc.valid.eq(take & ~is_flag & ~is_escape),
            crc.start.eq(take & is_flag),
        ]

        with m.If(self.request.ready):
            m.d.sync += self.request.valid.eq(0)
        m.d.sync += ended.eq(0)
        with m.If(take):
            m.d.sync += escaped.eq(is_escape)
            with m.If(is_flag):
                m.d.sync += count.eq(0)
                # A flag straight after an escape aborts the frame.
                with m.If((count == n_frame) & ~escaped & crc.match_detected):
                    m.d.sync += self.request.valid.eq(1)
                    m.d.sync += self.sequence.eq(number)
            with m.Elif(~is_escape):
                with m.If(count != n_frame + 1):
                    m.d.sync += count.eq(count + 1)
                with m.If(count == 0):
                    m.d.sync += number.eq(content)
                with m.If(is_code):
                    m.d.sync += code.eq(Cat(code, content)[8:])
        return m


class AnswerSender(wiring.Component):
    """Send answers as frames: eight bytes, more where bytes must be escaped.

    Members
    -------
    sequence : ``In(8)``
        The sequence number of the request. Must be held with ``answer``.
    answer : ``In(stream.Signature(8))``
        Its class. Taken with the last byte of the frame.
    bytes : ``Out(stream.Signature(8))``
        What goes to the host.
    """

    def __init__(self):
        super().__init__({
            "sequence": In(8),
            "answer": In(stream.Signature(8)),
            "bytes": Out(stream.Signature(8)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()

        position = Signal(range(2 + N_CHECK))
        content = Array([self.sequence, self.answer.payload,
                         *(crc.crc.word_select(at, 8) for at in range(N_CHECK))])[position]
        is_special = (content == FLAG) | (content == ESCAPE)
        escaped = Signal()
        m.d.comb += crc.data.eq(content)

        with m.FSM():
            with m.State("Begin"):
                m.d.comb += [self.bytes.payload.eq(FLAG), self.bytes.valid.eq(self.answer.valid),
                             crc.start.eq(1)]
                with m.If(self.bytes.valid & self.bytes.ready):
                    m.next = "Content"

            with m.State("Content"):
                m.d.comb += self.bytes.valid.eq(1)
                with m.If(is_special & ~escaped):
                    m.d.comb += self.bytes.payload.eq(ESCAPE)
                    with m.If(self.bytes.ready):
                        m.d.sync += escaped.eq(1)
                with m.Else():
                    m.d.comb += self.bytes.payload.eq(content ^ Mux(escaped, FLIP, 0))
                    with m.If(self.bytes.ready):
                        m.d.comb += crc.valid.eq(position < 2)
                        m.d.sync += [escaped.eq(0), position.eq(position + 1)]
                        with m.If(position == 1 + N_CHECK):
                            m.d.sync += position.eq(0)
                            m.next = "End"

            with m.State("End"):
                m.d.comb += [self.bytes.payload.eq(FLAG), self.bytes.valid.eq(1),
                             self.answer.ready.eq(self.bytes.ready)]
                with m.If(self.bytes.ready):
                    m.next = "Begin"
        return m


class Link(wiring.Component):
    """Requests to codes, classes to answers, one inference at a time between them.

    Parameters
    ----------
    n_in : int
        Bits of a code.
    n_classes : int
        Number of classes, at most 256.

    Members
    -------
    from_host, to_host : ``In(stream.Signature(8))``, ``Out(stream.Signature(8))``
        Frames as in :mod:`sw.golden.frame`.
    code : ``Out(stream.Signature(n_in))``
        Codes to classify.
    klass : ``In(stream.Signature(range(n_classes)))``
        Their classes, in the same order.
    """

    def __init__(self, n_in: int, n_classes: int):
        if not 1 <= n_classes <= MAX_CLASSES:
            raise ValueError(f"The link carries 1 to {MAX_CLASSES} classes, not {n_classes!r}")
        self.n_in = n_in
        super().__init__({
            "from_host": In(stream.Signature(8)),
            "to_host": Out(stream.Signature(8)),
            "code": Out(stream.Signature(n_in)),
            "klass": In(stream.Signature(range(n_classes))),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = RequestReceiver(self.n_in)
        m.submodules.sender = sender = AnswerSender()
        wiring.connect(m, wiring.flipped(self.from_host), receiver.bytes)
        wiring.connect(m, sender.bytes, wiring.flipped(self.to_host))

        # The sequence number waits here while the engine works, so the engine has one code at once.
        busy = Signal()
        m.d.comb += [
            self.code.payload.eq(receiver.request.payload),
            self.code.valid.eq(receiver.request.valid & ~busy),
            receiver.request.ready.eq(self.code.ready & ~busy),
            sender.answer.payload.eq(self.klass.payload),
            sender.answer.valid.eq(self.klass.valid),
            self.klass.ready.eq(sender.answer.ready),
        ]
        with m.If(self.klass.valid & self.klass.ready):
            m.d.sync += busy.eq(0)
        with m.If(self.code.valid & self.code.ready):
            m.d.sync += [busy.eq(1), sender.sequence.eq(receiver.sequence)]
        return m
