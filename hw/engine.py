"""The whole network: code in, class out."""

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.folding import Folding
from hw.gather import Gather
from hw.layer import BinaryLayer
from hw.readout import ArgmaxReadout
from sw.golden.network import Network

__all__ = ["Engine"]


class Engine(wiring.Component):
    """Layers and readout of one network, each working on a vector of its own.

    Sustained, an inference takes ``max(folding.cycles(network.shape))`` cycles.

    Parameters
    ----------
    network : :class:`~sw.golden.network.Network`
        What to compute.
    folding : :class:`~hw.folding.Folding`
        How fast.

    Members
    -------
    x : ``In(stream.Signature(n_in))``
        Codes; input 0 is the least significant bit. A code must be held until the transfer.
    y : ``Out(stream.Signature(range(n_classes)))``
        Their classes, in the same order.
    """

    def __init__(self, network: Network, folding: Folding):
        if len(folding.layers) != len(network.layers):
            raise ValueError(f"A network of {len(network.layers)} layers needs as many folds, "
                             f"not {len(folding.layers)}")
        self.network = network
        self.folding = folding

        self.layers = [BinaryLayer(*each) for each in zip(network.layers, folding.layers)]
        self.readout = ArgmaxReadout(
            network.readout, chunk=folding.chunk, per_word=folding.per_word(network.readout.n_in))
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
