"""The client: learns from its own images and answers with what it learnt, never with an image.

What it is told by its node, in simulation and in ``flower-supernode --node-config``:

* ``partition-id`` and ``num-partitions``: which part of the training images is its own; without
  them, all;
* ``client``: its number, which no other has; without it, that of its part;
* ``data-dir`` and ``encoder``, where they lie elsewhere than on the server.
"""

from typing import cast

import torch
from flwr.app import ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from safetensors.torch import load, save
from torch import Tensor

from ..training import task
from . import message, onebit, rounds
from . import site_codes as images
from .codec import Update, decode, encode
from .settings import Settings

__all__ = ["app"]

MEMORY = "training"    # What a client keeps to itself between rounds.
LOCAL = ("data-dir", "encoder")
Client = rounds.Client | onebit.Client
CLIENTS: dict[str, type[Client]] = {"float32": rounds.Client, "onebit": onebit.Client}

app = ClientApp()


@app.query()
def query(question: Message, context: Context) -> Message:
    """Say which client this is."""
    number, _, _ = _place(context)
    return Message(RecordDict({"client": MetricRecord({"number": number})}), reply_to=question)


@app.train()
def train(question: Message, context: Context) -> Message:
    """Learn for a round, once what the server sent is judged by the images held out."""
    settings, asked, client, rows, held = _begin(question, context)
    client.told(asked.content, asked.round)
    right = _right(client, held)
    content = client.learn(rows)
    context.state[MEMORY] = ConfigRecord({"state": save(client.memory())})
    answer = Update(asked.round, len(rows[1]), content, len(held[1]), right)
    return Message(message.write(encode(answer, images.shape_of(settings))), reply_to=question)


@app.evaluate()
def evaluate(question: Message, context: Context) -> Message:
    """Say how many of the images held out what the last round led to gets right."""
    settings, asked, client, rows, held = _begin(question, context)
    client.told(asked.content, asked.round + 1)
    answer = Update(asked.round, len(rows[1]), {}, len(held[1]), _right(client, held))
    return Message(message.write(encode(answer, images.shape_of(settings))), reply_to=question)


def _begin(question: Message, context: Context) -> tuple[
        Settings, Update, Client, list[Tensor], list[Tensor]]:
    """Return what is asked, who answers, and its images: to train on, and held out."""
    # As in sw.train: the sums do not depend on the number of cores, and threads would only wait.
    torch.set_num_threads(1)
    settings = _settings(context)
    number, part, parts = _place(context)
    shape = images.shape_of(settings)
    asked = decode(message.read(question), settings.codec, shape,
                   int(question.metadata.group_id))
    record = cast(ConfigRecord, context.state[MEMORY]) if MEMORY in context.state else None
    client = CLIENTS[settings.codec](settings, shape, number,
                                     load(cast(bytes, record["state"])) if record else None)
    return settings, asked, client, *images.own(settings, part, parts, asked.round)


def _right(client: Client, rows: list[Tensor]) -> int:
    """Count the rows, signs and labels, whose class is found by what the client was told."""
    signs, labels = rows
    return int((task.classify(client.model(), signs) == labels).sum()) if len(labels) else 0


def _settings(context: Context) -> Settings:
    return Settings.of({**context.run_config, **{
        key: value for key, value in context.node_config.items() if key in LOCAL}})


def _place(context: Context) -> tuple[int, int, int]:
    """Return the client's number, that of its part of the images, and how many parts there are."""
    config = context.node_config
    part = int(config.get("partition-id", 0))
    return int(config.get("client", part)), part, int(config.get("num-partitions", 1))
