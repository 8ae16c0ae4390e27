"""Requests out of a stream of bytes that may hold anything: the frames, and what is in them."""

from collections.abc import Callable

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from hw.blocks.popcount import n_pairs
from hw.blocks.wire.crc import SerialCRC
from sw.golden.bits import n_bytes
from sw.golden.frame import ESCAPE, FLAG, FLIP, N_FCS32, SHORT, n_short

__all__ = ["Frame", "ImageReceiver", "RequestReceiver"]


class Frame:
    """How far a frame has come, and whether all is well with it so far.

    A byte takes nine cycles: its bits go one by one into the check, which a serial line leaves time
    for and which needs a third of the logic.

    Parameters
    ----------
    m : Module
        What the frame comes into.
    source : ``stream.Signature(8)``
        Its bytes. Who makes this says when they are ready: never while ``left`` is not 0.
    n_content : int
        Bytes before the check.

    Attributes
    ----------
    none, last : int
        The value of ``count`` before the first byte, and with the last before the check.
    count : Signal
        Bytes so far; one more than a frame stands for too many.
    byte, left : Signal
        The byte that came last, shifted, and how many of its bits are left to use.
    escaped : Signal
        The byte before was an escape.
    is_flag, is_content, is_good : Value
        The byte that comes is a flag; the one in use is no check; a flag that comes ends a frame
        whose length and check are right.
    """

    def __init__(self, m: Module, source, n_content: int):
        self.source = source
        m.submodules.crc = self.crc = SerialCRC(CRC32_ISO_HDLC)

        # As many before none that the highest bit tells content from check.
        n_check = 1 << max(3, n_content.bit_length())
        self.last = n_check - 1
        self.none, self.n_frame = self.last - n_content, self.last + N_FCS32
        self.count = Signal(range(self.n_frame + 2), init=self.none)
        self.escaped = Signal()
        # Bitstreams depend on names, and this had none.
        self.byte = Signal(8, name="$signal")
        self.left = Signal(range(9))
        self.is_flag, self.is_escape = source.payload == FLAG, source.payload == ESCAPE

        # Past the content the check register is shifted out and compared bit by bit. Fed with what
        # it gives, inverted, it only shifts.
        self.is_content = ~self.count[-1]
        self.differs = Signal()
        # A flag straight after an escape aborts the frame.
        self.is_good = (self.count == self.n_frame) & ~self.escaped & ~self.differs

    def check(self, m: Module, uses: Value) -> None:
        """Compute the check of the bits as they are used."""
        m.d.comb += [
            self.crc.data.eq(Mux(self.is_content, self.byte[0], ~self.crc.first)),
            self.crc.valid.eq(uses),
        ]

    def follow(self, m: Module, uses: Value, end: Callable[[], None]) -> None:
        """Use a bit of a byte in every cycle with ``uses``, or take the next byte; with a flag do
        what ``end`` adds."""
        with m.If(uses):
            m.d.sync += [self.left.eq(self.left - 1), self.byte.eq(self.byte >> 1)]
            with m.If(~self.is_content & (self.byte[0] != self.crc.first)):
                m.d.sync += self.differs.eq(1)
        with m.Elif(self.source.valid & self.source.ready):
            m.d.sync += self.escaped.eq(self.is_escape)
            with m.If(self.is_flag):
                m.d.comb += self.crc.start.eq(1)
                m.d.sync += [self.count.eq(self.none), self.differs.eq(0)]
                end()
            with m.Elif(~self.is_escape):
                m.d.sync += [self.byte.eq(self.source.payload ^ Mux(self.escaped, FLIP, 0)),
                             self.left.eq(8)]
                with m.If(self.count != self.n_frame + 1):
                    m.d.sync += self.count.eq(self.count + 1)


