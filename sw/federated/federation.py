"""The server's side without Flower: what is asked, what is believed, and what becomes of it."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from ..models.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from ..models.classifier import BinaryClassifier
from . import onebit, rounds, steps
from .codec import CodecError, Content, Steps, Update, decode, encode
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
    content : Steps or State
        All steps so far, or the state.
    best : Steps, State or None
        Of the rounds that were judged so far, that of the round :attr:`kept`.
    unsaid : list of ndarray
        What the last of the steps left of what was agreed on.
    history : list of dict
        What there is to say about each round, for ``metrics.json``.
    strangers : set of int
        Clients that need not remember what they were told in rounds before.
    memories : dict of str to bytes
        What clients kept after the last round, where they live in the server's process.
    """

    def __init__(self, settings: Settings, shape: tuple[int, ...], path: Path) -> None:
        self.settings, self.shape, self.path = settings, shape, path
        self.content: Content = (() if settings.codec == "onebit" else
                                 rounds.first(shape, settings.seed))
        self.unsaid: list[steps.Floats] = [np.zeros(ends, np.float32)
                                           for ends in steps.layers(shape)]
        self.best: Content | None = None
        self.history: list[dict[str, Any]] = []
        self.memories: dict[str, bytes] = {}
        self.strangers: set[int] = set()
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

    def model(self, content: Content) -> BinaryClassifier:
        """Make the evaluating model that computes what was agreed on."""
        if not isinstance(content, tuple):
            return rounds.model_of(content, self.shape)
        return onebit.model_of(self._latent(content))

    def _latent(self, content: Steps) -> steps.Latent:
        return steps.beginning(self.shape, self.settings.seed).after(content)

    def question(self, client: int, round: int) -> bytes:
        """Return what a client is sent in a round; in the last again, once it is done, to judge."""
        content = self.content
        if isinstance(content, tuple):
            content = content[self._known(client):]
        return encode(Update(round, 0, content), self.shape)

    def _known(self, client: int) -> int:
        """Return how many steps a client knows for sure: those before the round that it was last
        asked in, if its answer was taken. Where one was not, or where another node says that it is
        this client, it may have forgotten all."""
        for entry in reversed(self.history if client not in self.strangers else []):
            if client in entry["asked"]:
                return int(entry["round"]) - 1 if client in entry["clients"] else 0
        return 0

    def read(self, data: bytes) -> Update:
        """Read an answer to a round's :meth:`question`, or raise :exc:`CodecError`."""
        update = decode(data, self.settings.codec, self.shape, self.round, most=1)
        if update.examples < 1:
            raise CodecError("It was learnt from no image")
        if not len(update.content):
            raise CodecError("It holds no step")
        return update

    def read_score(self, data: bytes) -> Update:
        """Read what a client says of the last round, or raise :exc:`CodecError`."""
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
        self.strangers -= updates.keys()
        if believed:
            self.content = self._agree(believed)
        elif isinstance(self.content, tuple):
            self.content = *self.content, self._latent(self.content).stay()    # One for each round.
        self.history.append({"round": self.round, "clients": sorted(updates), **said})

    def _agree(self, updates: list[Update]) -> Content:
        robust = self.settings.robust
        counts = [1] * len(updates) if robust else self._counts(updates)
        if isinstance(self.content, tuple):
            said = [step for update in updates if isinstance(update.content, tuple)
                    for step in update.content]
            step, self.unsaid = steps.agree(said, counts, self.unsaid, 0 if robust else steps.FAR)
            return *self.content, step
        states = [update.content for update in updates if not isinstance(update.content, tuple)]
        return rounds.median(states) if robust else rounds.average(states, counts)

    def _counts(self, updates: list[Update]) -> list[int]:
        """Return what each update counts; say of whom less is believed than is claimed."""
        claims = [update.examples for update in updates]
        counts = believable(claims)
        for claim, count in zip(claims, counts, strict=True):
            if claim >= 2 * count:
                log.warning("round %d: a client claims %d images, twice the usual or more, and "
                            "counts as %d", self.round, claim, count)
        return counts

    def save(self) -> None:
        """Write the file."""
        data = encode(Update(len(self.history), 0, self.content), self.shape)
        best = self.content if self.best is None else self.best
        save_checkpoint(self.path, {
            "best": _tensor(encode(Update(self.kept, 0, best), self.shape)),
            "content": _tensor(data),
            "unsaid": {str(layer): torch.from_numpy(left)
                       for layer, left in enumerate(self.unsaid)},
            "history": json.dumps(self.history),
            "memories": {name: _tensor(memory) for name, memory in self.memories.items()}})

    def _restore(self) -> None:
        state = load_checkpoint(self.path)
        try:
            history = json.loads(state["history"])
            if not isinstance(history, list):
                raise ValueError
            for each in history:    # What a question is made of.
                _ = int(each["round"]), {*each["asked"]}, {*each["clients"]}
            data = state["content"].numpy().tobytes()
            self.content = decode(data, self.settings.codec, self.shape, len(history)).content
            self.history = history
            self.unsaid = [state["unsaid"][str(layer)].numpy().reshape(left.shape)
                           for layer, left in enumerate(self.unsaid)]
            data = state["best"].numpy().tobytes()
            best = decode(data, self.settings.codec, self.shape, self.kept).content
            self.best = best if any("held_out" in each for each in history) else None
            self.memories = {name: memory.numpy().tobytes()
                             for name, memory in state.get("memories", {}).items()}
        except CodecError as error:
            raise CheckpointError(f"{self.path} cannot be gone on with: {error}. Begin a new run"
                                  ) from None
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
            raise CheckpointError(f"{self.path} does not fit its federation.json") from None


def believable(claims: Sequence[int]) -> list[int]:
    """Return what clients that claim so many images count: no more than the median of the claims.

    So of three or more whose claims are alike, none has more than its part, whatever it claims.

    >>> believable([100, 120, 2 ** 32 - 1]), believable([1, 2, 3]), believable([55, 1395, 11215])
    ([100, 120, 120], [1, 2, 2], [55, 1395, 1395])
    """
    most = int(median(claims))
    return [min(claim, most) for claim in claims]


def _tensor(data: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)
