"""The one accelerator that all rungs look at: that of a board's build, or one of no board."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import boards
from hw import accelerator
from hw.accelerator import Accelerator
from hw.flow.building import BuildError
from hw.flow.built import Built, find_board
from hw.flow.choosing import choose, default_clock
from hw.flow.tools.family import FAMILIES
from hw.plan import plans
from hw.plan.plans import Plan
from sw.golden import regular
from sw.golden.bits import n_bytes
from sw.golden.errors import UserError
from sw.golden.identity import Identity
from sw.golden.network import Network

__all__ = ["Target", "TargetError", "decide"]

# Cycles of the link: some for itself, and for each byte, with the longest of pauses between them.
LINK, BYTE = 4_096, 64
MAX_BITSTREAM = 1 << 26    # Bytes; the largest board's is a tenth.


class TargetError(UserError):
    """There is no such accelerator; the message says why in one sentence."""


@dataclass(frozen=True)
class Target:
    """What is built, or would be.

    Attributes
    ----------
    board : :class:`~boards.Board` or None
    clock : float
        Hertz, as the board's PLL makes it; 0 without a board.
    folder : Path or None
        Of the board's build, which may be still to make.
    """

    board: boards.Board | None
    plan: Plan
    reloadable: bool
    clock: float = 0
    folder: Path | None = None

    def accelerator(self, network: Network) -> Accelerator:
        """Return the accelerator of a network of the same shape, with the build's identity."""
        return Accelerator(network, self.plan, reloadable=self.reloadable, clock=self.clock,
                           baud=self._baud, room=self._room)

    def identity(self, network: Network) -> Identity:
        """Return what that accelerator says of itself."""
        return accelerator.identity(network, self.plan, reloadable=self.reloadable,
                                    clock=self.clock, baud=self._baud,
                                    room=self._room)

    @property
    def _baud(self) -> int:
        return self.board.as_uart if self.board else 0

    @property
    def _room(self) -> int:
        return self.board.room if self.board else 1

    def like(self, network: Network) -> "Target":
        """Return a target for another network: its default folding, or the same of another kind."""
        plan = self.plan if self.plan.is_serial else self.plan.like(network.shape)
        return Target(None, plan, reloadable=False)

    def cycles(self, network: Network) -> int:
        """Count the cycles that one input takes from end to end, on the way in and in the engine.
        """
        inside = sum(plans.cycles(self.plan, network.signature))
        return LINK + BYTE * n_bytes(network.n_in) + inside

    def patience(self, network: Network) -> int:
        """Count the cycles without a byte after which none comes any more.

        Enough for a request to come in, and for its answer to go out.
        """
        return self.cycles(network) + sum(plans.cycles(self.plan, network.signature))

    def built(self, network: Network) -> Built | None:
        """Return the board's build if it is whole, and of this network and this target."""
        built = _built(self.folder, self.board, network) if self.board else None
        return built if built and built.identity == self.identity(network) else None

    def report(self, network: Network) -> dict:
        """Return what ``verify.json`` says of it."""
        return {"board": self.board.name if self.board else None, "folding": str(self.plan),
                "reloadable": self.reloadable,
                "identity": self.identity(network).to_bytes().hex()}

    def __str__(self) -> str:
        return ", ".join([self.board.name if self.board else "no board", str(self.plan),
                          *(["reloadable"] if self.reloadable else [])])


def decide(network: Network, file: Path, board: str | None, fold: str | None,
           reloadable: bool) -> Target:
    """Decide what all rungs look at.

    With a board, that is its build beside the network's file, unless another ``fold`` is asked for
    or ``reloadable``; else what ``hw.build`` would make. Without, what was asked for, or the
    default folding.

    Raises
    ------
    UserError
        There is no such board, or no such accelerator.
    """
    if board is None:
        return _of_no_board(network, fold, reloadable)
    found = find_board(board)
    folder = file.parent / "build" / board
    there = _built(folder, found, network)
    if there and _is_asked_for(there, fold, reloadable):
        return _of(there)
    try:
        plan = choose(network, found, fold, reloadable=reloadable)
        pll = FAMILIES[found.family].pll.at_most(found.platform().default_clk_frequency,
                                                 default_clock(found, plan))
    except (BuildError, ValueError) as error:
        raise TargetError(str(error)) from None
    if there:    # What the user built otherwise stays.
        words = [board, *str(plan).split(), *["reloadable"] * reloadable]
        folder = folder.with_name("-".join(words))
    return Target(found, plan, reloadable, pll.output, folder)


def _of_no_board(network: Network, fold: str | None, reloadable: bool) -> Target:
    try:
        plan = (plans.default(network.signature) if fold is None
                else plans.parse(fold, network.signature))
        accelerator.check(network, plan, reloadable=reloadable)
    except ValueError as error:
        raise TargetError(str(error)) from None
    return Target(None, plan, reloadable)


def _of(built: Built) -> Target:
    return Target(built.board, built.plan, built.report.reloadable, built.identity.clock * 1e3,
                  built.folder)


def _built(folder: Path, board: boards.Board, network: Network) -> Built | None:
    """Return the board's build in a folder if it is whole, and of this network."""
    try:
        built = Built.load(folder)
        made = regular.read_bytes(folder / built.report.bitstream, MAX_BITSTREAM)
        is_whole = (built.board.name == board.name
                    and built.report.bitstream_sha256 == sha256(made).hexdigest()
                    and built.report.network_sha256 == sha256(network.to_bytes()).hexdigest()
                    and built.identity == _of(built).identity(network))
    except (UserError, OSError, ValueError, LookupError, TypeError):
        return None
    return built if is_whole else None


def _is_asked_for(built: Built, fold: str | None, reloadable: bool) -> bool:
    """Return whether a build is what ``hw.build`` makes with these; any is, where none is given."""
    if fold is None and not reloadable:
        return True
    try:
        plan = built.plan if fold is None else plans.parse(fold, built.network.signature)
    except ValueError:
        return False
    return plan == built.plan and built.report.reloadable == reloadable
