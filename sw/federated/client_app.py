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

from ..models.classifier import BinaryClassifier
from ..training.task import Training
from . import message, rounds
from . import site_codes as images
from .codec import Update, decode, encode
from .settings import Settings

__all__ = ["app"]

MEMORY = "training"    # Latent weights, batch norm and Adam's moments stay here between rounds.
LOCAL = ("data-dir", "encoder")

app = ClientApp()


@app.query()
def query(question: Message, context: Context) -> Message:
    """Say which client this is."""
    number, _, _ = _place(context)
    return Message(RecordDict({"client": MetricRecord({"number": number})}), reply_to=question)


@app.train()
def train(question: Message, context: Context) -> Message:
    """Learn for a round, once what the server sent is judged by the images held out."""
    # As in sw.train: the sums do not depend on the number of cores, and threads would only wait.
    torch.set_num_threads(1)
    settings = _settings(context)
    number, part, parts = _place(context)
    shape, asked = images.shape_of(settings), _asked(question, settings)
    training = rounds.begin(settings.codec, shape, rounds.recipe(settings), settings.seed, number)
    _recall(training, context)
    rows, held = images.own(settings, part, parts, asked.round)
    right = rounds.right(asked.content, shape, held)
    rounds.learn(training, asked.content, asked.round, rows)
    _remember(training, context)
    model = cast(BinaryClassifier, training.model)
    answer = Update(asked.round, len(rows[1]), rounds.give(model, settings.codec), len(held[1]),
                    right)
    base = None if isinstance(asked.content, dict) else asked.content
    return Message(message.write(encode(answer, shape, base)), reply_to=question)


@app.evaluate()
def evaluate(question: Message, context: Context) -> Message:
    """Say how many of the images held out what the server sent gets right."""
    torch.set_num_threads(1)
    settings = _settings(context)
    _, part, parts = _place(context)
    shape, asked = images.shape_of(settings), _asked(question, settings)
    rows, held = images.own(settings, part, parts, asked.round)
    answer = Update(asked.round, len(rows[1]), {}, len(held[1]),
                    rounds.right(asked.content, shape, held))
    return Message(message.write(encode(answer, shape)), reply_to=question)


def _settings(context: Context) -> Settings:
    return Settings.of({**context.run_config, **{
        key: value for key, value in context.node_config.items() if key in LOCAL}})


def _asked(question: Message, settings: Settings) -> Update:
    return decode(message.read(question), settings.codec, images.shape_of(settings),
                  int(question.metadata.group_id))


def _place(context: Context) -> tuple[int, int, int]:
    """Return the client's number, that of its part of the images, and how many parts there are."""
    config = context.node_config
    part = int(config.get("partition-id", 0))
    return int(config.get("client", part)), part, int(config.get("num-partitions", 1))


def _remember(training: Training, context: Context) -> None:
    """Keep a training in the node's memory, which Flower does not send."""
    state = training.state()
    tensors = {f"model/{name}": tensor for name, tensor in state["model"].items()}
    for number, moments in state["optimizer"].items():
        tensors |= {f"{number}/{name}": tensor for name, tensor in moments.items()}
    context.state[MEMORY] = ConfigRecord({"state": save(tensors)})


def _recall(training: Training, context: Context) -> None:
    """Restore a training from the node's memory; a node without one begins anew."""
    if MEMORY not in context.state:
        return
    record = cast(ConfigRecord, context.state[MEMORY])
    state: dict[str, dict[str, torch.Tensor]] = {"model": {}}
    for key, tensor in load(cast(bytes, record["state"])).items():
        group, name = key.split("/")
        state.setdefault(group, {})[name] = tensor
    training.restore({"epoch": 0, "model": state.pop("model"), "optimizer": state})
