"""Pipelined count of matches, built for 4-input lookup tables.

Two synapses are four wires, which is one table, as long as one bit is all that is asked of it. It
can be: for inputs ``a, b`` and weights ``c, d`` let ``v`` be the majority of ``a = c``, ``b = d``
and ``a != b``. Then the two have ``2 v - (a != b) + (c != d)`` matches, in all sixteen cases. So of
vectors ``x`` and ``w``, cut into such pairs,

    matches = 2 * count - unlike(x) + unlike(w),

where ``count`` is that of all ``v``, and ``unlike`` that of the pairs whose bits differ. The first
is for each neuron, but has only half as many bits as there are synapses; ``unlike(w)`` is known
before the hardware is built; and ``unlike(x)`` is one number for all neurons.

Three bits make a number from 0 to 3 with two tables. The rest is a tree of carry chains, of which
each addition at the first level takes one more bit as the carry into it.
"""

from amaranth import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.plan.layout import CHAIN, CountLayout, n_pairs, unlike

__all__ = ["PairCount", "UnlikeCount", "at_least_two", "unlike"]


class PairCount(wiring.Component):
    """Count the pairs of synapses that stand for two matches, see above, pipelined.

    A pair of vectors is taken each cycle; its count appears ``latency`` cycles later.

    Parameters
    ----------
    width : int
        Length of the vectors. Where it is odd, a synapse that never matches is added: its input
        is 0, its weight 1.
    wires : bool
        Pairs are signals of their own, written once and not wherever they are used: for many
        counters, of which Yosys would otherwise read for minutes. The netlist is another.

    Members
    -------
    x, w : ``In(width)``
        Inputs and weights.
    count : ``Out(range(n_pairs(width) + 1))``
        ``(matches + unlike(x) - unlike(w)) / 2``.

    Attributes
    ----------
    latency : int
        Cycles from vectors to count.
    """

    def __init__(self, width: int, *, wires: bool = False):
        if width < 1:
            raise ValueError(f"Width must be a positive integer, not {width!r}")
        self.width = width
        self.wires = wires
        self.latency = CountLayout(width).latency
        super().__init__({
            "x": In(width),
            "w": In(width),
            "count": Out(range(n_pairs(width) + 1)),
        })

    def elaborate(self, platform):
        m = Module()
        x, w = Cat(self.x, Const(0, 1)), Cat(self.w, Const(1, 1))
        pairs = [_pair(x[at:at + 2], w[at:at + 2]) for at in range(0, self.width, 2)]
        if self.wires:
            written, pairs = Cat(pairs), Signal(len(pairs), name="pairs")
            m.d.comb += pairs.eq(written)
        m.d.comb += self.count.eq(_count(m, pairs, CountLayout(self.width)))
        return m


class UnlikeCount(wiring.Component):
    """Count the pairs of ``x (width)`` that differ, an odd last one paired with 0, as fast as
    :class:`PairCount` counts."""

    def __init__(self, width: int):
        self.width = width
        super().__init__({"x": In(width), "count": Out(range(n_pairs(width) + 1))})

    def elaborate(self, platform):
        m = Module()
        pairs = [self.x[at:at + 2].xor() for at in range(0, self.width, 2)]
        m.d.comb += self.count.eq(_count(m, pairs, CountLayout(self.width)))
        return m


def _count(m, pairs, layout):
    """Count the bits ``pairs``; the count comes ``layout.latency`` cycles later."""
    def registered(value, init=0):
        register = Signal(len(value), name="level", init=init)
        m.d.sync += register.eq(value)
        return register

    def twins(bit):
        # As they differ after a reset, Yosys does not take them for one.
        return registered(bit), registered(bit, init=1)

    # Zero from the first cycle on, but nothing can know and optimise it away, see _add_pairs.
    zero = Signal(init=1)
    m.d.sync += zero.eq(0)

    share = layout.terms
    triples = [pairs[at::share][:3] for at in range(share)]
    terms = [registered(_add_bits(triple)) for triple in triples]
    carries = [twins(bit) for bit in pairs[3 * share:]]
    for ceilings in layout.levels[1:]:
        n_sums = len(terms) // 2
        carries += [(zero, Const(0, 1))] * (n_sums - len(carries))
        sums = _add_pairs(list(zip(terms[::2], terms[1::2], carries)), zero)
        # A term without a partner waits a level.
        sums += terms[2 * n_sums:]
        terms = [registered(term[:ceiling.bit_length()])
                 for term, ceiling in zip(sums, ceilings)]
        carries = []
    return terms[0]


def _pair(x, w):
    match = ~(x ^ w)
    return at_least_two(Cat(match, x.xor()))


def _add_bits(bits):
    bits = Cat(bits)
    return Cat(bits.xor(), at_least_two(bits))


def _add_pairs(triples, zero):
    """Add two numbers and a bit, given twice, and so for each of ``triples``.

    On iCE40 each chain begins a tile of eight cells, so many short ones waste half the part; and a
    carry that leaves its chain takes a cell more than a sum bit. So the operands of several
    additions are laid end to end, with a bit between them that is the same in both: there the sum
    bit is the carry of one addition, and the bit is the carry into the next. The same, but not the
    same wire: nextpnr's routers then go round in circles, as each of the two inputs of a table
    takes the other's way. A chain ends where its delay would be felt.
    """
    sums = []
    while triples:
        width = max(map(len, triples[0][:2]))
        share = max(1, CHAIN // (width + 1))
        here, triples = triples[:share], triples[share:]
        one, other = (Cat(Cat(each[2][side], each[side], Const(0, width - len(each[side])))
                          for each in here) for side in (0, 1))
        total = Cat(one, zero) + Cat(other, Const(0, 1))
        sums += [total[at + 1:at + width + 2] for at in range(0, len(one), width + 1)]
    return sums


def at_least_two(bits):
    """Return whether two or more of a few bits are 1."""
    return Cat(bits[i] & bits[j] for i in range(len(bits)) for j in range(i)).any()
