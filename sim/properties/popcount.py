"""Counts of matches, by structure: what one pair of positions adds, whatever the others are.

The design's counter is unrolled from a state that may be anything, so what is proven holds in every
cycle. There, for each pair, the count is the same for all bits of which :mod:`hw.blocks.popcount`
says that the pair adds 0, and one more for all others; and where all positions differ, with inputs
of 0, the count is 0. By induction over pairs the count is the number of pairs that add 1. Each of
these questions is about the few gates behind one pair, so 200 positions take seconds; a comparison
with another adder tree was at 64 positions slower than this is at 200. That matches follow from the
count is arithmetic on the sixteen cases of a pair, and asked as such.
"""

from itertools import islice, product

from hw.blocks.popcount import PairCount
from hw.plan.layout import n_pairs
from sim.properties.circuit import Bench, Circuit
from sim.properties.solver import Counterexample, Logic, unrolled

__all__ = ["counts_matches"]


def counts_matches(width: int) -> str:
    """Prove that a ``PairCount(width)`` counts, ``latency`` cycles later, what adds 1."""
    design = PairCount(width)
    bench = Bench()
    bench.module.submodules.design = design
    x, w = bench.any("x", width), bench.any("w", width)
    bench.module.d.comb += [design.x.eq(x), design.w.eq(w)]
    circuit = Circuit.of(bench, count=design.count)

    logic = Logic()
    state = [logic.new() for _ in circuit.latches]
    frames = list(islice(unrolled(circuit, logic, state), design.latency + 1))
    x, w, count = frames[0].input("x"), frames[0].input("w"), frames[-1].output("count")

    if 2 ** len(count) <= n_pairs(width):
        raise Counterexample(f"{len(count)} bits cannot hold a count of {n_pairs(width)}")
    cone = Cone(logic, count)
    nowhere = dict.fromkeys(x, -Logic.TRUE) | dict.fromkeys(w, Logic.TRUE)
    if cone.where(nowhere, Beside(cone, 0)) != [-Logic.TRUE] * len(count):
        raise Counterexample("vectors that differ everywhere do not count 0")
    answers: dict = {}
    for at in range(0, width, 2):
        if not _adds_up(cone, x[at:at + 2], w[at:at + 2], answers):
            raise Counterexample(f"position {at} of {width} and the next do not add what they must")
    return f"{len(answers)} questions, {len(cone.operands)} gates, {design.latency} cycles"


def _cases(width: int) -> list[tuple[tuple[int, ...], tuple[int, ...], int]]:
    """Return inputs, weights and what they must add, of a pair or of a position without partner."""
    cases = []
    for x, w in product(product((0, 1), repeat=width), repeat=2):
        matches = sum(one == other for one, other in zip(x, w))
        # A position without partner has one that never matches, with input 0 and weight 1.
        (a, b), (c, d) = (*x, 0)[:2], (*w, 1)[:2]
        adds, left = divmod(matches + (a != b) - (c != d), 2)
        if left or adds not in (0, 1):
            raise Counterexample(f"position with inputs {x} and weights {w} adds no whole number")
        cases.append((x, w, adds))
    return cases


def _adds_up(cone: "Cone", x: list[int], w: list[int], answers: dict) -> bool:
    """Ask about the gates behind one pair and what comes from few others; where that is too
    little to know what numbers can be there, about all gates."""
    return any(not _can_be_wrong(Beside(cone, most), cone, x, w, answers)
               for most in (12, 24, len(cone.operands)))


def _can_be_wrong(beside: "Beside", cone: "Cone", x: list[int], w: list[int],
                  answers: dict) -> bool:
    logic = beside.logic
    literal = {0: -Logic.TRUE, 1: Logic.TRUE}
    counts = [(cone.where({gate: literal[bit] for gate, bit in zip([*x, *w], [*inputs, *weights])},
                          beside), adds) for inputs, weights, adds in _cases(len(x))]
    without = next(count for count, adds in counts if adds == 0)
    expected = {0: without, 1: _successor(logic, without)}
    wrong = logic.any(logic.differ(a, b) for count, adds in counts
                      for a, b in zip(count, expected[adds], strict=True))
    question = wrong, *logic.gates.items()
    if question not in answers:    # Most pairs ask the same.
        answers[question] = logic.possible(wrong)
    return answers[question]


def _successor(logic: Logic, number: list[int]) -> list[int]:
    """Add one, modulo a power of two: enough, as all pairs are fewer than that power."""
    carry, result = logic.TRUE, []
    for bit in number:
        result.append(logic.differ(bit, carry))
        carry = logic.both(bit, carry)
    return result


class Beside:
    """What the gates of a cone give that were not asked about, as gates of a logic of its own.

    Those that see at most ``most`` inputs give what they give; the others give anything.
    """

    def __init__(self, cone: "Cone", most: int):
        self.logic = Logic()
        self._cone = cone
        self._most = most
        self._copies = {Logic.TRUE: Logic.TRUE}

    def __call__(self, literal: int) -> int:
        gate = abs(literal)
        if gate not in self._copies:
            self._copies[gate] = self._copy(gate)
        return self._copies[gate] if literal > 0 else -self._copies[gate]

    def _copy(self, gate: int) -> int:
        a_and_b = self._cone.operands.get(gate)
        if a_and_b is None or len(self._cone.sees[gate]) > self._most:
            return self.logic.new()
        return self.logic.both(*map(self, a_and_b))


class Cone:
    """The gates between some inputs and some outputs, which can be asked again with other inputs.

    Attributes
    ----------
    operands : dict of gate to pair of literals
        Operands come first.
    sees : dict of gate to set of inputs
    """

    def __init__(self, logic: Logic, outputs: list[int]):
        self._outputs = outputs
        whole = {gate: pair for pair, gate in logic.gates.items()}
        needed, waiting = set(), [abs(output) for output in outputs]
        while waiting:
            gate = waiting.pop()
            if gate in whole and gate not in needed:
                needed.add(gate)
                waiting += map(abs, whole[gate])
        self.operands = {gate: whole[gate] for gate in sorted(needed)}
        self.sees: dict[int, frozenset[int]] = {}
        for gate, pair in self.operands.items():
            self.sees[gate] = frozenset().union(
                *(self.sees.get(abs(each), {abs(each)}) for each in pair))

    def where(self, values: dict[int, int], beside: Beside) -> list[int]:
        """Return the outputs where ``values`` take the place of inputs."""
        values = dict(values)

        def value(literal: int) -> int:
            found = values.get(abs(literal)) or beside(abs(literal))
            return found if literal > 0 else -found

        for gate, (a, b) in self.operands.items():
            if abs(a) in values or abs(b) in values:
                values[gate] = beside.logic.both(value(a), value(b))
        return [value(output) for output in self._outputs]
