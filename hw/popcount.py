"""Pipelined popcount of XNOR, built for 4-input lookup tables.

Two synapses are four wires, which is one table: their sum bit and their carry bit cost two tables
for two synapses, XNOR included. Three such pairs make a number from 0 to 6 with four more tables.
So the leaves cost 10 tables for 6 synapses, where XNOR gates, then full adders, cost 13; the rest
is a tree of carry chains. A register follows every level and shares its cell with the table.
"""

from amaranth import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["PairCount", "latency"]


class PairCount(wiring.Component):
    """Count the positions at which two vectors agree, pipelined.

    A new pair of vectors is taken each cycle in which ``enable`` is 1; its count appears
    ``latency`` such cycles later.

    Parameters
    ----------
    width : int
        Length of the vectors.

    Members
    -------
    enable : ``In(1)``
        The pipeline stands still while this is 0.
    x, w : ``In(width)``
        The two vectors.
    count : ``Out(range(width + 1))``
        Number of positions at which they are equal.

    Attributes
    ----------
    latency : int
        Cycles from vectors to count, :func:`latency`.
    """

    def __init__(self, width: int):
        if width < 1:
            raise ValueError(f"Width must be a positive integer, not {width!r}")
        self.width = width
        self.latency = latency(width)
        super().__init__({
            "enable": In(1),
            "x": In(width),
            "w": In(width),
            "count": Out(range(width + 1)),
        })

    def elaborate(self, platform):
        m = Module()

        def registered(value):
            register = Signal.like(value, name="level")
            with m.If(self.enable):
                m.d.sync += register.eq(value)
            return register

        pairs = []
        for at in range(0, self.width, 2):
            agree = ~(self.x[at:at + 2] ^ self.w[at:at + 2])
            pairs.append((registered(agree.xor()), registered(agree.all()))
                         if len(agree) == 2 else (registered(agree), Const(0, 1)))

        # On iCE40 a carry that leaves its chain for a register takes two cells, but a sum bit one.
        # This bit, 0 from the first cycle on, makes a sum bit of it that nothing optimises away.
        zero = Signal(init=1)
        m.d.sync += zero.eq(0)

        def add(one, other):
            width = max(len(one), len(other))
            return (Cat(one, Const(0, width - len(one)), zero) + other)[:width + 1]

        terms = [registered(_group(pairs[at:at + 3])) for at in range(0, len(pairs), 3)]
        ceilings = [min(6, self.width - at) for at in range(0, self.width, 6)]
        while len(terms) > 1:
            # A term without a partner waits a level, so that all arrive together.
            ceilings = [sum(ceilings[at:at + 2]) for at in range(0, len(terms), 2)]
            terms = [registered(add(*terms[at:at + 2])[:ceiling.bit_length()]
                                if terms[at + 1:] else terms[at])
                     for at, ceiling in zip(range(0, len(terms), 2), ceilings)]

        m.d.comb += self.count.eq(terms[0])
        return m


def latency(width: int) -> int:
    """Count the cycles of a :class:`PairCount`: pairs, groups of pairs, levels of the tree."""
    groups = -(-width // 6)
    return 2 + (groups - 1).bit_length()


def _group(pairs):
    """Add up to three pairs ``(sum, carry)``, of which never both bits are 1: 0 to 6."""
    sums, carries = (Cat(column) for column in zip(*pairs))
    ones = _at_least_two(sums)
    twos = Cat(carries, ones)
    return Cat(sums.xor(), twos.xor(), _at_least_two(twos))


def _at_least_two(bits):
    return Cat(bits[i] & bits[j] for i in range(len(bits)) for j in range(i)).any()
