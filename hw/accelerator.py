"""Link and engine: byte stream in, byte stream out, no pins."""

from hashlib import sha256

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import engines
from hw.blocks.wire import link
from hw.blocks.wire.image_link import ImageLink
from hw.blocks.wire.link import Link
from hw.plan import plans
from hw.plan.plans import Plan
from sw.golden.identity import MAX_WIDTHS, N_HASH, Digest, Identity
from sw.golden.network import Network

__all__ = ["Accelerator", "Attached", "check", "identity", "waits"]


def check(network: Network, plan: Plan, *, reloadable: bool) -> None:
    """Raise :exc:`ValueError` if there is no such accelerator."""
    link.check(network.n_in, network.n_classes, reloadable=reloadable)
    plans.check(plan, network.signature)
    if not plan.is_serial and len(network.shape) > MAX_WIDTHS:
        raise ValueError(f"A board can tell {MAX_WIDTHS} widths of its network, not "
                         f"{len(network.shape)}: {network}")
    if plan.is_logic and reloadable:
        raise ValueError("A hard-wired engine has its weights in logic and cannot be reloaded: "
                         "take a folded one")


def waits(network: Network, plan: Plan, clock: float, baud: int, room: int) -> bool:
    """Return whether a host must wait for each answer before the next request.

    The board keeps a code until its first layer is done with it. Of a request that follows at once
    as many bytes can wait as there is ``room`` for, and the next is lost. A serial engine has room
    for another image.
    """
    first = plans.cycles(plan, network.signature)[0]
    return not plan.is_serial and first / clock >= (room + 1) * 10 / baud


def identity(network: Network, plan: Plan, *, reloadable: bool, clock: float,
             baud: int, room: int = 1) -> Identity:
    """Return what an accelerator says of itself; its clock is 0 Hz where it is simulated."""
    # Of all that decides where the weights lie.
    build = sha256(f"1 {network} {plan} {reloadable}".encode()).digest()[:N_HASH]
    shape = Digest.of(network.signature) if plan.is_serial else network.shape
    return Identity(shape, reloadable=reloadable, build=build, clock=round(clock / 1e3),
                    waits=clock > 0 and waits(network, plan, clock, baud, room))


class Attached(wiring.Component):
    """An engine behind a link; no more than that is between the bytes and it.

    Parameters
    ----------
    engine
        A component with ``feed`` and ``y``, such as :class:`~hw.serial.SerialEngine`.
    link : :class:`~hw.blocks.wire.link.Link` or :class:`~hw.blocks.wire.image_link.ImageLink`
        What makes inputs of requests, and of classes answers.
    reloadable : bool
        What the link loads goes to the engine.

    Members
    -------
    rx, tx : ``In(stream.Signature(8))``, ``Out(stream.Signature(8))``
        Frames from and to the host, see :mod:`sw.golden.frame`.
    """

    def __init__(self, engine, link: Link | ImageLink, *, reloadable: bool = False):
        self.engine, self.link, self.reloadable = engine, link, reloadable
        super().__init__({"rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.link = self.link
        m.submodules.engine = self.engine
        wiring.connect(m, wiring.flipped(self.rx), self.link.from_host)
        self.engine.feed(m, self.link)
        if self.reloadable:
            m.d.comb += self.engine.load.eq(self.link.load)
        wiring.connect(m, self.engine.y, self.link.klass)
        wiring.connect(m, self.link.to_host, wiring.flipped(self.tx))
        return m


class Accelerator(Attached):
    """Answers each good request with the class of its code or image.

    Parameters
    ----------
    network : :class:`~sw.golden.network.Network`
        What to compute.
    plan : :data:`~hw.plan.plans.Plan`
        How fast.
    reloadable : bool
        Other networks of this signature can be loaded, if the engine is not hard-wired.
    clock : float
        Hertz that it will have, or 0 where it is simulated; it is told to who asks.
    baud : int
        Speed of the link that it will have, as that of a UART.
    room : int
        Bytes that it keeps until they are taken.

    Members
    -------
    rx, tx : ``In(stream.Signature(8))``, ``Out(stream.Signature(8))``
        Frames from and to the host, see :mod:`sw.golden.frame`.
    """

    def __init__(self, network: Network, plan: Plan, *, reloadable: bool = False,
                 clock: float = 0, baud: int = 0, room: int = 1):
        check(network, plan, reloadable=reloadable)
        self.plan = plan
        self.identity = identity(network, plan, reloadable=reloadable, clock=clock, baud=baud,
                                 room=room)
        super().__init__(
            engines.make(network, plan, reloadable=reloadable),
            (ImageLink if plan.is_serial else Link)(
                network.n_in, network.n_classes, reloadable=reloadable,
                identity=self.identity.to_bytes()), reloadable=reloadable)
