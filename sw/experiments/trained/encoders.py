"""Encoders side by side: all trained without labels, and the codes that they give."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ...golden import bits
from ...models import encoding
from ...models.autoencoder import BinaryAutoencoder, Encoder, plain_loss
from ...models.binary import binarize
from ...models.encoding import CodeSet
from ...models.shape import CODE_BITS, WIDTH
from ...training import task
from ...training.asked.config import encoder_plan
from ...training.asked.effort import LARGE
from ...training.encoder import LOSSES
from ...training.task import Recipe
from ..effort import Study
from . import rival_encoders as theirs

__all__ = ["ENCODERS", "Source", "train"]


@dataclass(frozen=True)
class Source:
    """Where codes come from.

    Attributes
    ----------
    kind : str
        Ours, ours trained more briefly, ours for a length of code, or one of the theirs.
    learns, encodes : str
        The data sets that the encoder is trained on, and whose images it then enencoding.
    """

    kind: str = "ours"
    learns: str = "mnist"
    encodes: str = "mnist"
    n_bits: int = CODE_BITS
    width: int = WIDTH


ENCODERS = {
    "ours": Source(),
    "fashion": Source("brief", learns="fashion-mnist", encodes="fashion-mnist"),
    "letters": Source("brief", learns="emnist-letters"),
    "published": Source("published"),
    "coins": Source("coins"),
    "signs": Source("signs"),
    **{f"{n_bits} bits": Source("length", n_bits=n_bits, width=WIDTH // 2)
       for n_bits in (50, 100, 200, 400)},
}


def train(study: Study, name: str) -> dict[str, Any]:
    """Train an encoder and keep the codes that it gives; tell how well it reconstructs."""
    source = ENCODERS[name]
    images = study.data(source.learns).train_images
    plan, shape = study.plan, (source.n_bits, source.width)
    ours = partial(BinaryAutoencoder, *shape)
    ours_loss = LOSSES[encoder_plan(source.learns).loss]
    # A data set with twice the images gets half the epochs: letters take no longer than digits.
    share = min(1, 60_000 / len(images))
    kinds: dict[str, tuple[Callable[[], Any], task.Loss, Recipe]] = {
        "ours": (ours, ours_loss, _recipe(plan.encoder_epochs)),
        "brief": (ours, ours_loss, _recipe(max(1, round(plan.brief_epochs * share)))),
        "length": (ours, ours_loss, _recipe(plan.length_epochs)),
        "signs": (ours, plain_loss, Recipe(plan.rival_epochs, *theirs.PACE)),
        "coins": (partial(theirs.BernoulliAutoencoder, *shape), theirs.bernoulli_loss,
                  Recipe(plan.rival_epochs, *theirs.PACE)),
        "published": (partial(theirs.MatchingAutoencoder, *shape, len(images)),
                      theirs.matching_loss,
                      Recipe(plan.published_epochs, *theirs.MATCHING_PACE)),
    }
    begun = time.process_time()
    model = study.fit(f"encoder {name}", *kinds[source.kind], lambda _: [images])
    seconds = time.process_time() - begun
    encoder = model.fold()
    encoder.save(study.folder / "encoders" / f"{name}-{study.seed}.safetensors")
    made = encoding.encode(partial(encoding.extract, encoder), source.n_bits,
                           study.data(source.encodes), n_copies=1)
    study.save_codes(name, made)
    test_images = study.data(source.encodes).test_images
    return {"training_seconds": seconds, "epochs": kinds[source.kind][2].epochs,
            "squared_error": _squared_error(encoder, model.decoder, test_images),
            "constant_bits": _constant_bits(made)}


def _recipe(epochs: int) -> Recipe:
    return Recipe(epochs, LARGE.autoencoder_batch, task.AUTOENCODER_RATE)


@torch.no_grad()
def _squared_error(encoder: Encoder, decoder: nn.Module, images: Tensor) -> float:
    """Return the mean over the images of the sum of squared errors, drawn from the bits alone."""
    errors = [(decoder.eval()(binarize(encoder(batch))).sigmoid() - batch).square().sum()
              for batch in images.split(encoding.BATCH)]
    return float(torch.stack(errors).sum()) / len(images)


def _constant_bits(made: CodeSet) -> int:
    """Count the bits that are the same for 99 of 100 training images."""
    ones = bits.unpack(made.copies[0], made.n_bits).mean(axis=0)
    return int(((ones < 0.01) | (ones > 0.99)).sum())
