"""Designs as and-inverter graphs, which is what a SAT solver is asked about."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from amaranth import Cat, ClockDomain, Const, Module, Signal, Value
from amaranth.back import rtlil
from amaranth.hdl import ValueLike

from hw.flow.tools import toolchain

__all__ = ["Bench", "Circuit", "Latch"]

# Whatever a design leaves undefined may be anything, so a proof holds for each way to define it.
SCRIPT = """
read_rtlil design.il
prep -top bench -flatten
memory_map
async2sync
setundef -anyseq
opt -full
techmap
opt
dffunmap
simplemap
setundef -anyseq
opt_clean
aigmap
opt_clean
write_aiger -ascii -symbols circuit.aag
"""


@dataclass
class Bench:
    """A design among what it is proven against.

    Attributes
    ----------
    module : Module
        Holds the design and its specification; has one clock and no reset.
    free : dict of name to Signal
        Inputs: anything in every cycle.
    claims : dict of name to Value
        What must be 1 in every cycle; the name says it as a sentence.
    hints : list of Value
        Bits of the specification that registers of the design are expected to equal, or to equal
        inverted. Which register does is found out, so names and order inside the design are its
        own affair; what is not equal costs nothing.
    """

    module: Module = field(default_factory=Module)
    free: dict[str, Signal] = field(default_factory=dict)
    claims: dict[str, Value] = field(default_factory=dict)
    hints: list[Value] = field(default_factory=list)

    def any(self, name: str, shape) -> Signal:
        """Return a signal that may be anything in every cycle."""
        self.free[name] = Signal(shape, name=name)
        return self.free[name]

    def once(self, name: str, shape) -> Signal:
        """Return a signal that may be anything, and stays as it is in the first cycle."""
        chosen, is_first = self.any(name, shape), self.since_reset() == 0
        kept = Signal.like(chosen, name=f"{name}_kept")
        result = Signal.like(chosen, name=f"{name}_once")
        with self.module.If(is_first):
            self.module.d.comb += result.eq(chosen)
            self.module.d.sync += kept.eq(chosen)
        with self.module.Else():
            self.module.d.comb += result.eq(kept)
        return result

    def since_reset(self) -> Signal:
        """Return 0 in the first cycle, 1 ever after."""
        later = Signal(name="later")
        self.module.d.sync += later.eq(1)
        return later

    def delayed(self, value: ValueLike, cycles: int, *, init: int = 0) -> Value:
        """Return what ``value`` was ``cycles`` ago."""
        for _ in range(cycles):
            later = Signal.like(Value.cast(value), name="later", init=init)
            self.module.d.sync += later.eq(value)
            value = later
        return Value.cast(value)


@dataclass(frozen=True)
class Latch:
    """A register bit: its own literal, the literal of its next value, its first value if known."""

    literal: int
    next: int
    init: int | None


@dataclass(frozen=True)
class Circuit:
    """An and-inverter graph as in AIGER: literal ``2 * n + 1`` inverts ``2 * n``; 1 is true.

    Attributes
    ----------
    inputs, outputs : dict of name to list of literals
        Least significant first.
    nameless : list of int
        Inputs that stand for what the design leaves undefined.
    latches : list of Latch
    ands : list of (int, int, int)
        Each literal with the two whose AND it is; operands come first.
    """

    inputs: Mapping[str, list[int]]
    nameless: Sequence[int]
    outputs: Mapping[str, list[int]]
    latches: Sequence[Latch]
    ands: Sequence[tuple[int, int, int]]

    @property
    def claims(self) -> list[int]:
        return [literals[0] for name, literals in self.outputs.items() if name.startswith("claim")]

    @classmethod
    def of(cls, bench: Bench, **outputs: Value) -> "Circuit":
        """Convert a bench, with its claims, its hints and ``outputs`` as outputs."""
        claims = {f"claim{number}": claim for number, claim in enumerate(bench.claims.values())}
        hints = {"hints": Cat(*bench.hints)} if bench.hints else {}
        return cls.read(_aiger(bench, {**claims, **hints, **outputs}))

    @classmethod
    def read(cls, text: str) -> "Circuit":
        """Read ASCII AIGER with symbols."""
        lines = iter(text.splitlines())
        _, n_in, n_latch, n_out, n_and = map(int, next(lines).split()[1:6])
        inputs = [int(next(lines)) for _ in range(n_in)]
        latches = [_latch(*map(int, next(lines).split())) for _ in range(n_latch)]
        outputs = [int(next(lines)) for _ in range(n_out)]
        ands = [tuple(map(int, next(lines).split())) for _ in range(n_and)]
        symbols = [match.groups() for match in map(SYMBOL.match, lines) if match]
        named = _vectors(symbols, "i", inputs)
        known = {literal for literals in named.values() for literal in literals}
        return cls(named, [each for each in inputs if each not in known],
                   _vectors(symbols, "o", outputs), latches, ands)


SYMBOL = re.compile(r"([ilo])(\d+) (\w+)(?:\[(\d+)\])?$")


def _latch(literal: int, following: int, init: int = 0) -> Latch:
    return Latch(literal, following, init if init in (0, 1) else None)


def _vectors(symbols, kind: str, literals: Sequence[int]) -> dict[str, list[int]]:
    """Collect the literals of each name, in the order of their indices."""
    bits: dict[str, dict[int, int]] = {}
    for each, number, name, index in symbols:
        if each == kind:
            bits.setdefault(name, {})[int(index or 0)] = literals[int(number)]
    return {name: [found[at] for at in sorted(found)] for name, found in bits.items()}


def _aiger(bench: Bench, outputs: Mapping[str, Value]) -> str:
    ports = {name: (signal, None) for name, signal in bench.free.items()}
    top = Module()
    top.submodules.bench = bench.module
    top.domains.sync = sync = ClockDomain("sync", reset_less=True)
    for name, value in outputs.items():
        port = Signal(len(value), name=name)
        top.d.comb += port.eq(value)
        ports[name] = (port, None)
    ports["clk"] = (sync.clk, None)
    # A signal that nothing reads would be no input.
    ports["unused"] = (unused := Signal(name="unused"), None)
    top.d.comb += unused.eq(Cat(Const(0, 1), *bench.free.values()).xor())

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "design.il").write_text(
            rtlil.convert(top, name="bench", ports=ports, emit_src=False))
        Path(folder, "script.ys").write_text(SCRIPT)
        toolchain.run([toolchain.find("yosys"), "-q", "script.ys"], Path(folder))
        return Path(folder, "circuit.aag").read_text()
