"""Link and engine: byte stream in, byte stream out, no pins."""

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import link
from hw.engine import Engine
from hw.folding import Hardwired, Plan
from hw.hardwired import HardwiredEngine
from hw.link import Link
from sw.golden.network import Network

__all__ = ["Accelerator", "check"]


def check(network: Network, plan: Plan, *, reloadable: bool) -> None:
    """Raise :exc:`ValueError` if there is no such accelerator."""
    link.check(network.n_in, network.n_classes, reloadable=reloadable)
    if isinstance(plan, Hardwired) and reloadable:
        raise ValueError("A hard-wired engine has its weights in logic and cannot be reloaded: "
                         "take a folded one")


class Accelerator(wiring.Component):
    """Answers each good request with the class of its code.

    Parameters
    ----------
    network : :class:`~sw.golden.network.Network`
        What to compute.
    plan : :data:`~hw.folding.Plan`
        How fast.
    reloadable : bool
        Other networks of this shape can be loaded, if the engine is folded.

    Members
    -------
    rx, tx : ``In(stream.Signature(8))``, ``Out(stream.Signature(8))``
        Frames from and to the host, see :mod:`sw.golden.frame`.
    """

    def __init__(self, network: Network, plan: Plan, *, reloadable: bool = False):
        check(network, plan, reloadable=reloadable)
        self.reloadable = reloadable
        self.engine = (HardwiredEngine(network) if isinstance(plan, Hardwired)
                       else Engine(network, plan, reloadable=reloadable))
        self.link = Link(network.n_in, network.n_classes, reloadable=reloadable)
        super().__init__({"rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.link = self.link
        m.submodules.engine = self.engine
        wiring.connect(m, wiring.flipped(self.rx), self.link.from_host)
        wiring.connect(m, self.link.code, self.engine.x)
        if isinstance(self.engine, Engine):
            m.d.comb += self.engine.unlike.eq(self.link.unlike)
        if self.reloadable:
            m.d.comb += self.engine.load.eq(self.link.load)
        wiring.connect(m, self.engine.y, self.link.klass)
        wiring.connect(m, self.link.to_host, wiring.flipped(self.tx))
        return m
