"""Images to a word-serial engine as they come, and its classes to answers."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.blocks.loader import Load
from hw.blocks.wire import link
from hw.blocks.wire.link import AnswerSender, identity_byte
from hw.blocks.wire.receiver import ImageReceiver
from sw.golden.frame import ADDRESS

__all__ = ["ImageLink", "Turns"]


class Turns(wiring.Component):
    """Answer one request after the other, of which the next is there already.

    Parameters
    ----------
    width : int
        Bits of a class.
    identity : bytes
        What the board says of itself.
    reloadable : bool
        Load requests are answered; without, they are dropped.

    Members
    -------
    request : ``In(stream.Signature(8))``
        Sequence numbers. An image's was accepted when its number became valid.
    klass : ``In(stream.Signature(width, always_ready=True))``
        The classes of images, in their order.
    loads : ``Out(1)``
        The request that is taken is a load; no image is accepted and not answered.
    sequence, answer : ``Out(8)``, ``Out(stream.Signature(8))``
        As of :class:`~hw.blocks.wire.link.AnswerSender`.
    """

    def __init__(self, width: int, identity: bytes, *, reloadable: bool):
        self.width = width
        self.identity = identity
        self.reloadable = reloadable
        super().__init__({
            "request": In(stream.Signature(8)),
            "klass": In(stream.Signature(width, always_ready=True)),
            "loads": Out(1),
            "sequence": Out(8),
            "answer": Out(stream.Signature(8)),
        })

    def elaborate(self, platform):
        m = Module()
        busy, number = Signal(), self.request.payload
        takes = self.request.valid & ~busy
        is_load = number[6:] == 0b10
        m.d.comb += [self.request.ready.eq(~busy), self.loads.eq(takes & is_load)]
        with m.If(~busy):
            # What it is while nothing is to be sent is of no account.
            m.d.sync += [self.sequence.eq(number),
                         busy.eq(takes if self.reloadable else takes & ~is_load)]
        with m.If(self.answer.ready):
            m.d.sync += busy.eq(0)

        # A class may come while the one before it is sent.
        klass, following = Signal(self.width), Signal(self.width)
        has_class, has_following = Signal(), Signal()
        is_image, is_question = ~self.sequence[7], self.sequence[6]
        m.d.comb += [
            self.answer.valid.eq(busy & (has_class | ~is_image)),
            self.answer.payload.eq(Mux(is_image, klass, Mux(
                is_question, identity_byte(self.identity, self.sequence), 0))),
        ]
        with m.If(self.answer.ready & is_image):
            m.d.sync += has_class.eq(0)
        with m.If(~has_class & has_following):
            m.d.sync += [klass.eq(following), has_class.eq(1), has_following.eq(0)]
        with m.If(self.klass.valid):
            m.d.sync += [following.eq(self.klass.payload), has_following.eq(1)]
        return m


class ImageLink(wiring.Component):
    """Requests to images, classes to answers, both in one order; two images may be under way.

    The first of them has its sequence number where answers are sent from, the second where requests
    come in. A question or a load waits until no image is under way.

    Parameters
    ----------
    n_in : int
        Bits of an image.
    n_classes : int
        Number of classes, at most 256.
    reloadable : bool
        Load requests, of one word each, are answered; without, they are dropped.
    identity : bytes
        What the board says of itself, see :mod:`sw.golden.identity`.

    Members
    -------
    from_host, to_host : ``In(stream.Signature(8))``, ``Out(stream.Signature(8))``
        Frames as in :mod:`sw.golden.frame`.
    image, accept, abort : ``Out(stream.Signature(8))``, ``Out(1)``, ``Out(1)``
        As of :class:`~hw.blocks.wire.receiver.ImageReceiver`. No third image is accepted before the
        class of the first came.
    klass : ``In(stream.Signature(range(n_classes), always_ready=True))``
        The class of each image that was accepted, in the same order.
    load : ``Out(Load())``
        Words of other networks, if ``reloadable``, while no image is accepted and not answered.
    """

    def __init__(self, n_in: int, n_classes: int, *, reloadable: bool = False,
                 identity: bytes = b""):
        link.check(n_in, n_classes, reloadable=reloadable)
        self.n_in = n_in
        self.reloadable = reloadable
        self.identity = identity
        super().__init__({
            "from_host": In(stream.Signature(8)),
            "to_host": Out(stream.Signature(8)),
            "image": Out(stream.Signature(8)),
            "accept": Out(1),
            "abort": Out(1),
            "klass": In(stream.Signature(range(n_classes), always_ready=True)),
            **({"load": Out(Load())} if reloadable else {}),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = ImageReceiver(self.n_in, reloadable=self.reloadable)
        m.submodules.turns = turns = Turns(self.klass.payload.shape().width, self.identity,
                                           reloadable=self.reloadable)
        m.submodules.sender = sender = AnswerSender()
        wiring.connect(m, wiring.flipped(self.from_host), receiver.bytes)
        wiring.connect(m, receiver.image, wiring.flipped(self.image))
        wiring.connect(m, receiver.request, turns.request)
        wiring.connect(m, turns.answer, sender.answer)
        wiring.connect(m, sender.bytes, wiring.flipped(self.to_host))
        m.d.comb += [self.accept.eq(receiver.accept), self.abort.eq(receiver.abort),
                     turns.klass.payload.eq(self.klass.payload),
                     turns.klass.valid.eq(self.klass.valid), sender.sequence.eq(turns.sequence)]
        if self.reloadable:
            m.d.comb += [self.load.address.eq(receiver.tail[:ADDRESS]),
                         self.load.word.eq(receiver.tail[ADDRESS:])]
            m.d.sync += self.load.valid.eq(turns.loads)
        return m
