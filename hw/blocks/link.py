"""Frames on byte streams: the board's half of :mod:`sw.golden.frame`."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC16_IBM_SDLC, CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from hw.blocks.crc import SerialCRC
from hw.blocks.loader import Load, Loader
from hw.blocks.popcount import n_pairs
from sw.golden.bits import n_bytes
from sw.golden.frame import (
    ADDRESS,
    ESCAPE,
    FLAG,
    FLIP,
    MAX_CLASSES,
    N_FCS16,
    N_FCS32,
    N_SEQUENCES,
    QUESTIONS,
    WORD,
    words_per_load,
)

__all__ = ["AnswerSender", "Link", "RequestReceiver", "check"]


class RequestReceiver(wiring.Component):
    """Take requests out of a stream of bytes that may hold anything.

    A byte takes nine cycles: its bits go one by one into the check and the code, which a serial
    line leaves time for and which needs a third of the logic. A request is valid one cycle after
    the flag that ends it. Until it is taken, the next frame may begin, but its first byte waits.

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
    unlike : ``Out(range(n_pairs(n_in) + 1))``
        How many of the pairs of bits 0 and 1, 2 and 3, ... of the code differ. Valid with it.
    sequence : ``Out(8)``
        The sequence number of ``request``. Valid with it.
    shift : ``In(1)``
        Move the bits of a request that is valid down by one, that of ``sequence`` too.
    """

    def __init__(self, n_in: int):
        self.n_in = n_in
        super().__init__({
            "bytes": In(stream.Signature(8)),
            "request": Out(stream.Signature(n_in)),
            "unlike": Out(range(n_pairs(n_in) + 1)),
            "sequence": Out(8),
            "shift": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = SerialCRC(CRC32_ISO_HDLC)

        n_content = 1 + n_bytes(self.n_in)
        content = Signal(8 * n_content)  # What came first is least significant.
        m.d.comb += Cat(self.sequence, self.request.payload).eq(content)

        # Bytes of this frame so far, and as many before that the highest bit tells content from
        # check; one more than a frame stands for too many.
        n_check = 1 << max(3, n_content.bit_length())
        none, n_frame = n_check - 1 - n_content, n_check - 1 + N_FCS32
        count = Signal(range(n_frame + 2), init=none)
        escaped = Signal()
        byte, left = Signal(8), Signal(range(9))
        is_flag, is_escape = self.bytes.payload == FLAG, self.bytes.payload == ESCAPE

        # Past the content the check register is shifted out and compared bit by bit. Fed with what
        # it gives, inverted, it only shifts.
        is_content, differs = ~count[-1], Signal()
        # A flag straight after an escape aborts the frame.
        is_good = (count == n_frame) & ~escaped & ~differs
        m.d.comb += [
            self.bytes.ready.eq((left == 0) & (is_flag | ~self.request.valid)),
            crc.data.eq(Mux(is_content, byte[0], ~crc.first)),
            crc.valid.eq(left != 0),
        ]

        # Bits that fill up the last byte of a code count for its check alone.
        is_unused = (count == n_check - 1) & (left <= -self.n_in % 8)
        bit = Signal()
        m.d.comb += bit.eq(byte[0] & ~is_unused)

        # Forgotten as a sequence number comes, not with a flag, which does not wait.
        forget, differs_from_last = Signal(), Signal()
        m.d.comb += [forget.eq((left != 0) & (count == none + 1)),
                     differs_from_last.eq(is_content & left[0] & (bit != content[-1]))]
        m.d.sync += self.unlike.eq(Mux(forget, 0, self.unlike + differs_from_last))

        with m.If(self.request.ready):
            m.d.sync += self.request.valid.eq(0)
        with m.If(self.shift | ((left != 0) & is_content)):
            m.d.sync += content.eq(Cat(content[1:], bit))
        with m.If(left != 0):
            m.d.sync += [left.eq(left - 1), byte.eq(byte >> 1)]
            with m.If(~is_content & (byte[0] != crc.first)):
                m.d.sync += differs.eq(1)
        with m.Elif(self.bytes.valid & self.bytes.ready):
            m.d.sync += escaped.eq(is_escape)
            with m.If(is_flag):
                m.d.comb += crc.start.eq(1)
                m.d.sync += [count.eq(none), differs.eq(0)]
                with m.If(is_good):
                    m.d.sync += self.request.valid.eq(1)
            with m.Elif(~is_escape):
                m.d.sync += [byte.eq(self.bytes.payload ^ Mux(escaped, FLIP, 0)), left.eq(8)]
                with m.If(count != n_frame + 1):
                    m.d.sync += count.eq(count + 1)
        return m


class AnswerSender(wiring.Component):
    """Send answers as frames: six bytes, more where bytes must be escaped.

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
        m.submodules.crc = crc = SerialCRC(CRC16_IBM_SDLC)

        # Eight bits of content or check are shifted into a byte, which is then sent.
        position = Signal(range(8 * (2 + N_FCS16) + 1))
        byte, escaped = Signal(8), Signal()
        is_check = position >= 16
        bit = Mux(is_check, crc.first, Cat(self.sequence, self.answer.payload).bit_select(
            position[:4], 1))
        is_special = ((byte == FLAG) | (byte == ESCAPE)) & ~escaped
        # Fed with what it gives, inverted, the check register only shifts.
        m.d.comb += crc.data.eq(bit ^ is_check)

        with m.FSM():
            with m.State("Begin"):
                m.d.comb += [self.bytes.payload.eq(FLAG), self.bytes.valid.eq(self.answer.valid),
                             crc.start.eq(1)]
                with m.If(self.bytes.valid & self.bytes.ready):
                    m.next = "Shift"

            with m.State("Shift"):
                m.d.comb += crc.valid.eq(1)
                m.d.sync += [byte.eq(Cat(byte[1:], bit)), position.eq(position + 1)]
                with m.If(position[:3].all()):
                    m.next = "Send"

            with m.State("Send"):
                m.d.comb += [self.bytes.valid.eq(1), self.bytes.payload.eq(
                    Mux(is_special, ESCAPE, byte ^ Mux(escaped, FLIP, 0)))]
                with m.If(self.bytes.ready):
                    m.d.sync += escaped.eq(is_special)
                    with m.If(~is_special):
                        m.next = "Shift"
                        with m.If(position == 8 * (2 + N_FCS16)):
                            m.next = "End"

            with m.State("End"):
                m.d.comb += [self.bytes.payload.eq(FLAG), self.bytes.valid.eq(1),
                             self.answer.ready.eq(self.bytes.ready)]
                m.d.sync += position.eq(0)
                with m.If(self.bytes.ready):
                    m.next = "Begin"
        return m


