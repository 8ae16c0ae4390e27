"""The ladder from a trained network to its bitstream: what is climbed, and what is found."""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from tqdm import tqdm

from hw.flow.tools.toolchain import ToolNotFound
from sim.ask import Unequal
from sim.rungs import RUNGS, Climb, Rung, Skipped
from sim.simulator import SimulatorNotFound
from sim.target import Target, decide
from sw.golden import networks, regular
from sw.golden.bits import Bits
from sw.golden.codes import load_codes
from sw.golden.errors import UserError
from sw.golden.network import Network, atomic_write
from sw.golden.qonnx.file.graph import MAX_BYTES
from sw.terminal import runs

__all__ = ["Ladder", "Result", "VerifyError", "choose", "climb", "judge", "make_ladder", "table",
           "write"]

N_RANDOM = 1000    # Codes for a network that comes without.
EQUAL, UNEQUAL, SKIPPED = "equal", "UNEQUAL", "skipped"


class VerifyError(UserError):
    """There is nothing to verify; the message says why in one sentence."""


@dataclass(frozen=True)
class Result:
    """What became of one rung, as ``verify.json`` has it.

    Attributes
    ----------
    vectors : int
        How many were equal on both sides, in ``unit``.
    said : str
        Why it was skipped, or what is unequal.
    """

    rung: int
    left: str
    right: str
    vectors: int
    unit: str
    seconds: float
    result: str
    said: str


@dataclass(frozen=True)
class Ladder:
    """What is climbed: a network, its codes, and how many of them.

    Attributes
    ----------
    digest : str
        SHA-256 of the file that the network was read from.
    target : :class:`~sim.target.Target`
        What all rungs look at.
    flags : str
        How the command line names it.
    limit : int or None
        How many codes each rung asks for; None for its own choice.
    only : int or None
        The one code to ask for, instead.
    """

    argument: Path
    digest: str
    network: Network
    codes: Bits
    target: Target
    flags: str
    limit: int | None
    only: int | None

    @property
    def folder(self) -> Path:
        return runs.network_file(self.argument).parent

    def climb(self, rung: Rung) -> Result:
        """Climb one rung, behind a progress bar."""
        begun, vectors, result, said = time.monotonic(), 0, EQUAL, ""
        indices = self._indices(rung)
        with tqdm(total=len(indices), desc=f"rung {rung.number}", unit=" codes", leave=False,
                  disable=None) as bar:
            climb = Climb(self.argument, self.network, self.codes[indices], indices, self.target,
                          self._waves(rung), bar.set_postfix_str, bar.update)
            try:
                vectors = rung.climb(climb)
            except (Skipped, SimulatorNotFound, ToolNotFound) as why:
                result, said = SKIPPED, str(why)
            except Unequal as where:
                result, said = UNEQUAL, f"{where}{self._reproduce(rung, where.index)}"
        seconds = round(time.monotonic() - begun, 1)
        right = f"{rung.right}, {self.target.board.name}" if rung.needs_board else rung.right
        return Result(rung.number, rung.left, right, vectors, rung.unit, seconds, result, said)

    def _indices(self, rung: Rung) -> Sequence[int]:
        if self.only is not None:
            return [self.only]
        sample = rung.of(self.target.cycles(self.network))
        count = sample if self.limit is None or sample == 0 else self.limit
        return range(len(self.codes) if count is None else min(count, len(self.codes)))

    def _waves(self, rung: Rung) -> Path | None:
        """Return where waves go: those of one code tell something, those of many are too large."""
        if self.only is None or not rung.has_waves:
            return None
        return self.folder / f"code-{self.only}-rung-{rung.number}"

    def _reproduce(self, rung: Rung, index: int | None) -> str:
        """Ask for one code alone, with waves; say how anyone can do so."""
        if index is None:
            return ""
        alone = replace(self, limit=None, only=index)
        lines = [f"  again: python -m sim.verify --network {shlex.quote(str(self.argument))}"
                 f"{self.flags} --rungs {rung.number} --only {index}"]
        if self.only is None and alone.climb(rung).result == EQUAL:
            lines.append("  asked for alone it is equal: what was asked before makes the "
                         "difference")
        if rung.has_waves:
            lines += [f"  waves: {path}" for path in
                      sorted(self.folder.glob(f"code-{index}-rung-{rung.number}.*"))]
        return "\n".join(["", *lines])


