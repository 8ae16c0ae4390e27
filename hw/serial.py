"""One small engine for all stages of a network: an image in, its class out."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Fragment
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.blocks.loader import Layout, Load
from hw.blocks.scores import ScoreCollector, score_width
from hw.blocks.serial.inbox import Inbox
from hw.blocks.serial.lanes import Lanes
from hw.blocks.serial.rows import Rows
from hw.blocks.serial.vote import Vote
from hw.blocks.serial.walker import EVENT, LEVEL, Event, Pointer, Walker
from hw.blocks.serial.writer import Writer
from hw.plan import rows
from hw.plan.serial import BYTE, Serial
from hw.plan.walk import CHUNK, COLUMN, LOOPS, ROW
from sw.golden import bits
from sw.golden.network import Network

__all__ = ["SerialEngine", "memories"]


class SerialEngine(wiring.Component):
    """All stages of one network, one after the other, a word of a map each cycle.

    Nothing inside waits for anything: when each word is there is settled before it is built. A
    class comes ``layout.latency`` cycles after ``accept``, or where images wait ``sum(cycles)``
    after the class before it.

    Parameters
    ----------
    network : :class:`~sw.golden.network.Network`
        What to compute.
    plan : :class:`~hw.plan.serial.Serial`
        Neurons and synapses a cycle.
    reloadable : bool
        Another network of the same signature can be loaded.
    scores : bool
        Scores are given, too.

    Members
    -------
    bytes : ``In(stream.Signature(8))``
        The bits of an image in golden's order, packed, the first least significant. Ready only
        where there is a free buffer.
    accept : ``In(1)``
        What was received since the last ``accept`` or ``abort`` is a whole image: compute it.
    abort : ``In(1)``
        Forget what was received since then.
    y : ``Out(stream.Signature(range(n_classes), always_ready=True))``
        Classes, in the order of ``accept``.
    scores : ``Out(n_classes * score_width(readout))``
        The scores of all classes, if asked for; class 0 is the least significant. Valid with ``y``.
    load : ``In(Load())``
        Words of another network, if ``reloadable``, while no image is in the engine.
    """

    def __init__(self, network: Network, plan: Serial, *, reloadable: bool = False,
                 scores: bool = False):
        plan.check(network.signature)
        self.layout = layout = plan.layout(network.signature)
        self.reloadable = reloadable
        self.scored = network.readout if scores else None
        self.weights = Rows([bits.to_int(row) for row in rows.weights(network, layout)],
                            width=plan.pe * plan.simd, reloadable=reloadable)
        self.starts = Rows([sum(int(start) << layout.sum_width * lane
                                for lane, start in enumerate(chunk))
                            for chunk in rows.starts(network, layout)],
                           width=plan.pe * layout.sum_width, reloadable=reloadable)
        super().__init__({
            "bytes": In(stream.Signature(8)), "accept": In(1), "abort": In(1),
            "y": Out(stream.Signature(range(network.n_classes), always_ready=True)),
            **({"load": In(Load())} if reloadable else {}),
            **({"scores": Out(network.n_classes * score_width(network.readout))}
               if scores else {})})

    @property
    def latency(self) -> int:
        """Cycles from ``accept``, if the engine is empty and no byte is in use, to the class."""
        return self.layout.latency

    @property
    def n_pieces(self) -> int:
        """Cycles in which a byte of an image is in use."""
        return BYTE // self.layout.piece

    @property
    def byte_cycles(self) -> int:
        """Cycles from one byte of an image to the next, if they do not wait."""
        return self.n_pieces + (self.n_pieces > 1)

    @property
    def memories(self) -> dict[str, Memory]:
        """Everything that depends on the weights; the logic depends on signature and plan alone."""
        return {f"{what}, part {number}": bank.memory
                for what, kind in (("the weights", self.weights), ("the starts", self.starts))
                for number, bank in enumerate(kind.banks)}

    def feed(self, m: Module, link) -> None:
        """Connect what gives the images, such as :class:`hw.blocks.wire.image_link.ImageLink`."""
        wiring.connect(m, link.image, self.bytes)
        m.d.comb += [self.accept.eq(link.accept), self.abort.eq(link.abort)]

    def elaborate(self, platform):
        m = Module()
        m.submodules.weights = self.weights
        m.submodules.starts = self.starts
        m.submodules.inbox = self.inbox = Inbox(self.layout)
        m.submodules.walker = self.walker = walker = Walker(self.layout)
        m.submodules.lanes = lanes = Lanes(self.layout)
        wiring.connect(m, wiring.flipped(self.bytes), self.inbox.bytes)
        m.d.comb += [self.inbox.accept.eq(self.accept), self.inbox.abort.eq(self.abort),
                     walker.image.eq(self.inbox.image), self.inbox.free.eq(walker.free)]

        # Two cycles to move the pointers, some to read, then the count.
        events = _delays(m, walker.event, self.layout.read_latency + self.layout.count_latency + 3)
        self._read(m, lanes)
        m.d.comb += [lanes.event.eq(events[-3]), lanes.w.eq(self._come(m, self.weights.data)),
                     lanes.starts.eq(self._come(m, self.starts.data))]
        self._point(m, events[-2 - self.layout.read_latency])
        self._answer(m, lanes.sums, events[-1])
        if self.reloadable:
            Layout(self.memories).decode(
                m, self.load, [bank.store for kind in (self.weights, self.starts)
                               for bank in kind.banks])
        return m

    def _read(self, m, lanes):
        """Bring words of the input, and of maps, to the lanes."""
        layout, is_first = self.layout, self.walker.stage == 0
        bases = layout.bases
        steps = [_by_level(walk.steps(walk.reads),
                           0 if to is None else to - at - walk.way(walk.reads))
                 for walk, at, to in zip(layout.walks, bases, [*bases[1:], None])]
        address = self._pointer(m, "read", max(layout.words[0].size, layout.map_depth), steps)
        m.d.comb += self.inbox.address.eq(address)
        if layout.map_depth:
            m.submodules.maps = self.maps = Memory(
                shape=layout.plan.simd, depth=layout.map_depth, init=[],
                # A stage reads when what is before it has written all.
                attrs={"ram_style": "block", "no_rw_check": 1})
            port = self.maps.read_port()
            m.d.comb += port.addr.eq(address)
            m.d.comb += lanes.x.eq(self._come(m, port.data))
        if layout.words[0].map.bits > 1:
            m.d.comb += [lanes.pixels.eq(self._come(m, self.inbox.data)),
                         lanes.is_pixels.eq(is_first)]
        elif layout.map_depth:
            m.d.comb += lanes.x.eq(self._come(m, Mux(is_first, self.inbox.data, port.data)))
        else:
            m.d.comb += lanes.x.eq(self._come(m, self.inbox.data))

    def _come(self, m, value):
        """Return what was read, when it comes to the lanes."""
        for _ in range(self.layout.read_latency - 1):
            came = Signal(len(value), name="came", reset_less=True)
            m.d.sync += came.eq(value)
            value = came
        return value

    def _pointer(self, m, name, size, steps):
        """Return an address that follows the walker."""
        m.submodules[name] = pointer = Pointer(size, steps, LEVEL, registered=True)
        m.d.comb += [pointer.stage.eq(self.walker.stage), pointer.key.eq(self.walker.level),
                     pointer.enable.eq(self.walker.event != Event.IDLE),
                     pointer.home.eq(self.walker.home)]
        return pointer.address

    def _point(self, m, event):
        """Point to the weights of each word, and to what its neurons begin with."""
        walks = self.layout.walks
        steps = [_by_level(walk.steps(walk.weights), 1) for walk in walks]
        m.d.comb += self.weights.address.eq(
            self._pointer(m, "read_weights", self.layout.weight_depth, steps))

        starts = []
        for walk in walks:
            steps = walk.steps(walk.starts)
            starts.append({event: steps[loop] for event, loop in (
                (Event.CHUNK, CHUNK), (Event.WORD, CHUNK), (Event.POSITION, COLUMN),
                (Event.ROW, ROW)) if loop in steps} | {Event.STAGE: 1})
        m.submodules.read_starts = pointer = Pointer(self.layout.start_depth, starts, EVENT)
        m.d.comb += [pointer.stage.eq(self.walker.stage), pointer.key.eq(event),
                     pointer.enable.eq(1), pointer.home.eq(self.walker.home),
                     self.starts.address.eq(pointer.address)]

    def _answer(self, m, sums, event):
        """Write what fires, or name the class with the highest score."""
        layout, stage = self.layout, self.walker.stage
        is_scores = stage == len(layout.walks) - 1
        m.submodules.vote = vote = Vote(layout, scores=self.scored is not None)
        m.d.comb += [vote.scores.eq(sums), vote.valid.eq(is_scores & (event >= Event.CHUNK)),
                     vote.last.eq(event == Event.STAGE)]
        wiring.connect(m, vote.y, wiring.flipped(self.y))
        if self.scored:
            m.submodules.scores = scores = ScoreCollector(
                self.scored, layout.sum_width, rows.left_out(self.scored))
            wiring.connect(m, vote.score, scores.one)
            m.d.comb += self.scores.eq(scores.all)
        if layout.map_depth:
            width = layout.sum_width
            m.submodules.writer = writer = Writer(layout)
            port = self.maps.write_port()
            m.d.comb += [
                writer.stage.eq(stage), writer.event.eq(event), writer.home.eq(self.walker.home),
                writer.fires.eq(Cat(~sums.word_select(lane, width)[-1]
                                    for lane in range(layout.plan.pe))),
                port.en.eq(writer.enable), port.addr.eq(writer.address),
                port.data.eq(writer.data)]


def _by_level(steps, end):
    """Return steps by level: of each loop, and at the end of the stage."""
    return steps | {len(LOOPS): end}


def _delays(m, event, cycles):
    """Return an event now, and after each of some cycles."""
    events = [event]
    for _ in range(cycles):
        events.append(Signal(EVENT, name="event", init=Event.IDLE))
        m.d.sync += events[-1].eq(events[-2])
    return events


def memories(network: Network, plan: Serial, *, reloadable: bool = True) -> dict[str, Memory]:
    """Return what an engine's memories begin with, for one that was built already."""
    engine = SerialEngine(network, plan, reloadable=reloadable)
    Fragment.get(engine, None)    # Amaranth warns of what is made and never elaborated.
    return engine.memories
