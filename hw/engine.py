"""The whole network: code in, class out."""

from amaranth import Module, Signal
from amaranth.hdl import Fragment
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.blocks.gather import Gather
from hw.blocks.layer import BinaryLayer
from hw.blocks.loader import Layout, Load
from hw.blocks.readout import ArgmaxReadout
from hw.blocks.scores import ScoreCollector, score_width
from hw.plan.folding import Folding
from hw.plan.layout import n_pairs
from sw.golden.network import Network

__all__ = ["Engine", "memories"]


class Engine(wiring.Component):
    """Layers and readout of one network, each working on a vector of its own.

    An inference begins every ``folding.period(network.shape)`` cycles at the most. After that
    nothing waits: when each layer has its vector is settled by the folding.

    Parameters
    ----------
    network : :class:`~sw.golden.network.Network`
        What to compute.
    folding : :class:`~hw.plan.folding.Folding`
        How fast.
    reloadable : bool
        Another network of the same shape can be loaded.
    scores : bool
        Scores are given, too.

    Members
    -------
    x : ``In(stream.Signature(n_in))``
        Codes; input 0 is the least significant bit. A code must be held until the transfer.
    unlike : ``In(range(n_pairs(n_in) + 1))``
        How many of the pairs of inputs 0 and 1, 2 and 3, ... differ. Valid with ``x``.
    y : ``Out(stream.Signature(range(n_classes), always_ready=True))``
        Their classes, in the same order. Whoever sends a code must have room for its class.
    scores : ``Out(n_classes * score_width(readout))``
        The scores of all classes, if asked for; class 0 is the least significant. Valid with ``y``.
    load : ``In(Load())``
        Words of another network, if ``reloadable``, while no code is in the engine.
    """

    def __init__(self, network: Network, folding: Folding, *, reloadable: bool = False,
                 scores: bool = False):
        folding.check(network.shape)
        self.network = network
        self.folding = folding
        self.reloadable = reloadable

        self.layers = [BinaryLayer(*each, reloadable=reloadable)
                       for each in zip(network.layers, folding.layers)]
        self.readout = ArgmaxReadout(
            network.readout, chunk=folding.chunk, per_word=folding.per_word(network.readout.n_in),
            reloadable=reloadable, scores=scores)
        self.gives_scores = scores
        super().__init__({
            "x": In(stream.Signature(network.n_in)),
            "unlike": In(range(n_pairs(network.n_in) + 1)),
            "y": Out(stream.Signature(range(network.n_classes), always_ready=True)),
            **({"load": In(Load())} if reloadable else {}),
            **({"scores": Out(network.n_classes * score_width(network.readout))}
               if scores else {}),
        })

    @property
    def latency(self) -> int:
        """Cycles from a code, if the engine is empty, to its class."""
        return self.folding.layout(self.network.shape).latency

    @property
    def memories(self) -> dict[str, Memory]:
        """Everything that depends on the weights; the logic depends on shape and folding alone."""
        named = {f"the {kind} of layer {number}": getattr(layer, kind).memory
                 for number, layer in enumerate(self.layers) for kind in ("weights", "thresholds")}
        return named | {"the readout's weights": self.readout.weights.memory,
                        "the readout's offsets": self.readout.scores}

    def feed(self, m: Module, link) -> None:
        """Connect what gives the codes: a link's ``code`` and ``unlike``."""
        wiring.connect(m, link.code, self.x)
        m.d.comb += self.unlike.eq(link.unlike)

    def elaborate(self, platform):
        m = Module()
        blocks = [*self.layers, self.readout]
        for number, block in enumerate(blocks):
            m.submodules[f"layer_{number}" if block is not self.readout else "readout"] = block

        # A first layer that is faster than the others waits for them here.
        idle = self.folding.period(self.network.shape) - self.folding.cycles(self.network.shape)[0]
        wait = Signal(range(idle + 1))
        m.d.comb += [
            blocks[0].x.payload.eq(self.x.payload),
            blocks[0].x.valid.eq(self.x.valid & (wait == 0)),
            self.x.ready.eq(blocks[0].x.ready),
        ]
        if self.layers:
            m.d.comb += self.layers[0].unlike.eq(self.unlike)
        with m.If(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Elif(blocks[0].x.ready):
            m.d.sync += wait.eq(idle)

        for number, (layer, follower) in enumerate(zip(self.layers, blocks[1:])):
            gather = Gather(chunk=layer.fold.pe, per_word=(
                self.readout.layout.per_word if follower is self.readout else layer.layout.chunks))
            m.submodules[f"gather_{number}"] = gather
            wiring.connect(m, layer.y, gather.x)
            m.d.comb += [
                # A gathered vector may be longer than the layer is wide, by what fills it up.
                follower.x.payload.eq(gather.y.payload),
                follower.x.valid.eq(gather.y.valid),
                gather.y.ready.eq(follower.x.ready),
            ]
            if follower is not self.readout:
                m.d.comb += follower.unlike.eq(gather.unlike)
        wiring.connect(m, self.readout.y, wiring.flipped(self.y))
        if self.gives_scores:
            m.submodules.scores = scores = ScoreCollector(
                self.network.readout, len(self.readout.score.value))
            wiring.connect(m, self.readout.score, scores.one)
            m.d.comb += self.scores.eq(scores.all)
        if self.reloadable:
            stores = [getattr(layer, kind).store
                      for layer in self.layers for kind in ("weights", "thresholds")]
            Layout(self.memories).decode(
                m, self.load, [*stores, self.readout.weights.store, self.readout.store])
        return m


def memories(network: Network, folding: Folding, *, reloadable: bool = True) -> dict[str, Memory]:
    """Return what an engine's memories begin with, for one that was built already."""
    engine = Engine(network, folding, reloadable=reloadable)
    Fragment.get(engine, None)    # Amaranth warns of what is made and never elaborated.
    return engine.memories
