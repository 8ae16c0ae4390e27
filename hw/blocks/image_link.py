"""Images to a word-serial engine as they come, and its classes to answers."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.blocks import link
from hw.blocks.link import AnswerSender, identity_byte
from hw.blocks.loader import Load
from hw.blocks.receiver import ImageReceiver
from sw.golden.frame import ADDRESS

__all__ = ["ImageLink"]


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
        As of :class:`~hw.blocks.receiver.ImageReceiver`. No third image is accepted before the
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
        m.submodules.sender = sender = AnswerSender()
        wiring.connect(m, wiring.flipped(self.from_host), receiver.bytes)
        wiring.connect(m, sender.bytes, wiring.flipped(self.to_host))
        wiring.connect(m, receiver.image, wiring.flipped(self.image))

        busy, number = Signal(), receiver.request.payload
        takes = receiver.request.valid & ~busy
        is_load = number[6:] == 0b10
        m.d.comb += [self.accept.eq(receiver.accept), self.abort.eq(receiver.abort),
                     receiver.request.ready.eq(~busy)]
        with m.If(~busy):
            # What the sender has while nothing is to be sent is of no account.
            m.d.sync += [sender.sequence.eq(number),
                         busy.eq(takes if self.reloadable else takes & ~is_load)]
        with m.If(sender.answer.ready):
            m.d.sync += busy.eq(0)
        if self.reloadable:
            m.d.comb += [self.load.address.eq(receiver.tail[:ADDRESS]),
                         self.load.word.eq(receiver.tail[ADDRESS:])]
            m.d.sync += self.load.valid.eq(takes & is_load)
        self._answer(m, busy, sender)
        return m

    def _answer(self, m, busy, sender):
        """Send a class once it is there and its turn has come, or else what can be said at once."""
        is_image, is_question = ~sender.sequence[7], sender.sequence[6]
        # A class may come while the one before it is sent.
        klass, following = Signal.like(self.klass.payload), Signal.like(self.klass.payload)
        has_class, has_following = Signal(), Signal()
        m.d.comb += [
            sender.answer.valid.eq(busy & (has_class | ~is_image)),
            sender.answer.payload.eq(Mux(is_image, klass, Mux(
                is_question, identity_byte(self.identity, sender.sequence), 0))),
        ]
        with m.If(sender.answer.ready & is_image):
            m.d.sync += has_class.eq(0)
        with m.If(~has_class & has_following):
            m.d.sync += [klass.eq(following), has_class.eq(1), has_following.eq(0)]
        with m.If(self.klass.valid):
            m.d.sync += [following.eq(self.klass.payload), has_following.eq(1)]
