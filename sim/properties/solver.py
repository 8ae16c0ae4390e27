"""Circuits unrolled in time, and what a SAT solver says about them."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat

from sim.properties.circuit import Circuit
from sw.golden.errors import UserError

__all__ = ["Counterexample", "Frame", "Logic", "NotInductive", "SolverNotFound", "holds_always",
           "holds_for"]

PATTERNS, CYCLES = 256, 600    # Of the simulation that looks for registers that follow a hint.


class SolverNotFound(UserError):
    """The SAT solver is missing; the message says how to get it."""


class Counterexample(Exception):
    """A claim is wrong; the message shows from which inputs on."""


class NotInductive(Exception):
    """A claim is neither proven nor refuted."""


class Logic:
    """And-gates in a SAT solver; equal gates are the same gate.

    A literal is a variable's number, or the negative number for its inverse, as SAT solvers have
    it. ``TRUE`` is 1.
    """

    TRUE = 1

    def __init__(self) -> None:
        try:
            from pysat.solvers import Solver  # Here, so that this file can always be imported.
        except ImportError:
            raise SolverNotFound("python-sat was not found. Try: pip install python-sat") from None
        self._solver = Solver(name="cadical153", bootstrap_with=[[self.TRUE]])
        self._n = 1
        self.gates: dict[tuple[int, int], int] = {}

    def new(self) -> int:
        """Return a literal that may be anything."""
        self._n += 1
        return self._n

    def both(self, a: int, b: int) -> int:
        if a > b:
            a, b = b, a
        if a == -b or -self.TRUE in (a, b):
            return -self.TRUE
        if a == b or b == self.TRUE:
            return a
        if a == self.TRUE:
            return b
        if (a, b) not in self.gates:
            self.gates[a, b] = gate = self.new()
            for clause in [-gate, a], [-gate, b], [gate, -a, -b]:
                self._solver.add_clause(clause)
        return self.gates[a, b]

    def either(self, a: int, b: int) -> int:
        return -self.both(-a, -b)

    def differ(self, a: int, b: int) -> int:
        return self.either(self.both(a, -b), self.both(-a, b))

    def any(self, literals: Iterable[int]) -> int:
        """Return a literal that is true when one of ``literals`` is."""
        result = -self.TRUE
        for literal in literals:
            result = self.either(result, literal)
        return result

    def add_clause(self, clause: Sequence[int]) -> None:
        self._solver.add_clause(clause)

    def possible(self, *literals: int) -> bool:
        """Return whether all of ``literals`` can be true at once."""
        return bool(self._solver.solve(assumptions=literals))

    def model(self) -> list[int]:
        """Return the literals, at most one of each variable, by which they were."""
        return self._solver.get_model() or []


@dataclass(frozen=True)
class Frame:
    """One cycle of a circuit: a value for each of its literals."""

    circuit: Circuit
    values: Mapping[int, int]

    @classmethod
    def evaluate(cls, circuit: Circuit, logic: Logic, state: Sequence[int],
                 **inputs: Sequence[int]) -> "Frame":
        """Evaluate a cycle that begins in ``state``; inputs that are not given may be anything."""
        values = {0: -logic.TRUE, 1: logic.TRUE}

        def put(literal: int, value: int) -> None:
            values[literal], values[literal ^ 1] = value, -value

        for name, literals in circuit.inputs.items():
            for literal, value in zip(literals, inputs.get(name, repeat(None))):
                put(literal, value or logic.new())
        for literal in circuit.nameless:
            put(literal, logic.new())
        for latch, value in zip(circuit.latches, state):
            put(latch.literal, value)
        for literal, a, b in circuit.ands:
            put(literal, logic.both(values[a], values[b]))
        return cls(circuit, values)

    def output(self, name: str) -> list[int]:
        return [self.values[literal] for literal in self.circuit.outputs[name]]

    def input(self, name: str) -> list[int]:
        return [self.values[literal] for literal in self.circuit.inputs[name]]

    @property
    def claims(self) -> list[int]:
        return [self.values[claim] for claim in self.circuit.claims]

    @property
    def following(self) -> list[int]:
        """The state in which the next cycle begins."""
        return [self.values[latch.next] for latch in self.circuit.latches]


def unrolled(circuit: Circuit, logic: Logic, state: Sequence[int]) -> Iterator[Frame]:
    """Return cycle after cycle, the first beginning in ``state``."""
    while True:
        frame = Frame.evaluate(circuit, logic, state)
        yield frame
        state = frame.following


def _after_reset(circuit: Circuit, logic: Logic) -> list[int]:
    first = {None: logic.new, 0: lambda: -logic.TRUE, 1: lambda: logic.TRUE}
    return [first[latch.init]() for latch in circuit.latches]


def holds_for(circuit: Circuit, sentences: Sequence[str], cycles: int) -> None:
    """Prove the claims for the first ``cycles`` cycles after reset.

    Raises :exc:`Counterexample`.
    """
    logic, frames = Logic(), []
    for frame in islice(unrolled(circuit, logic, _after_reset(circuit, logic)), cycles):
        frames.append(frame)
        _refute(logic, frames, sentences)


def _refute(logic: Logic, frames: Sequence[Frame], sentences: Sequence[str]) -> None:
    """Look for a claim that is wrong in the last frame."""
    for claim, sentence in zip(frames[-1].claims, sentences):
        if logic.possible(-claim):
            raise Counterexample(f"not so in cycle {len(frames) - 1}: {sentence}; inputs: "
                                 + _trace(logic.model(), frames))
        logic.add_clause([claim])


def _trace(model: Sequence[int], frames: Sequence[Frame]) -> str:
    true = {*model, Logic.TRUE}

    def number(literals: Sequence[int]) -> int:
        return sum((literal in true) << at for at, literal in enumerate(literals))

    return "; ".join(f"{name} " + " ".join(f"{number(frame.input(name)):x}" for frame in frames)
                     for name in frames[0].circuit.inputs if name != "clk")


def holds_always(circuit: Circuit, sentences: Sequence[str], depth: int = 1) -> int:
    """Prove the claims for every cycle, by induction; return the number of registers found equal.

    Registers that follow a hint are found by simulation, and that they do is part of what is
    proven. Raises :exc:`Counterexample` where a claim is wrong within reach of reset, else
    :exc:`NotInductive`.
    """
    holds_for(circuit, sentences, depth + 1)
    logic = Logic()
    pairs = _inductive(circuit, depth, _first_pairs(circuit, depth, _pairs(circuit, sentences)))
    frames = _arbitrary(circuit, logic, depth + 1)
    for frame in frames[:-1]:
        for claim in frame.claims:
            logic.add_clause([claim])
    for frame in frames:
        for pair in pairs:
            logic.add_clause([-_unequal(logic, frame, pair)])
    for claim, sentence in zip(frames[-1].claims, sentences):
        if logic.possible(-claim):
            raise NotInductive(f"not proven: {sentence}; of {len(circuit.latches)} registers "
                               f"{len({a for a, _ in pairs})} follow a hint")
    return len({a for a, _ in pairs})


def _arbitrary(circuit: Circuit, logic: Logic, cycles: int) -> list[Frame]:
    """Unroll from a state that may be anything."""
    state = [logic.new() for _ in circuit.latches]
    return list(islice(unrolled(circuit, logic, state), cycles))


# A register and what it may equal: literals of the circuit.
Pair = tuple[int, int]


def _unequal(logic: Logic, frame: Frame, pair: Pair) -> int:
    return logic.differ(frame.values[pair[0]], frame.values[pair[1]])


def _pairs(circuit: Circuit, sentences: Sequence[str]) -> Iterator[Pair]:
    """Find registers that equal a hint or its inverse in a simulation."""
    targets = [literal for hint in circuit.outputs.get("hints", []) for literal in (hint, hint ^ 1)]
    histories = _simulate(circuit, sentences,
                          {*targets, *(latch.literal for latch in circuit.latches)})
    by_history: dict[int, list[int]] = {}
    for target in dict.fromkeys([0, 1, *targets]):
        by_history.setdefault(histories[target], []).append(target)
    for latch in circuit.latches:
        for target in by_history.get(histories[latch.literal], []):
            if target != latch.literal:
                yield latch.literal, target


def _simulate(circuit: Circuit, sentences: Sequence[str],
              watched: Iterable[int]) -> dict[int, int]:
    """Simulate from reset with random inputs; return a digest of the values of what is watched.

    Raises :exc:`Counterexample` where a claim is wrong, which is sooner seen so than by the solver.
    """
    rng, full = random.Random(0), (1 << PATTERNS) - 1
    watched = [0, 1, *watched]
    values = {0: 0, 1: full}
    digests = dict.fromkeys(watched, 0)
    inputs = [*circuit.nameless, *(each for name in circuit.inputs.values() for each in name)]

    def put(literal: int, value: int) -> None:
        values[literal], values[literal ^ 1] = value, value ^ full

    for latch in circuit.latches:
        put(latch.literal, rng.getrandbits(PATTERNS) if latch.init is None else latch.init * full)
    for cycle in range(CYCLES):
        for literal in inputs:
            put(literal, rng.getrandbits(PATTERNS))
        for literal, a, b in circuit.ands:
            value = values[a] & values[b]
            values[literal], values[literal ^ 1] = value, value ^ full
        for claim, sentence in zip(circuit.claims, sentences):
            if values[claim] != full:
                raise Counterexample(f"not so in cycle {cycle} of a simulation: {sentence}")
        for literal in watched:
            digests[literal] = hash((digests[literal], values[literal]))
        for latch, value in [(latch, values[latch.next]) for latch in circuit.latches]:
            put(latch.literal, value)
    return digests


def _first_pairs(circuit: Circuit, depth: int, pairs: Iterable[Pair]) -> list[Pair]:
    """Keep the pairs that are equal in the first ``depth`` cycles after reset."""
    logic = Logic()
    frames = list(islice(unrolled(circuit, logic, _after_reset(circuit, logic)), depth))
    return [pair for pair in pairs
            if not any(logic.possible(_unequal(logic, frame, pair)) for frame in frames)]


def _inductive(circuit: Circuit, depth: int, pairs: list[Pair]) -> list[Pair]:
    """Keep the pairs that stay equal, where claims hold and all that are kept were equal."""
    logic = Logic()
    frames = _arbitrary(circuit, logic, depth + 1)
    for frame in frames[:-1]:
        for claim in frame.claims:
            logic.add_clause([claim])
    kept = {pair: logic.new() for pair in pairs}
    for pair, switch in kept.items():
        for frame in frames[:-1]:
            logic.add_clause([-switch, -_unequal(logic, frame, pair)])
    wrong = {pair: _unequal(logic, frames[-1], pair) for pair in pairs}
    while kept:
        one = logic.new()
        logic.add_clause([-one, *(wrong[pair] for pair in kept)])
        if not logic.possible(one, *kept.values()):
            break
        model = {*logic.model(), logic.TRUE}
        kept = {pair: switch for pair, switch in kept.items() if wrong[pair] not in model}
    return list(kept)
