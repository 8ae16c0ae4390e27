"""What is proven of the gateware for all inputs, by a SAT solver.

A design stands in a bench (:mod:`sim.properties.circuit`) beside a specification and claims. Yosys
makes gates of both, and :mod:`sim.properties.solver` asks whether a claim can be wrong: in any
cycle, by induction, or in the first cycles after reset.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from hw.plan.folding import Fold
from sim.properties import core, engine, link, uart
from sim.properties.circuit import Bench, Circuit
from sim.properties.popcount import counts_matches
from sim.properties.solver import (
    Counterexample,
    NotInductive,
    SolverNotFound,
    holds_always,
    holds_for,
)

__all__ = ["Proof", "SolverNotFound", "prove"]

COUNT_WIDTHS = 1, 2, 7, 13, 26, 32, 64, 100, 200
DRIFTS = -0.02, 0.0, 0.02    # Of the sender's clock, relative to the receiver's.


@dataclass(frozen=True)
class Proof:
    """What became of one question.

    Attributes
    ----------
    name : str
        What was asked.
    seconds : float
    proven : bool
    said : str
        How it was proven, and how far; or where it is wrong.
    """

    name: str
    seconds: float
    proven: bool
    said: str


def prove(progress: Callable[[str], None]) -> list[Proof]:
    """Prove what there is to prove; ``progress`` is told each name before.

    Raises :exc:`SolverNotFound` and :exc:`~hw.flow.tools.toolchain.ToolNotFound`, which say what to
    install.
    """
    proofs = []
    for name, question in questions():
        progress(name)
        proofs.append(ask(name, question))
    return proofs


def ask(name: str, question: Callable[[], str]) -> Proof:
    """Ask one question, which raises what speaks against it."""
    begin = time.monotonic()
    try:
        said, proven = question(), True
    except (Counterexample, NotInductive) as error:
        said, proven = str(error), False
    return Proof(name, time.monotonic() - begin, proven, said)


def always(make: Callable[[], Bench]) -> str:
    """Prove the claims of a bench for every cycle."""
    bench = make()
    circuit = Circuit.of(bench)
    found = holds_always(circuit, list(bench.claims))
    return (f"in every cycle, by induction; {found} of {len(circuit.latches)} registers follow "
            "the specification")


def at_first(cycles: int, make: Callable[[], Bench]) -> str:
    """Prove the claims of a bench for the first cycles after reset."""
    bench = make()
    holds_for(Circuit.of(bench), list(bench.claims), cycles)
    return f"in the first {cycles} cycles after reset"


def questions() -> Iterator[tuple[str, Callable[[], str]]]:
    """Return each question with its name."""
    for width in COUNT_WIDTHS:
        yield f"popcount of {width}", partial(counts_matches, width)
    for n_in in 8, 200:
        yield f"requests of {n_in} bits", partial(always, partial(link.requests, n_in))
    for n_in, reloadable in (8, False), (40, True), (6272, False):
        yield (f"images of {n_in} bits{', and loads' * reloadable}",
               partial(always, partial(link.images, n_in, reloadable=reloadable)))
    for reloadable in False, True:
        yield (f"turns of images{', and loads' * reloadable}",
               partial(always, partial(link.in_turn, reloadable=reloadable)))
    yield "answers", partial(always, link.answers)
    for n_in in 5, 8, 200:
        yield f"packets of {n_in} bits", partial(always, partial(core.packets, n_in))
    for size, depth in (1, 2), (3, 1):
        yield (f"answers of {size} bytes, {depth} kept",
               partial(at_first, 16, partial(core.answers, size, depth)))
    for in_bytes in 1, 6, 25:
        yield (f"registers before inputs of {in_bytes} bytes",
               partial(always, partial(core.registers, in_bytes)))
    for fold in "hardwired", "1x2":
        yield f"core 2-2-2, {fold}", partial(at_first, 24, partial(core.classes, fold))
    for divisor in 4, 9:
        yield f"UART sends, divisor {divisor}", partial(always, partial(uart.frames, divisor))
    for divisor, drift in [(4, 0.0), *((36, drift) for drift in DRIFTS)]:
        yield (f"UART receives, divisor {divisor}, sender {drift:+.0%}",
               partial(at_first, 24 * divisor, partial(uart.received, divisor, drift)))
    for contents in [7], [5, 9, 2], [1, 2, 3, 4]:
        yield (f"prefetch of {len(contents)} rows",
               partial(always, partial(engine.rows, contents, 4)))
    for chunk, per_word in (1, 4), (2, 3), (3, 1):
        yield (f"gather {per_word} chunks of {chunk}",
               partial(always, partial(engine.words, chunk, per_word)))
    for n_in, pe, simd in (5, 1, 5), (5, 2, 5), (4, 3, 3):
        yield (f"layer {n_in}-{n_in + 2}, {pe} x {simd}",
               partial(at_first, 32, partial(engine.fires, engine.some_layer(n_in),
                                             Fold(pe, simd))))
    for n_in, n_classes, chunk, per_word in (6, 3, 1, 3), (5, 3, 1, 3), (4, 2, 2, 1), (3, 1, 1, 3):
        yield (f"argmax {n_in}-{n_classes}, words of {chunk} x {per_word}",
               partial(at_first, 24, partial(engine.classes, engine.some_readout(n_in, n_classes),
                                             chunk, per_word)))
