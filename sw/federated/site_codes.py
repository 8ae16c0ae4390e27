"""The images of a federation as codes, made once in each process by the encoder all share."""

from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor

from ..images import data
from ..images.data import DataSet
from ..models import encoding
from ..models.autoencoder import Encoder
from ..models.encoding import CodeSet
from ..training import task
from .settings import Settings
from .splits import split

__all__ = ["codes_of", "know", "load", "own", "shape_of"]

HELD = 10    # Of so many images of a client it holds one out.

_known: dict[tuple[object, ...], CodeSet] = {}


def load(settings: Settings) -> tuple[Tensor, DataSet]:
    """Return the training images of all classes, for an encoder, and the data of the task."""
    whole = data.load(settings.data, Path(settings.data_dir) if settings.data_dir else None)
    return whole.train_images, data.select(whole, settings.task)


def codes_of(settings: Settings) -> CodeSet:
    """Encode the images of the task: those to train on, which are split, and those to test on."""
    key = _key(settings)
    if key not in _known:
        _known[key] = _encode(settings)
    return _known[key]


def know(settings: Settings, encoded: CodeSet) -> None:
    """Take these for the codes of the images, in this process."""
    _known[_key(settings)] = encoded


def _key(settings: Settings) -> tuple[object, ...]:
    return (settings.data, settings.data_dir, settings.task, settings.encoder, settings.seed)


def _encode(settings: Settings) -> CodeSet:
    frozen = Encoder.load(Path(settings.encoder))
    _, chosen = load(settings)
    task.reseed(settings.seed, "copies")
    return encoding.encode(partial(encoding.extract, frozen), frozen.n_bits, chosen,
                           settings.effort.copies)


def own(settings: Settings, part: int, parts: int, round: int
        ) -> tuple[list[Tensor], list[Tensor]]:
    """Return signs and labels of one part of several: to train on in a round, from 1, and held out.

    Those held out are the same in all rounds: a tenth of the part, drawn at random.
    """
    found = codes_of(settings)
    rows = split(settings.split, found.train_labels, parts, settings.alpha, settings.seed,
                 settings.classes)[part]
    rows = rows[np.random.default_rng([settings.seed, part]).permutation(len(rows))]
    held, learnt = rows[:len(rows) // HELD], rows[len(rows) // HELD:]
    return ([tensor[learnt] for tensor in found.epoch(round - 1)],
            [tensor[held] for tensor in found.epoch(0)])


def shape_of(settings: Settings) -> tuple[int, ...]:
    """Return the widths of the network."""
    found = codes_of(settings)
    return found.n_bits, *settings.widths(), found.n_classes
