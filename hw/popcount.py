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

CHAIN = 24  # Bits of a carry chain: three tiles of an iCE40, some 3 ns.


class PairCount(wiring.Component):
    """Count the positions at which two vectors agree, pipelined.

    A pair of vectors is taken each cycle; its count appears ``latency`` cycles later.

    Parameters
    ----------
    width : int
        Length of the vectors.

    Members
    -------
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
            "x": In(width),
            "w": In(width),
            "count": Out(range(width + 1)),
        })

    def elaborate(self, platform):
        m = Module()

        def registered(value):
            register = Signal.like(value, name="level")
            m.d.sync += register.eq(value)
            return register

        pairs = []
        for at in range(0, self.width, 2):
            agree = ~(self.x[at:at + 2] ^ self.w[at:at + 2])
            pairs.append((registered(agree.xor()), registered(agree.all()))
                         if len(agree) == 2 else (registered(agree), Const(0, 1)))

        # Zero from the first cycle on, but nothing can know and optimise it away, see _add_pairs.
        zero = Signal(init=1)
        m.d.sync += zero.eq(0)

        terms = [registered(_group(pairs[at:at + 3])) for at in range(0, len(pairs), 3)]
        ceilings = [min(6, self.width - at) for at in range(0, self.width, 6)]
        while len(terms) > 1:
            # A term without a partner waits a level, so that all arrive together.
            alone = [registered(term) for term in terms[len(terms) // 2 * 2:]]
            ceilings = [sum(ceilings[at:at + 2]) for at in range(0, len(terms), 2)]
            sums = _add_pairs(list(zip(terms[::2], terms[1::2])), zero)
            terms = [registered(total[:ceiling.bit_length()])
                     for total, ceiling in zip(sums, ceilings)] + alone

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


def _add_pairs(pairs, zero):
    """Add the numbers of each pair, several pairs to a carry chain.

    On iCE40 each chain begins a tile of eight cells, so many short ones waste half the part; and a
    carry that leaves its chain takes a cell more than a sum bit. So the operands of several
    additions are laid end to end, with ``zero`` between them: there the sum bit is the carry of one
    addition, and the next begins without. A chain ends where its delay would be felt.
    """
    sums = []
    while pairs:
        width = max(map(len, pairs[0]))
        share = max(1, CHAIN // (width + 1))
        here, pairs = pairs[:share], pairs[share:]
        one = Cat(Cat(a, Const(0, width - len(a)), zero) for a, _ in here)
        other = Cat(Cat(b, Const(0, width + 1 - len(b))) for _, b in here)
        total = (one + other)[:len(one)]
        sums += [total.word_select(at, width + 1) for at in range(len(here))]
    return sums


def _at_least_two(bits):
    return Cat(bits[i] & bits[j] for i in range(len(bits)) for j in range(i)).any()
