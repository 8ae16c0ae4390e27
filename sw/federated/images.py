"""The images of a federation as codes, made once in each process by the encoder all share."""

from functools import cache, partial
from pathlib import Path

from torch import Tensor

from .. import codes, data, task
from ..autoencoder import Encoder
from ..codes import CodeSet
from .settings import Settings
from .splits import split

__all__ = ["codes_of", "own", "shape_of"]


def codes_of(settings: Settings) -> CodeSet:
    """Encode the images of the task: those to train on, which are split, and those to test on."""
    return _encode(settings.data, settings.data_dir, settings.task, settings.encoder,
                   settings.effort.copies, settings.seed)


@cache
def _encode(name: str, folder: str, of_task: str, encoder: str, copies: int,
            seed: int) -> CodeSet:
    frozen = Encoder.load(Path(encoder))
    chosen = data.select(data.load(name, Path(folder) if folder else None), of_task)
    task.reseed(seed, "copies")
    return codes.encode(partial(codes.extract, frozen), frozen.n_bits, chosen, copies)


def own(settings: Settings, client: int, clients: int, round: int) -> list[Tensor]:
    """Give the signs and labels that one client of several trains on in a round, from 1."""
    found = codes_of(settings)
    rows = split(settings.split, found.train_labels, clients, settings.alpha,
                 settings.seed)[client]
    return [tensor[rows] for tensor in found.epoch(round - 1)]


def shape_of(settings: Settings) -> tuple[int, ...]:
    """Give the widths of the network."""
    found = codes_of(settings)
    return found.n_bits, *settings.widths(), found.n_classes
