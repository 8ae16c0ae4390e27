"""The server's side without Flower: what is asked, what is believed, and what becomes of it."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from ..golden.network import Network
from ..models.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from . import rounds
from .codec import CodecError, Content, State, Update, decode, encode
from .rounds import aggregate, first
from .settings import Settings

__all__ = ["Federation", "believable"]

WORSE = 5.0    # Per cent of the images held out: a fall by so much is worth a warning.

log = logging.getLogger("flwr")


class Federation:
    """What is agreed on so far. Its file is written whole or not at all, after each round.

    Parameters
    ----------
    shape : tuple of int
        Widths from input to classes.
    path : Path
        The file; if it is there, the federation goes on from it.

    Attributes
    ----------
    content : Network or State
    best : Network, State or None
        Of the rounds that were judged so far, that of the round :attr:`kept`.
    history : list of dict
        What there is to say about each round, for ``metrics.json``.
    memories : dict of str to bytes
        What clients kept after the last round, where they live in the server's process.
    """

    def __init__(self, settings: Settings, shape: tuple[int, ...], path: Path) -> None:
        self.settings, self.shape, self.path = settings, shape, path
        self.content = first(settings.codec, shape, settings.seed)
        self.best: Content | None = None
        self.history: list[dict[str, Any]] = []
        self.memories: dict[str, bytes] = {}
        if path.exists():
            self._restore()

    @property
    def round(self) -> int:
        """The round under way, from 1."""
        return len(self.history) + 1

    @property
    def kept(self) -> int:
        """The round whose content is the result: the best on the images that clients hold out, of
        several the last; with ``robust`` the last of all, which no client chooses."""
        judged = [entry for entry in self.history if "held_out" in entry]
        if self.settings.robust or not judged:
            return len(self.history)
        return int(max(judged, key=lambda entry: (entry["held_out"], entry["round"]))["round"])

    @property
    def result(self) -> Content:
        """The content of the round :attr:`kept`."""
        return self.content if self.settings.robust or self.best is None else self.best

    def question(self) -> bytes:
        """Return what every client asked in this round is sent."""
        return encode(Update(self.round, 0, self.content), self.shape)

    def read(self, data: bytes) -> Update:
        """Read an answer to the :meth:`question`, or raise :exc:`CodecError`."""
        base = self.content if isinstance(self.content, Network) else None
        update = decode(data, self.settings.codec, self.shape, self.round, base)
        if update.examples < 1:
            raise CodecError("It was learnt from no image")
        return update

    def last_question(self) -> bytes:
        """Return what is sent to be judged once all rounds are done."""
        return encode(Update(len(self.history), 0, self.content), self.shape)

    def read_score(self, data: bytes) -> Update:
        """Read an answer to the :meth:`last_question`, or raise :exc:`CodecError`."""
        return decode(data, "score", self.shape, len(self.history))

    def judge(self, updates: Iterable[Update]) -> None:
        """Note what part of the images held out the newest round's content gets right.

        What clients claim to hold out counts as what they claim to have trained on.
        """
        said = [update for update in updates if update.held]
        if not (said and self.history):
            return
        claims = [update.held for update in said]
        counts = [1] * len(said) if self.settings.robust else believable(claims)
        rights = sum(count * update.right / update.held
                     for count, update in zip(counts, said, strict=True))
        entry = self.history[-1]
        entry["held_out"] = round(100 * rights / sum(counts), 2)
        if self.kept == entry["round"]:
            self.best = self.content
        self._warn(entry)

    def _warn(self, entry: dict[str, Any]) -> None:
        """Say, once, that rounds get worse."""
        best = max(self.history, key=lambda earlier: float(earlier.get("held_out", 0)))
        warned = any("warning" in earlier for earlier in self.history)
        if not warned and best["held_out"] - entry["held_out"] >= WORSE:
            entry["warning"] = (
                f"round {entry['round']}: {entry['held_out']:.1f} % of the images held out are "
                f"right, after {best['held_out']:.1f} % in round {best['round']}: rounds get worse")
            log.warning("%s", entry["warning"])

    def close(self, updates: Mapping[int, Update], **said: Any) -> None:
        """End the round with what came, by the number of the client; nothing changes nothing.

        In the order of the clients, so that sums do not depend on who was first.
        """
        believed = [updates[client] for client in sorted(updates)]
        self.judge(believed)
        if believed:
            self.content = self._agree(believed)
        self.history.append({"round": self.round, "clients": sorted(updates), **said})

    def _agree(self, updates: list[Update]) -> Network | State:
        contents = [update.content for update in updates]
        if not self.settings.robust:
            return aggregate(contents, self._counts(updates), self.content)
        if isinstance(self.content, Network):
            return aggregate(contents, [1] * len(contents), self.content)
        return rounds.median([content for content in contents if not isinstance(content, Network)])

    def _counts(self, updates: list[Update]) -> list[int]:
        """Return what each update counts; say of whom less is believed than is claimed."""
        claims = [update.examples for update in updates]
        counts = believable(claims)
        for claim, count in zip(claims, counts, strict=True):
            if count != claim:
                log.warning("round %d: a client claims %d images, twice the usual or more, and "
                            "counts as %d", self.round, claim, count)
        return counts

    def save(self) -> None:
        """Write the file."""
        data = encode(Update(len(self.history), 0, self.content), self.shape)
        best = self.content if self.best is None else self.best
        save_checkpoint(self.path, {
            "best": _tensor(encode(Update(self.kept, 0, best), self.shape)),
            "content": _tensor(data), "history": json.dumps(self.history),
            "memories": {name: _tensor(memory) for name, memory in self.memories.items()}})

    def _restore(self) -> None:
        state = load_checkpoint(self.path)
        try:
            history = json.loads(state["history"])
            if not (isinstance(history, list) and all(isinstance(each, dict) for each in history)):
                raise ValueError
            data = state["content"].numpy().tobytes()
            self.content = decode(data, self.settings.codec, self.shape, len(history)).content
            self.history = history
            data = state["best"].numpy().tobytes()
            self.best = decode(data, self.settings.codec, self.shape, self.kept).content
            self.memories = {name: memory.numpy().tobytes()
                             for name, memory in state.get("memories", {}).items()}
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError, CodecError):
            raise CheckpointError(f"{self.path} does not fit its federation.json") from None


def believable(claims: Sequence[int]) -> list[int]:
    """Return what clients that claim so many images count: less than twice the median.

    So of three or more whose claims are alike, none has the half of all votes, whatever it claims.

    >>> believable([100, 120, 2 ** 32 - 1]), believable([1, 2, 3]), believable([55, 1395, 11215])
    ([100, 120, 239], [1, 2, 3], [55, 1395, 2789])
    """
    most = int(2 * median(claims)) - 1
    return [min(claim, most) for claim in claims]


def _tensor(data: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)