class RequestReceiver(wiring.Component):
    """Take requests for codes out of a stream of bytes that may hold anything.

    A request is valid one cycle after the flag that ends it. Until it is taken, the next frame may
    begin, but its first byte waits.

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
        n_content = 1 + n_bytes(self.n_in)
        frame = Frame(m, self.bytes, n_content)
        byte, left = frame.byte, frame.left
        content = Signal(8 * n_content)  # What came first is least significant.
        m.d.comb += Cat(self.sequence, self.request.payload).eq(content)

        m.d.comb += self.bytes.ready.eq((left == 0) & (frame.is_flag | ~self.request.valid))
        frame.check(m, left != 0)

        # Bits that fill up the last byte of a code count for its check alone.
        is_unused = (frame.count == frame.last) & (left <= -self.n_in % 8)
        bit = Signal()
        m.d.comb += bit.eq(byte[0] & ~is_unused)

        # Forgotten as a sequence number comes, not with a flag, which does not wait.
        forget, differs_from_last = Signal(), Signal()
        m.d.comb += [forget.eq((left != 0) & (frame.count == frame.none + 1)),
                     differs_from_last.eq(frame.is_content & left[0] & (bit != content[-1]))]
        m.d.sync += self.unlike.eq(Mux(forget, 0, self.unlike + differs_from_last))

        with m.If(self.request.ready):
            m.d.sync += self.request.valid.eq(0)
        with m.If(self.shift | ((left != 0) & frame.is_content)):
            m.d.sync += content.eq(Cat(content[1:], bit))

        def end():
            with m.If(frame.is_good):
                m.d.sync += self.request.valid.eq(1)

        frame.follow(m, left != 0, end)
        return m


class ImageReceiver(wiring.Component):
    """Take requests for images out of a stream of bytes that may hold anything.

    Bytes of an image go out as they come, and wait for room. One cycle after the flag that ends its
    frame it is told whether they are a whole good image, and the request is valid. Until that is
    taken, the next frame may begin, but its first byte waits.

    Parameters
    ----------
    n_in : int
        Bits of an image.
    reloadable : bool
        The words of load requests are wanted.

    Members
    -------
    bytes : ``In(stream.Signature(8))``
        What comes from the host.
    image : ``Out(stream.Signature(8))``
        Bytes of an image, perhaps too few; bits that fill up the last are 0.
    accept : ``Out(1)``
        Those since the last ``accept`` or ``abort`` are a whole good image.
    abort : ``Out(1)``
        They are not.
    request : ``Out(stream.Signature(8))``
        The sequence number of a frame whose length and check are right: from 128 on, that of a
        short one.
    tail : ``Out(SHORT)``
        The last bytes of its content. Valid with it, and one cycle longer.
    """

    def __init__(self, n_in: int, *, reloadable: bool = False):
        self.n_in = n_in
        self.reloadable = reloadable
        super().__init__({
            "bytes": In(stream.Signature(8)),
            "image": Out(stream.Signature(8)),
            "accept": Out(1),
            "abort": Out(1),
            "request": Out(stream.Signature(8)),
            **({"tail": Out(SHORT)} if reloadable else {}),
        })

    def elaborate(self, platform):
        m = Module()
        frame = Frame(m, self.bytes, 1 + n_bytes(self.n_in))
        sequence, is_first = self.request.payload, Signal(init=1)
        begins = frame.left[3]    # The byte is whole yet.
        waits = self.image.valid & ~self.image.ready
        uses = Signal()
        m.d.comb += [
            uses.eq((frame.left != 0) & ~waits),
            self.bytes.ready.eq((frame.left == 0) & (frame.is_flag | ~self.request.valid)),
            self.image.valid.eq(begins & frame.is_content & ~is_first & ~sequence[7]),
            self.image.payload.eq(frame.byte & self._used(frame)),
        ]
        m.d.sync += [self.accept.eq(0), self.abort.eq(0)]
        with m.If(self.request.ready):
            m.d.sync += self.request.valid.eq(0)
        frame.check(m, uses)

        def end():
            is_image = frame.is_good & ~sequence[7]
            m.d.sync += [is_first.eq(1), self.accept.eq(is_image), self.abort.eq(~is_image)]
            with m.If(frame.is_good):
                m.d.sync += self.request.valid.eq(1)

        frame.follow(m, uses, end)
        with m.If(begins & is_first):
            m.d.sync += [is_first.eq(0), sequence.eq(frame.byte)]
        if n_short(self.n_in) < n_bytes(self.n_in):
            with m.If(begins & is_first & frame.byte[7]):
                m.d.sync += frame.count.eq(frame.last - n_short(self.n_in))
        if self.reloadable:
            with m.If(uses & frame.is_content):
                m.d.sync += self.tail.eq(Cat(self.tail[1:], frame.byte[0]))
        return m

    def _used(self, frame: Frame) -> Value:
        """Return which bits of a byte do not only fill it up."""
        return Mux(frame.count == frame.last, Const(0xFF >> -self.n_in % 8, 8), Const(0xFF, 8))
