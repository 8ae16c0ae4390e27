"""The whole network as logic: weights are wires, and an inference begins every cycle."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.blocks.popcount import at_least_two
from hw.blocks.scores import score_width
from hw.plan import adder_graph
from hw.plan.adder_graph import Graph, Input, Row
from sw.golden.network import Layer, Network, OutputLayer

__all__ = ["HardwiredEngine", "HardwiredLayer", "HardwiredReadout"]

CHAIN = 20  # Bits of a carry chain. Longer ones are smaller, but what they add lies far apart.
ZERO_CHAINS = 8  # Chains that share a zero: each so near to its own that timing is no concern.


class HardwiredEngine(wiring.Component):
    """Layers and readout of one network, an inference a cycle.

    Nothing waits, so there is no clock enable but a bit that says which classes are valid. Nor is
    anything else reset: the wires of a reset would take the way of others.

    Parameters
    ----------
    network : :class:`~sw.golden.network.Network`
        What to compute.
    scores : bool
        Scores are given, too.

    Members
    -------
    x : ``In(stream.Signature(n_in, always_ready=True))``
        Codes; input 0 is the least significant bit.
    y : ``Out(stream.Signature(range(n_classes), always_ready=True))``
        Their classes, in the same order.
    scores : ``Out(n_classes * score_width(readout))``
        The scores of all classes, if asked for; class 0 is the least significant. Valid with ``y``.

    Attributes
    ----------
    latency : int
        Cycles from a code to its class.
    """

    def __init__(self, network: Network, *, scores: bool = False):
        self.layers = [HardwiredLayer(layer) for layer in network.layers]
        self.readout = HardwiredReadout(network.readout, scores=scores)
        self.gives_scores = scores
        self.latency = sum(block.latency for block in [*self.layers, self.readout])
        super().__init__({
            "x": In(stream.Signature(network.n_in, always_ready=True)),
            "y": Out(stream.Signature(range(network.n_classes), always_ready=True)),
            **({"scores": Out(len(self.readout.scores))} if scores else {}),
        })

    def feed(self, m: Module, link) -> None:
        """Connect what gives the codes: a link's ``code``."""
        wiring.connect(m, link.code, self.x)

    def elaborate(self, platform):
        m = Module()
        bits = self.x.payload
        for number, layer in enumerate(self.layers):
            m.submodules[f"layer_{number}"] = layer
            m.d.comb += layer.x.eq(bits)
            bits = layer.y
        m.submodules.readout = self.readout

        valid = Signal(self.latency)
        m.d.sync += valid.eq(Cat(self.x.valid, valid))
        m.d.comb += [self.readout.x.eq(bits), self.y.payload.eq(self.readout.y),
                     self.y.valid.eq(valid[-1])]
        if self.gives_scores:
            m.d.comb += self.scores.eq(self.readout.scores)
        return m


class HardwiredLayer(wiring.Component):
    """Fully connected binary layer: output bit ``j`` is 1 when neuron ``j`` fires.

    Parameters
    ----------
    layer : :class:`~sw.golden.network.Layer`
        Weights and thresholds.

    Members
    -------
    x : ``In(n_in)``
        Input bits; input 0 is the least significant. New ones each cycle.
    y : ``Out(n_out)``
        Output bits, ``latency`` cycles later; neuron 0 is the least significant.

    Attributes
    ----------
    latency : int
        Cycles, at least 1.
    """

    def __init__(self, layer: Layer):
        self.thresholds = layer.thresholds.tolist()
        self.graphs = adder_graph.build_parts(layer.weights)
        # Each part sees an input a cycle after the part before it.
        self.latency = max(late + graph.depth for late, graph in enumerate(self.graphs)) + 2
        super().__init__({"x": In(layer.n_in), "y": Out(layer.n_out)})

    def elaborate(self, platform):
        m = Module()
        fires, x = [], self.x
        thresholds = iter(self.thresholds)
        for late, graph in enumerate(self.graphs):
            sums = _Sums(m, x, graph)
            for row, threshold in zip(graph.rows, thresholds):
                name = f"fires_{len(fires)}"
                sums.register(name, graph.level(row) + 1, _fires(row, sums.value(row), threshold))
                fires.append(sums.at(name, self.latency - 1 - late))
            x, here = Signal(len(x), name="x", reset_less=True), x
            m.d.sync += x.eq(here)
        m.d.comb += self.y.eq(Cat(fires))
        return m


