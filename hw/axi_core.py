"""An engine between two AXI4-Streams: a core for somebody else's design."""

from amaranth import ClockDomain, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import engines
from hw.blocks.scores import score_width
from hw.blocks.wire.axi import (
    ANSWER_LATENCY,
    CODE_LATENCY,
    Beat,
    CodeCollector,
    PacketReceiver,
    PacketSender,
)
from hw.plan import plans
from hw.plan.plans import Plan
from sw.golden.bits import n_bytes
from sw.golden.frame import MAX_CLASSES
from sw.golden.network import Network

__all__ = ["AxiCore", "AxiPorts", "check"]


def check(network: Network, plan: Plan) -> None:
    """Raise :exc:`ValueError` if there is no such core."""
    plans.check(plan, network.signature)
    if network.n_classes > MAX_CLASSES:
        raise ValueError(f"A core tells at most {MAX_CLASSES} classes, not {network.n_classes}: "
                         "train a network of fewer")


class AxiCore(wiring.Component):
    """Answers each good packet with one, in order: a byte with the class, then the scores.

    Parameters
    ----------
    network : :class:`~sw.golden.network.Network`
        What to compute.
    plan : :data:`~hw.plan.plans.Plan`
        How fast.
    scores : bool
        Scores follow the class, that of class 0 first: signed, little-endian, ``score_bytes`` each.

    Members
    -------
    packets : ``In(stream.Signature(Beat()))``
        An input a packet, ``in_bytes`` long: packed bits, the first least significant. Bits that
        fill up the last byte are ignored.
    answers : ``Out(stream.Signature(Beat()))``
        Its answer, ``out_bytes`` long.
    error : ``Out(1)``
        For one cycle for each packet of another length, which has no answer.

    Attributes
    ----------
    in_bytes, out_bytes, score_bytes : int
        As said above; ``score_bytes`` is 0 without scores.
    latency : int
        Cycles from the last byte of a packet to the first of its answer, if nothing else is under
        way.
    period : int
        Cycles from one answer to the next, if all packets are there and all answers are taken.
    depth : int
        How many answers there is room for.
    """

    def __init__(self, network: Network, plan: Plan, *, scores: bool = False):
        check(network, plan)
        self.network, self.plan = network, plan
        self.gives_scores = scores
        self.engine = engines.make(network, plan, scores=scores)
        self.in_bytes = n_bytes(network.n_in)
        self.score_bytes = score_width(network.readout) // 8 if scores else 0
        self.out_bytes = 1 + network.n_classes * self.score_bytes
        engine = plans.period(plan, network.signature)
        self.period = max(engine, self._receives(), self.out_bytes)
        self.latency = self._before() + self.engine.latency + ANSWER_LATENCY
        # An answer has its room from the last byte of its packet until it begins to be sent, and in
        # that time others are on their way.
        self.depth = 2 + -(-self.latency // self.period)
        super().__init__({"packets": In(stream.Signature(Beat())),
                          "answers": Out(stream.Signature(Beat())), "error": Out(1)})

    def _receives(self) -> int:
        """Count the cycles in which a packet is received, if all of it is there."""
        if not self.plan.is_serial:
            return self.in_bytes
        return self.engine.byte_cycles * self.in_bytes + 1 + (self.engine.n_pieces == 1)

    def _before(self) -> int:
        """Count the cycles from a packet's last byte to when the engine begins."""
        return self.engine.n_pieces if self.plan.is_serial else CODE_LATENCY

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine = engine = self.engine
        m.submodules.receiver = receiver = PacketReceiver(self.network.n_in)
        m.submodules.sender = sender = PacketSender(self.out_bytes, self.depth)
        wiring.connect(m, wiring.flipped(self.packets), receiver.packets)
        wiring.connect(m, sender.packets, wiring.flipped(self.answers))
        self._count(m, receiver, sender)
        m.d.comb += self.error.eq(receiver.abort)
        if self.plan.is_serial:
            engine.feed(m, receiver)
        else:
            m.submodules.collector = collector = CodeCollector(self.network.n_in)
            wiring.connect(m, receiver.image, collector.image)
            m.d.comb += [collector.first.eq(receiver.first), collector.accept.eq(receiver.accept)]
            engine.feed(m, collector)
        m.d.comb += [
            sender.answer.valid.eq(engine.y.valid),
            sender.answer.payload[:8].eq(engine.y.payload)]
        if self.gives_scores:
            m.d.comb += sender.answer.payload[8:].eq(engine.scores)
        return m

    def _count(self, m, receiver, sender):
        """Count the answers that there is room for: one for each packet that is under way."""
        room = Signal(range(self.depth + 1), init=self.depth)
        m.d.sync += room.eq(room - receiver.takes + sender.frees)
        m.d.comb += receiver.room.eq(room != 0)


class AxiPorts(wiring.Component):
    """A core with a clock and a reset of its own, and the names that AXI4-Stream has.

    Members
    -------
    aclk, aresetn : ``In(1)``
        The clock, and a synchronous reset that is active low. It may come at any time; nothing is
        taken then.
    s_axis_..., m_axis_... : ``tdata``, ``tvalid``, ``tlast``, ``tready``
        As ``packets`` and ``answers`` of :class:`AxiCore`.
    error : ``Out(1)``
    """

    def __init__(self, core: AxiCore):
        self.core = core
        super().__init__({
            "aclk": In(1), "aresetn": In(1),
            "s_axis_tdata": In(8), "s_axis_tvalid": In(1), "s_axis_tlast": In(1),
            "s_axis_tready": Out(1),
            "m_axis_tdata": Out(8), "m_axis_tvalid": Out(1), "m_axis_tlast": Out(1),
            "m_axis_tready": In(1),
            "error": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = sync = ClockDomain()
        m.domains.always = always = ClockDomain(reset_less=True)
        m.submodules.core = core = self.core
        # One cycle more: what has no reset of its own then has what follows from one.
        late = Signal()
        m.d.always += late.eq(~self.aresetn)
        m.d.comb += [
            sync.clk.eq(self.aclk), always.clk.eq(self.aclk), sync.rst.eq(~self.aresetn | late),
            core.packets.payload.data.eq(self.s_axis_tdata),
            core.packets.payload.last.eq(self.s_axis_tlast),
            core.packets.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(core.packets.ready & ~sync.rst),
            self.m_axis_tdata.eq(core.answers.payload.data),
            self.m_axis_tlast.eq(core.answers.payload.last),
            self.m_axis_tvalid.eq(core.answers.valid),
            core.answers.ready.eq(self.m_axis_tready), self.error.eq(core.error)]
        return m
