"""Whatever needs to be told how many pairs of its input differ, told so at once."""

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Counted"]


class Counted(wiring.Component):
    """A layer or an engine, with its streams ``x`` and ``y`` and nothing else."""

    def __init__(self, block):
        self.block = block
        super().__init__({"x": In(block.x.signature.flip()), "y": Out(block.y.signature)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.block = self.block
        wiring.connect(m, wiring.flipped(self.x), self.block.x)
        wiring.connect(m, self.block.y, wiring.flipped(self.y))
        bits = self.block.x.payload
        m.d.comb += self.block.unlike.eq(
            sum(bits[at:at + 2].xor() for at in range(0, len(bits), 2)))
        return m