class HardwiredReadout(wiring.Component):
    """Name the class with the highest score; of equal scores the lowest class wins.

    Parameters
    ----------
    readout : :class:`~sw.golden.network.OutputLayer`
        Weights and offsets.
    scores : bool
        Scores are given, too.

    Members
    -------
    x : ``In(n_in)``
        Hidden bits; bit 0 is the least significant. New ones each cycle.
    y : ``Out(range(n_classes))``
        The class, ``latency`` cycles later.
    scores : ``Out(n_classes * score_width(readout))``
        With it the scores of all classes, if asked for; class 0 is the least significant.

    Attributes
    ----------
    latency : int
        Cycles, at least 1.
    """

    def __init__(self, readout: OutputLayer, *, scores: bool = False):
        self.score_width = score_width(readout) if scores else 0
        self.offsets = readout.offsets.tolist()
        self.graph = adder_graph.build(readout.weights)
        self.latency = self.graph.depth + 2 + (readout.n_classes - 1).bit_length()
        super().__init__({"x": In(readout.n_in), "y": Out(range(readout.n_classes)),
                          **({"scores": Out(self.score_width * readout.n_classes)}
                             if scores else {})})

    def elaborate(self, platform):
        m = Module()
        sums = _Sums(m, self.x, self.graph)
        width = (len(self.x) + max(self.offsets)).bit_length()
        best = []
        for klass, (row, offset) in enumerate(zip(self.graph.rows, self.offsets)):
            value, constant = sums.value(row), offset + row.offset
            # Not a product with the sign, for which Yosys would take a multiplier.
            score = constant + value if row.sign == 1 else constant - value
            sums.register(f"score_{klass}", self.graph.level(row) + 1, score[:width])
            best.append((sums.at(f"score_{klass}", self.graph.depth + 1), Const(klass)))
        while len(best) > 1:
            winners = [_winner(*pair) for pair in zip(best[::2], best[1::2])]
            best = [(_registered(m, score), _registered(m, klass))
                    for score, klass in winners + best[len(best) // 2 * 2:]]
        m.d.comb += self.y.eq(best[0][1])
        if self.score_width:
            m.d.comb += [
                self.scores.word_select(klass, self.score_width).eq(
                    sums.at(f"score_{klass}", self.latency - 1))
                for klass in range(len(self.offsets))]
        return m


@dataclass
class _Addition:
    """What becomes part of a carry chain: ``(one + other + carry) mod 2 ** width``."""

    name: object
    one: Value
    other: Value
    carry: Value | None
    width: int


class _Sums:
    """The additions of a graph, each with a register after it.

    Whatever has a name and a level holds, in that cycle, what follows from ``x`` of cycle -1.
    """

    def __init__(self, m: Module, x: Value, graph: Graph):
        self._m = m
        self._graph = graph
        self._n_in = len(x)
        self._named: dict[tuple[object, int], Value] = {}
        # Inputs go a long way, to tables all over the part: that is a cycle of its own.
        for index, bit in enumerate(x):
            self._named[Input(index, False), -1] = bit
            self._named[Input(index, True), -1] = ~bit
            self._named[Input(index, True), 0] = ~self.at(Input(index, False), 0)
        for number, node in enumerate(graph.nodes):
            if not node.terms:
                self.register(number, 0, _count([self.at(each, -1) for each in node.inputs]))
        self._zero = Const(0, 1)
        self._n_chains = 0
        for level in range(1, graph.depth + 1):
            self._build(level)

    def register(self, name: object, level: int, value: Value) -> None:
        """Register a value of the level before, and give it a name."""
        register = Signal(len(value), name="level", reset_less=True)
        self._m.d.sync += register.eq(value)
        self._named[name, level] = register

    def at(self, name: object, level: int) -> Value:
        """Return what has this name, delayed to this level."""
        if (name, level) not in self._named:
            self.register(name, level, self.at(name, level - 1))
        return self._named[name, level]

    def value(self, row: Row) -> Value:
        """Return the value of a row at its level."""
        level = self._graph.level(row)
        total = self.at(row.total, level)
        if row.agree is None:
            return total
        return Cat(total[0], self.at(_half(row), level)).as_signed()

    def _build(self, level: int) -> None:
        additions = {}
        for number, node in enumerate(self._graph.nodes):
            if node.level == level:
                bits = [self.at(each, level - 1) for each in node.inputs]
                terms = [self.at(term, level - 1) for term in node.terms]
                additions[number] = _Addition(number, *terms, *bits or [None], node.width)
        for row in self._graph.rows:
            if row.agree is not None and self._graph.level(row) == level:
                additions[_half(row)] = self._subtraction(row, level)
        for chain in _chains(additions.values()):
            self._add(chain, level)

    def _subtraction(self, row: Row, level: int) -> _Addition:
        """Compute ``agree - ceil(total / 2)``. The value of the row is twice that, or one more."""
        agree, total = (self.at(each, level - 1) for each in (row.agree, row.total))
        sign = Const(1, 1).replicate(max(row.half_width - len(total) + 1, 0))
        return _Addition(_half(row), agree, Cat(~total[1:], sign), ~total[0], row.half_width)

    def _new_zero(self) -> None:
        """Make a zero of which nothing can know that it is one, and split a chain there."""
        self._zero = Signal(name="zero")
        bit = self._named[Input(self._n_chains // ZERO_CHAINS % self._n_in, False), 0]
        self._m.d.sync += self._zero.eq(self._zero & bit)

    def _add(self, chain: Sequence[_Addition], level: int) -> None:
        """Lay additions end to end in one carry chain.

        A chain takes two cells of an ECP5 for its beginning, and an addition one for its carry out.
        Between two additions lies one more cell, which makes the carry in of the second; it does so
        whatever carry arrives, and shows that one as its sum. So it can be the carry out of the
        first, and both together cost one cell. Only a subtraction lets a carry out that means
        nothing, and whatever follows one has a carry in.
        """
        if self._n_chains % ZERO_CHAINS == 0:
            self._new_zero()
        self._n_chains += 1
        cells, at = [], []
        is_free = False  # The last cell of ``cells`` adds nothing to the carry, which ends there.
        for each in chain:
            if each.carry is not None:
                cells[len(cells) - is_free:] = [(each.carry, each.carry)]
            at.append(len(cells))
            cells += zip([*each.one, *[self._zero] * each.width][:each.width],
                         [*each.other, *[Const(0, 1)] * each.width][:each.width])
            is_free = each.width > max(len(each.one), len(each.other))
        total = Signal(len(cells))
        one, other = (Cat(column) for column in zip(*cells))
        self._m.d.comb += total.eq(one + other)
        for each, begin in zip(chain, at):
            self.register(each.name, level, total[begin:begin + each.width])


def _half(row: Row) -> tuple[int, int]:
    return row.total, row.agree


def _chains(additions: Iterable[_Addition]) -> Iterator[list[_Addition]]:
    """Divide additions into chains that are long enough to be worth it, and not too slow."""
    chain: list[_Addition] = []
    for each in additions:
        if chain and sum(one.width + 1 for one in [*chain, each]) > CHAIN:
            yield chain
            chain = []
        chain.append(each)
    if chain:
        yield chain


def _count(bits: Sequence[Value]) -> Value:
    """Count one to four bits: a table for each bit of the result."""
    if len(bits) == 1:
        return bits[0]
    two = at_least_two(bits)
    if len(bits) < 4:
        return Cat(Cat(bits).xor(), two)
    four = Cat(bits).all()
    return Cat(Cat(bits).xor(), two & ~four, four)


def _fires(row: Row, value: Value, threshold: int) -> Value:
    """Return whether ``row.offset + row.sign * value`` reaches the threshold."""
    if row.sign == 1:
        return _is_at_least(value, threshold - row.offset)
    return ~_is_at_least(value, row.offset - threshold + 1)


def _is_at_least(value: Value, limit: int) -> Value:
    """Compare with a constant, in tables: a carry chain would take three times as much."""
    if value.shape().signed:
        bias = 1 << (len(value) - 1)
        value, limit = Cat(value[:-1], ~value[-1]), limit + bias
    if not 0 < limit < 1 << len(value):
        return Const(limit <= 0, 1)
    reaches = Const(1, 1)
    for place, bit in enumerate(value):
        reaches = bit & reaches if limit >> place & 1 else bit | reaches
    return reaches


def _winner(left, right):
    """Choose of two ``(score, class)``; the left one if they are equal."""
    wins = right[0] > left[0]
    return Mux(wins, right[0], left[0]), Mux(wins, right[1], left[1])


def _registered(m, value):
    register = Signal(len(value), name="best", reset_less=True)
    m.d.sync += register.eq(value)
    return register