def load(argument: Path) -> tuple[Network, Bits]:
    """Read a network and its test codes, or draw some for a file that has none beside it."""
    network = networks.load(runs.network_file(argument))
    path = runs.codes_file(argument)
    if not argument.is_dir() and not path.exists():
        return network, random_codes(network.n_in)
    codes, _ = load_codes(path, network.n_in)
    if not len(codes):
        raise VerifyError(f"{path} has no codes")
    return network, codes


def random_codes(n_bits: int) -> Bits:
    """Draw codes; the first two are all zeros and all ones."""
    codes = np.random.default_rng(0).integers(0, 2, (N_RANDOM, n_bits), np.uint8)
    codes[0], codes[1] = 0, 1
    return codes


def make_ladder(args: argparse.Namespace) -> Ladder:
    """Read what the command line names, and refuse what cannot be climbed."""
    argument = args.network or runs.newest()
    digest = _digest(argument)
    network, codes = load(argument)
    if args.limit is not None and args.limit < 1:
        raise VerifyError(f"The limit must be 1 or more, not {args.limit}")
    if args.only is not None and not 0 <= args.only < len(codes):
        raise VerifyError(f"There are codes 0 to {len(codes) - 1}, not {args.only}")
    target = decide(network, runs.network_file(argument), args.board, args.fold, args.reloadable)
    flags = "".join([f" --board {args.board}" if args.board else "",
                     f" --fold {shlex.quote(args.fold)}" if args.fold else "",
                     " --reloadable" if args.reloadable else ""])
    return Ladder(argument, digest, network, codes, target, flags, args.limit, args.only)


def choose(numbers: Sequence[int] | None, board: str | None) -> list[Rung]:
    """Return the rungs asked for, or those that can be climbed with this board or without."""
    chosen = [rung for rung in RUNGS if (numbers is None and (board or not rung.needs_board))
              or (numbers is not None and rung.number in numbers)]
    if not board and any(rung.needs_board for rung in chosen):
        raise VerifyError("Rungs 5 and 6 are a board's: add --board NAME")
    return chosen


def climb(ladder: Ladder, rungs: Sequence[Rung]) -> Iterator[Result]:
    """Climb to the first rung that does not hold."""
    for rung in rungs:
        yield (result := ladder.climb(rung))
        if result.result == UNEQUAL:
            return


def table(ladder: Ladder, results: Sequence[Result]) -> str:
    """Name the plan, line up what was found, and below it what is unequal."""
    rows = [("rung", "left = right", "vectors", "seconds", "result")]
    for each in results:
        vectors = f"{each.vectors:,} {each.unit}" if each.result == EQUAL else "-"
        why = f"skipped: {each.said}" if each.result == SKIPPED else each.result
        rows.append((str(each.rung), f"{each.left} = {each.right}", vectors,
                     f"{each.seconds:.1f}", why))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [f"{rung:>{widths[0]}}  {equality:<{widths[1]}}  {vectors:>{widths[2]}}  "
             f"{seconds:>{widths[3]}}  {result}"
             for rung, equality, vectors, seconds, result in rows]
    return "\n".join([f"plan: {ladder.target}", *lines,
                      *(each.said for each in results if each.result == UNEQUAL)])


def write(ladder: Ladder, results: Sequence[Result]) -> None:
    """Write ``verify.json`` into the run's folder, if it is one; not after asking for one code.

    Raises :exc:`VerifyError` where the network's file is no more the one that was read.
    """
    if not runs.is_finished(ladder.folder) or ladder.only is not None:
        return
    if _digest(ladder.argument) != ladder.digest:
        raise VerifyError(f"{runs.network_file(ladder.argument)} was changed while its network was "
                          "verified: run it again")
    report = {"network": str(ladder.network),
              "network_sha256": ladder.digest,
              "board": ladder.target.board.name if ladder.target.board else None,
              "plan": ladder.target.report(ladder.network),
              "codes": len(ladder.codes),
              "rungs": [asdict(each) for each in results]}
    atomic_write(ladder.folder / "verify.json", (json.dumps(report, indent=2) + "\n").encode())


def _digest(argument: Path) -> str:
    return sha256(regular.read_bytes(runs.network_file(argument), MAX_BYTES)).hexdigest()


def judge(results: Sequence[Result], asked_for: bool) -> int:
    """Return the exit code; say what was asked for and could not be climbed."""
    if any(each.result == UNEQUAL for each in results):
        return 1
    skipped = [each for each in results if each.result == SKIPPED]
    if not skipped or (not asked_for and len(skipped) < len(results)):
        return 0
    print(f"error: rung {skipped[0].rung} was skipped: {skipped[0].said}", file=sys.stderr)
    return 2
