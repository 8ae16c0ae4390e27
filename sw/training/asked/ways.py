"""Which way of learning suits what is given, and the board that it is for. Needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...golden.stages import Signature
from ...models.shape import EncoderShape
from . import board as boards
from .board import Room
from .effort import RunError
from .stages import SIZES, signature

__all__ = ["AUTO", "WAYS", "Candidate", "best", "fitting", "hybrid", "lined_up", "on_chip",
           "reason", "way"]

AUTO = "auto"
WAYS = (AUTO, "hybrid", "on-chip", "table")

# The ways for what is given, the usual one first, and why it is that.
SUITS = {
    "data": (("hybrid", "on-chip"), "a host encodes, which is most accurate; a network that needs "
                                    "none: --as on-chip"),
    "images": (("on-chip",), "your own images have no encoder; another size: --on-chip"),
    "table": (("table",), "rows of a table are no images; more neurons: --hidden"),
}
NEEDS = {"hybrid": "an encoder, which is trained on a data set (--data)",
         "on-chip": "images (--data or --images)", "table": "a table (--table and --label)"}


@dataclass(frozen=True)
class Candidate:
    """A network that could be trained."""

    name: str                # As it is asked for: a size, stages, or a way.
    way: str
    signature: Signature
    host: int = 0            # Multiply-accumulates that an image costs the host.


Answers = Sequence[tuple[Candidate, Room | None]]    # What each takes; None: does not fit.


def way(asked: str | None, given: str, spec: str | None) -> str:
    """Return the way that is asked for, or the usual one for what is given; see :data:`SUITS`.

    Raises
    ------
    RunError
        The way does not suit what is given, or not the stages ``spec`` that are asked for.
    """
    ways, _ = SUITS[given]
    chosen = asked if asked not in (None, AUTO) else "on-chip" if spec is not None else ways[0]
    if chosen not in ways:
        raise RunError(f"--as {chosen} needs {NEEDS[chosen]}: leave it out, or say --as {ways[0]}")
    if spec is not None and chosen != "on-chip":
        raise RunError(f"--on-chip gives the stages of --as on-chip, not of --as {chosen}: leave "
                       "one of them out")
    return chosen


def reason(given: str) -> str:
    """Return why the usual way for what is given is that, and how another is asked for."""
    _, why = SUITS[given]
    return f"{why}; one that fits a board: --board"


def on_chip(spec: str | None, side: int, channels: int, pixels: int,
            n_classes: int) -> list[Candidate]:
    """List the networks on the chip of these stages, or of all sizes, the largest first."""
    return [Candidate(each, "on-chip", signature(each, side, channels, pixels, n_classes))
            for each in ([spec] if spec is not None else [*SIZES][::-1])]


def hybrid(n_bits: int, hidden: Sequence[int], n_classes: int) -> Candidate:
    """Return the network behind an encoder that the host keeps."""
    try:
        return Candidate("hybrid", "hybrid", Signature.dense(n_bits, *hidden, n_classes),
                         EncoderShape(n_bits).macs)
    except ValueError as error:
        raise RunError(str(error)) from None


def fitting(board: str | None, candidates: Sequence[Candidate]) -> tuple[Candidate, Answers]:
    """Return the first candidate that fits a board, and what each of them is predicted to take.

    Without a board all fit, and nothing is predicted.

    Raises
    ------
    RunError
        None fits, or there is no such board.
    """
    if not board:
        return candidates[0], [(each, None) for each in candidates]
    asked = [(each, boards.ask(board, each.signature)) for each in candidates]
    for candidate, room in asked:
        if room is not None:
            return candidate, asked
    raise RunError(f"{candidates[-1].signature} must fit {board}, and does not: ask for a smaller "
                   "network (--on-chip, --hidden), smaller images (--side), or a larger board")


def best(candidates: Sequence[Candidate], right: Mapping[str, float]) -> Candidate:
    """Return who got most right; of equals who leaves least to the host, then the smallest."""
    return max(candidates, key=lambda each: (right[each.name], -each.host,
                                             -each.signature.n_weights))


def lined_up(board: str | None, chosen: Candidate, asked: Answers,
             right: Mapping[str, float] | None = None) -> str:
    """Line up what candidates take of a board, if there is one, and mark the chosen one.

    ``right`` says, by name, what those that were tried got right, in per cent.
    """
    title = f"for {board}" if board else "networks"
    marked = [f"  {'>' if each is chosen else ' '} {each.name}" for each, _ in asked]
    width = max(map(len, [title, *marked]))
    lines = [f"{title:<{width}}  weights, bits"
             f"{'  logic cells  block RAMs  inferences/s' if board else ''}  on the host"
             f"{'  held out, %' if right else ''}"]
    for name, (each, room) in zip(marked, asked):
        taken = "" if not board else f"  {'does not fit':>37}" if room is None else (
            f"  {room.logic_cells:11,}  {room.block_rams:10,}  {room.rate:12,}")
        share = f"{right[each.name]:.2f}" if right and each.name in right else ""
        lines.append(f"{name:<{width}}  {each.signature.n_weights:13,}{taken}  {each.host:11,}"
                     f"{f'  {share:>11}' if right else ''}")
    return "\n".join(lines)
