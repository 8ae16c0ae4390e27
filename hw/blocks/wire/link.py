"""Frames on byte streams: the board's half of :mod:`sw.golden.frame`."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC16_IBM_SDLC
from amaranth.lib.wiring import In, Out

from hw.blocks.loader import Load, Loader
from hw.blocks.popcount import n_pairs
from hw.blocks.wire.crc import SerialCRC
from hw.blocks.wire.receiver import RequestReceiver
from sw.golden.bits import n_bytes
from sw.golden.frame import (
    ADDRESS,
    ESCAPE,
    FLAG,
    FLIP,
    MAX_CLASSES,
    MAX_INPUT,
    N_FCS16,
    N_SEQUENCES,
    QUESTIONS,
    WORD,
    words_per_load,
)

__all__ = ["AnswerSender", "Link", "check", "identity_byte"]


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
    if n_bytes(n_in) > MAX_INPUT:
        raise ValueError(f"An input must have at most {MAX_INPUT:,} bytes, for which the check of "
                         f"a frame finds any three wrong bits, not {n_bytes(n_in):,}: take smaller "
                         "images")
    if not 1 <= n_classes <= MAX_CLASSES:
        raise ValueError(f"The link carries 1 to {MAX_CLASSES} classes, not {n_classes!r}")
    if reloadable and not words_per_load(n_in):
        raise ValueError(f"A network that can be reloaded must have at least {ADDRESS + WORD} "
                         f"inputs, not {n_in}")


def identity_byte(identity: bytes, number):
    """Return the byte of the identity that is asked for by this sequence number.

    A lookup table for each bit of it, and no memory: a board's may be in use to the last.
    """
    index = number[:max(0, len(identity) - 1).bit_length()]
    columns = [sum((byte >> bit & 1) << at for at, byte in enumerate(identity))
               for bit in range(8)]
    return Cat(Const(column, 1 << len(index)).bit_select(index, 1) for column in columns)


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
            m.d.sync += [sender.sequence.eq(receiver.sequence), sender.answer.payload.eq(
                identity_byte(self.identity, receiver.sequence))]
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
