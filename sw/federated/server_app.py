"""The server: asks clients round by round, believes what it can read, and writes the run's folder.

What goes wrong with one client costs the round this client and nothing else; the reason is logged
and kept in ``metrics.json``.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid, ServerApp

from ..models.checkpoint import CheckpointError
from ..training import task
from ..training.asked.effort import RunError
from . import message
from . import site_codes as images
from .codec import CodecError, Update
from .federation import Federation
from .run import finish, prepare
from .settings import Settings
from .simulation import Simulation

__all__ = ["app", "federate", "serve"]

STATE = "federation.safetensors"
PAUSE = 1.0         # Seconds between two looks for clients.
log = logging.getLogger("flwr")

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run a federation, or what is left of it, with ``flwr run``."""
    settings = Settings.of(context.run_config)
    folder = prepare(settings)
    serve(grid, settings, folder, lambda entry: log.info(_line(entry)))


def _line(entry: dict[str, object]) -> str:
    return (f"round {entry['round']}: {entry['accuracy']:.2f} %, "
            f"{entry['bytes_down']} bytes down, {entry['bytes_up']} up")


def serve(grid: Grid, settings: Settings, folder: Path,
          tick: Callable[[dict[str, object]], object]) -> int:
    """Do all rounds that are left and write the best into a folder; return its number."""
    torch.set_num_threads(1)
    begun = time.monotonic()
    federation = Federation(settings, images.shape_of(settings), folder / STATE)
    if isinstance(grid, Simulation):
        try:
            grid.remember(federation.memories)
        except ValueError as error:
            raise CheckpointError(f"{federation.path} does not fit its federation.json: {error}"
                                  ) from None
    federate(grid, federation, tick)
    if not any(entry["clients"] for entry in federation.history):
        # What they all say once more would be said from here on too: begin again.
        federation.path.unlink()
        reasons = federation.history[-1]["refused"]
        raise RunError(f"In {settings.rounds} rounds no client's answer was taken, so nothing was "
                       f"learnt; the same command begins again: {next(iter(reasons.values()), '')}")
    finish(folder, federation, time.monotonic() - begun)
    return federation.kept


def federate(grid: Grid, federation: Federation,
             tick: Callable[[dict[str, object]], object]) -> None:
    """Do all rounds that are left; ``tick`` is given each one's entry of the history."""
    settings, clients = federation.settings, dict[int, int]()
    while federation.round <= settings.rounds:
        _meet(grid, clients, federation)
        asked = _sample(clients, federation)
        updates, refused, down, up = _ask(grid, federation, asked, "train", federation.round)
        federation.close(updates, refused=refused, asked=sorted(asked.values()), bytes_down=down,
                         bytes_up=up)
        _evaluate(federation)
        if isinstance(grid, Simulation):
            federation.memories = grid.memories()
        federation.save()
        tick(federation.history[-1])
    if federation.history and "held_out" not in federation.history[-1]:
        if not clients:    # All rounds were done before.
            _meet(grid, clients, federation)
        # All judge what the last round led to: no round comes after it.
        entry = federation.history[-1]
        scores, _, down, up = _ask(grid, federation, clients, "evaluate", entry["round"])
        federation.judge(scores[number] for number in sorted(scores))
        entry["bytes_down"] += down
        entry["bytes_up"] += up
        federation.save()


def _ask(grid: Grid, federation: Federation, asked: dict[int, int], what: str, round: int
         ) -> tuple[dict[int, Update], dict[str, str], int, int]:
    """Ask nodes, whose clients have these numbers; return what :func:`_read` does, and how many
    bytes went down and came up."""
    questions = [Message(message.write(federation.question(number, round)), node, what,
                         group_id=str(round)) for node, number in asked.items()]
    timeout = federation.settings.timeout
    answers = list(grid.send_and_receive(questions, timeout=timeout))
    updates, refused = _read(answers, asked, federation.read if what == "train" else
                             federation.read_score, timeout)
    for reason in refused.values():
        log.warning("round %d: %s", round, reason)
    return (updates, refused, sum(map(message.size, questions)),
            sum(map(message.size, answers)))


def _meet(grid: Grid, clients: dict[int, int], federation: Federation) -> None:
    """Ask nodes that are new which client they are, until there are enough: node to number."""
    settings = federation.settings
    end = time.monotonic() + settings.timeout
    while True:
        present = set(grid.get_node_ids())
        for node in clients.keys() - present:
            del clients[node]
        known = clients.keys() & present
        new = [Message(RecordDict(), node, "query") for node in sorted(present - known)]
        for answer in grid.send_and_receive(new, timeout=settings.timeout) if new else ():
            _welcome(clients, answer)
        if not isinstance(grid, Simulation):    # Whose nodes are given their memories back.
            federation.strangers |= {clients[node] for node in present - known if node in clients}
        if len(clients) >= settings.clients:
            return
        if time.monotonic() > end:
            raise RunError(f"After {settings.timeout:g} seconds there are {len(clients)} clients, "
                           f"not {settings.clients}")
        time.sleep(PAUSE)


def _welcome(clients: dict[int, int], answer: Message) -> None:
    """Note which client a node is, if it says so and no other is."""
    node = answer.metadata.src_node_id
    record = answer.content.get("client") if answer.has_content() else None
    number = record.get("number") if isinstance(record, MetricRecord) else None
    if type(number) is not int or number < 0:
        log.warning("node %d does not say which client it is", node)
    elif number in clients.values():
        log.warning("node %d says that it is client %d, which is there already", node, number)
    else:
        clients[node] = number


def _sample(clients: dict[int, int], federation: Federation) -> dict[int, int]:
    """Choose whom to ask in this round, by their numbers: the same whatever Flower calls them."""
    settings = federation.settings
    by_number = sorted(clients, key=lambda node: (clients[node], node))
    size = max(1, math.ceil(settings.fraction * len(by_number)))
    rng = np.random.default_rng([settings.seed, federation.round])
    chosen = sorted(rng.choice(len(by_number), size, replace=False))
    return {by_number[place]: clients[by_number[place]] for place in chosen}


def _read(answers: Iterable[Message], asked: dict[int, int], read: Callable[[bytes], Update],
          timeout: float) -> tuple[dict[int, Update], dict[str, str]]:
    """Read the answers: updates by client, and why others have none, by client too."""
    updates: dict[int, Update] = {}
    refused = {number: f"client {number} did not answer in {timeout:g} seconds"
               for number in asked.values()}
    for answer in answers:
        number = asked.get(answer.metadata.src_node_id)
        if number is None or number in updates:
            continue
        try:
            if answer.has_error():
                raise CodecError(f"It failed: {' '.join(str(answer.error.reason).split())[:200]}")
            updates[number] = read(message.read(answer))
            del refused[number]
        except CodecError as error:
            refused[number] = f"client {number}'s answer is refused: {error}"
    return updates, {str(number): reason for number, reason in refused.items()}


def _evaluate(federation: Federation) -> None:
    """Put the per cent of the test images into the history."""
    model = federation.model(federation.content)
    codes = images.codes_of(federation.settings)
    federation.history[-1]["accuracy"] = round(task.test(model, *codes.test()), 2)
