"""The whole network: code in, class out."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.gather import Gather
from hw.layer import BinaryLayer, Fold
from hw.readout import ArgmaxReadout
from sw.golden.network import Network

__all__ = ["Engine", "Folding"]


@dataclass(frozen=True)
class Folding:
    """How a whole network is folded.

    Attributes
    ----------
    layers : sequence of :class:`Fold`
        One a layer.
    readout_simd : int
        Hidden bits the readout scores for one class in a cycle; rounded up to whole chunks of the
        last layer. Without layers it is the number of inputs.
    """

    layers: Sequence[Fold]
    readout_simd: int

    def check(self, network: Network):
        if len(self.layers) != len(network.layers):
            raise ValueError(f"A network of {len(network.layers)} layers needs as many folds, "
                             f"not {len(self.layers)}")

    def per_word(self, n_in: int) -> int:
        """Count the chunks of the last layer that a readout of ``n_in`` inputs takes at once."""
        if not self.layers:
            return n_in
        pe = self.layers[-1].pe
        return min(ceil(n_in / pe), ceil(self.readout_simd / pe))

    def cycles(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Count the cycles of each layer and of the readout; the slowest sets the rate."""
        *hidden, n_classes = shape
        chunk = self.layers[-1].pe if self.layers else 1
        words = ceil(ceil(hidden[-1] / chunk) / self.per_word(hidden[-1]))
        return (*(fold.cycles(n_in, n_out)
                  for fold, n_in, n_out in zip(self.layers, hidden, hidden[1:])),
                words * max(2, n_classes))


class Engine(wiring.Component):
    """Layers and readout of one network, each working on a vector of its own.

    Sustained, an inference takes ``max(folding.cycles(network.shape))`` cycles.

    Parameters
    ----------
    network : :class:`~sw.golden.network.Network`
        What to compute.
    folding : :class:`Folding`
        How fast.

    Members
    -------
    x : ``In(stream.Signature(n_in))``
        Codes; input 0 is the least significant bit. A code must be held until the transfer.
    y : ``Out(stream.Signature(range(n_classes)))``
        Their classes, in the same order.
    """

    def __init__(self, network: Network, folding: Folding):
        folding.check(network)
        self.network = network
        self.folding = folding

        self.layers = [BinaryLayer(*each) for each in zip(network.layers, folding.layers)]
        self.readout = ArgmaxReadout(
            network.readout, chunk=folding.layers[-1].pe if self.layers else 1,
            per_word=folding.per_word(network.readout.n_in))
        super().__init__({
            "x": In(stream.Signature(network.n_in)),
            "y": Out(stream.Signature(range(network.n_classes))),
        })

    def elaborate(self, platform):
        m = Module()
        blocks = [*self.layers, self.readout]
        for number, block in enumerate(blocks):
            m.submodules[f"layer_{number}" if block is not self.readout else "readout"] = block

        wiring.connect(m, wiring.flipped(self.x), blocks[0].x)
        for number, (layer, follower) in enumerate(zip(self.layers, blocks[1:])):
            gather = Gather(chunk=layer.fold.pe, per_word=(
                self.readout.per_word if follower is self.readout else layer.chunks))
            m.submodules[f"gather_{number}"] = gather
            wiring.connect(m, layer.y, gather.x)
            m.d.comb += [
                # A gathered vector may be longer than the layer is wide, by what fills it up.
                follower.x.payload.eq(gather.y.payload),
                follower.x.valid.eq(gather.y.valid),
                gather.y.ready.eq(follower.x.ready),
            ]
        wiring.connect(m, self.readout.y, wiring.flipped(self.y))
        return m
