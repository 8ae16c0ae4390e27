"""Counts of matches, by structure: what one position adds, whatever the others are.

The design's counter is unrolled from a state that may be anything, so what is proven holds in every
cycle. There, for each position, the count with both bits 0 equals the count with both bits 1, and
is one more than the count with either bit alone; and where all positions differ, the count is 0. By
induction over positions the count is the number of positions that agree. Each of these questions is
about the few gates behind one position, so 200 positions take seconds; a comparison with another
adder tree was at 64 positions slower than this is at 200.
"""

from itertools import islice

from hw.popcount import PairCount
from sim.properties.circuit import Bench, Circuit
from sim.properties.solver import Counterexample, Logic, unrolled

__all__ = ["counts_matches"]


def counts_matches(width: int) -> str:
    """Prove that a ``PairCount(width)`` counts, ``latency`` cycles later, the bits that agree."""
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

    if 2 ** len(count) <= width:
        raise Counterexample(f"{len(count)} bits cannot hold a count of {width}")
    cone = Cone(logic, count)
    nowhere = dict.fromkeys(x, -Logic.TRUE) | dict.fromkeys(w, Logic.TRUE)
    if cone.where(nowhere, Beside(cone, 0)) != [-Logic.TRUE] * len(count):
        raise Counterexample("vectors that differ everywhere do not count 0")
    answers: dict = {}
    for at, (one, other) in enumerate(zip(x, w)):
        if not _adds_one(cone, one, other, answers):
            raise Counterexample(f"position {at} of {width} does not add 1 where it agrees, else 0")
    return f"{len(answers)} questions, {len(cone.operands)} gates, {design.latency} cycles"


def _adds_one(cone: "Cone", one: int, other: int, answers: dict) -> bool:
    """Ask about the gates behind one position and what comes from few others; where that is too
    little to know what numbers can be there, about all gates."""
    return any(not _can_be_wrong(Beside(cone, most), cone, one, other, answers)
               for most in (12, 24, len(cone.operands)))


def _can_be_wrong(beside: "Beside", cone: "Cone", one: int, other: int,
                  answers: dict) -> bool:
    logic = beside.logic
    true, false = Logic.TRUE, -Logic.TRUE
    neither, both, first, second = (
        cone.where({one: a, other: b}, beside)
        for a, b in [(false, false), (true, true), (true, false), (false, true)])
    wrong = logic.any(
        logic.differ(a, b)
        for here, there in [(neither, both), (first, second), (both, _successor(logic, first))]
        for a, b in zip(here, there, strict=True))
    question = wrong, *logic.gates.items()
    if question not in answers:    # Most positions ask the same.
        answers[question] = logic.possible(wrong)
    return answers[question]


def _successor(logic: Logic, number: list[int]) -> list[int]:
    """Add one, modulo a power of two: enough, as all positions are fewer than that power."""
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
        """Give the outputs where ``values`` take the place of inputs."""
        values = dict(values)

        def value(literal: int) -> int:
            found = values.get(abs(literal)) or beside(abs(literal))
            return found if literal > 0 else -found

        for gate, (a, b) in self.operands.items():
            if abs(a) in values or abs(b) in values:
                values[gate] = beside.logic.both(value(a), value(b))
        return [value(output) for output in self._outputs]