def check(n_in: int, n_classes: int, *, reloadable: bool) -> None:
    """Raise :exc:`ValueError` if frames have no room for that."""
    if not 1 <= n_classes <= MAX_CLASSES:
        raise ValueError(f"The link carries 1 to {MAX_CLASSES} classes, not {n_classes!r}")
    if reloadable and not words_per_load(n_in):
        raise ValueError(f"A network that can be reloaded must have at least {ADDRESS + WORD} "
                         f"inputs, not {n_in}")


class Link(wiring.Component):
    """Requests to codes, classes to answers, one inference at a time between them.

    Parameters
    ----------
    n_in : int
        Bits of a code.
    n_classes : int
        Number of classes, at most 256.
    reloadable : bool
        Load requests are answered; without, they are dropped.
    identity : bytes
        What the board says of itself, see :mod:`sw.golden.identity`.

    Members
    -------
    from_host, to_host : ``In(stream.Signature(8))``, ``Out(stream.Signature(8))``
        Frames as in :mod:`sw.golden.frame`.
    code : ``Out(stream.Signature(n_in))``
        Codes to classify.
    unlike : ``Out(range(n_pairs(n_in) + 1))``
        How many of the pairs of bits 0 and 1, 2 and 3, ... of ``code`` differ. Valid with it.
    klass : ``In(stream.Signature(range(n_classes), always_ready=True))``
        Their classes, in the same order.
    load : ``Out(Load())``
        Words of other networks, if ``reloadable``, while no code is on its way.
    """

    def __init__(self, n_in: int, n_classes: int, *, reloadable: bool = False,
                 identity: bytes = b""):
        check(n_in, n_classes, reloadable=reloadable)
        self.n_in = n_in
        self.identity = identity
        self.loader = Loader(n_in) if reloadable else None
        super().__init__({
            "from_host": In(stream.Signature(8)),
            "to_host": Out(stream.Signature(8)),
            "code": Out(stream.Signature(n_in)),
            "unlike": Out(range(n_pairs(n_in) + 1)),
            "klass": In(stream.Signature(range(n_classes), always_ready=True)),
            **({"load": Out(Load())} if reloadable else {}),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = RequestReceiver(self.n_in)
        m.submodules.sender = sender = AnswerSender()
        wiring.connect(m, wiring.flipped(self.from_host), receiver.bytes)
        wiring.connect(m, sender.bytes, wiring.flipped(self.to_host))

        # The sequence number waits here while the engine works, so the engine has one code at once.
        busy = Signal()
        is_code, is_free = receiver.sequence < N_SEQUENCES, receiver.request.valid & ~busy
        is_question = receiver.sequence >= QUESTIONS
        m.d.comb += [
            self.code.payload.eq(receiver.request.payload),
            self.unlike.eq(receiver.unlike),
            self.code.valid.eq(is_free & is_code),
            receiver.request.ready.eq(self.code.valid & self.code.ready),
        ]
        with m.If(sender.answer.ready):
            m.d.sync += [sender.answer.valid.eq(0), busy.eq(0)]
        # What the sender has while nothing is to be sent is of no account.
        with m.If(~busy):
            m.d.sync += [sender.sequence.eq(receiver.sequence),
                         sender.answer.payload.eq(self._byte(receiver.sequence))]
        with m.If(self.klass.valid):
            m.d.sync += [sender.answer.valid.eq(1), sender.answer.payload.eq(self.klass.payload)]
        with m.If(self.code.valid & self.code.ready):
            m.d.sync += busy.eq(1)
        with m.If(is_free & is_question):
            m.d.sync += [busy.eq(1), sender.answer.valid.eq(1)]
        is_load = ~is_code & ~is_question
        # What is no code and cannot be loaded either is a question, or dropped.
        with m.If(is_free & ~is_code & ~(is_load & (self.loader is not None))):
            m.d.comb += receiver.request.ready.eq(1)
        if self.loader is not None:
            self._load(m, is_free & is_load, busy, receiver, sender)
        return m

    def _byte(self, number):
        """Return the byte of the identity that is asked for by this sequence number.

        A lookup table for each bit of it, and no memory: a board's may be in use to the last.
        """
        index = number[:max(0, len(self.identity) - 1).bit_length()]
        columns = [sum((byte >> bit & 1) << at for at, byte in enumerate(self.identity))
                   for bit in range(8)]
        return Cat(Const(column, 1 << len(index)).bit_select(index, 1) for column in columns)

    def _load(self, m, begins, busy, receiver, sender):
        """Let the loader use the payload up, then answer."""
        m.submodules.loader = loader = self.loader
        loading = Signal()
        m.d.comb += [loader.start.eq(loading), loader.bit.eq(receiver.request.payload[0]),
                     receiver.shift.eq(loader.shift), self.load.eq(loader.load)]
        with m.If(begins):
            m.d.sync += [loading.eq(1), busy.eq(1)]
        with m.If(loader.done):
            m.d.comb += receiver.request.ready.eq(1)
            m.d.sync += [loading.eq(0), sender.answer.valid.eq(1), sender.answer.payload.eq(0)]
