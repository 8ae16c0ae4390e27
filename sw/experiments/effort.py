"""What all pieces of the reproduction share: how much is done, with which seed, and where."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors.numpy import load_file, save
from torch import Tensor, nn

from ..golden import regular
from ..golden.network import atomic_write
from ..images import data
from ..images.data import DataSet
from ..models.classifier import BinaryClassifier, FullPrecisionTwin
from ..models.encoding import CodeSet
from ..training import task
from ..training.asked.effort import LARGE
from ..training.run import choose_device
from ..training.task import Recipe, Training

TASKS = ([0, 1], [2, 3], [4, 5], [6, 7], [8, 9])    # HyBNN's five, in its order.
HIDDEN = 128                                        # HyBNN's head.
MAX_CODES = 1 << 30                                 # Bytes of a file.

Model = TypeVar("Model", bound=nn.Module)
Classifier = TypeVar("Classifier", BinaryClassifier, FullPrecisionTwin)


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Attributes
    ----------
    seeds : int
        Seeds 0, 1, …: every number is a mean over these.
    images : int or None
        Train and test on so many images of each data set; None: all.
    encoder_epochs, brief_epochs, length_epochs, rival_epochs, published_epochs : int
        Of our encoder of digits, of those of clothes and of letters, of those for codes of several
        lengths, of its rivals, and of BinPlay's (20 in its program).
    classifier_epochs, cnn_epochs : int
        Of heads (100 in the paper) and of the binary CNN (15 in the paper).
    consecutive_epochs : int
        For each of the five tasks that are learnt one after the other.
    rounds : int
        Of the federation, each one epoch of all clients (paper's value: under 20).
    """

    seeds: int = 3
    images: int | None = None
    encoder_epochs: int = LARGE.autoencoder_epochs
    brief_epochs: int = 4
    length_epochs: int = 2
    rival_epochs: int = 3
    published_epochs: int = 6
    classifier_epochs: int = LARGE.classifier_epochs
    cnn_epochs: int = 3
    consecutive_epochs: int = 3
    rounds: int = 20


REHEARSAL = Plan(seeds=2, images=1000, encoder_epochs=1, brief_epochs=1, length_epochs=1,
                 rival_epochs=1, published_epochs=4, classifier_epochs=2, cnn_epochs=1,
                 consecutive_epochs=1, rounds=2)


@dataclass(frozen=True)
class Study:
    """One seed's part of the reproduction: what a piece needs to do its work.

    Attributes
    ----------
    folder : Path
        Of the results.
    data_dir : Path or None
        Holds the data sets; None: the user's cache, filled by download.
    """

    folder: Path
    data_dir: Path | None
    device: str
    plan: Plan
    seed: int

    def data(self, name: str) -> DataSet:
        """Load a data set, or as much of it as the plan says."""
        whole, n = data.load(name, self.data_dir), self.plan.images
        return replace(whole, train_images=whole.train_images[:n],
                       train_labels=whole.train_labels[:n], test_images=whole.test_images[:n],
                       test_labels=whole.test_labels[:n])

    def fit(self, phase: str, make: Callable[[], Model], loss: task.Loss, recipe: Recipe,
            rows: Callable[[int], Sequence[Tensor]],
            watch: Callable[[Model], object] = lambda _: None) -> Model:
        """Train a model; return it evaluating, on the CPU.

        Parameters
        ----------
        phase : str
            Names the randomness, together with the seed.
        rows : callable
            Gives, for the number of an epoch, the tensors to train on.
        watch : callable
            Is shown the model after each epoch.
        """
        device = choose_device(self.device)
        task.reseed(self.seed, f"{phase}, initial weights")
        model = make().to(device)
        training = Training(model, loss, recipe, phase, self.seed)
        while training.epoch < recipe.epochs:
            training.run_epoch([tensor.to(device) for tensor in rows(training.epoch)],
                               lambda: None)
            watch(model)
        return model.cpu().eval()

    def fit_head(self, phase: str, codes: CodeSet, hidden: int, make: type[Classifier],
                 watch: Callable[[Classifier], object] = lambda _: None,
                 **options: Any) -> Classifier:
        """Train a classifier with one hidden layer on codes; ``options`` are for its class."""
        loss, rate = task.METHODS[make]
        recipe = Recipe(self.plan.classifier_epochs, LARGE.classifier_batch, rate)
        return self.fit(f"{phase} {hidden} {make.__name__}",
                        partial(make, codes.n_bits, [hidden], codes.n_classes, **options), loss,
                        recipe, codes.epoch, watch)

    def save_codes(self, name: str, codes: CodeSet) -> None:
        """Keep the codes that an encoder gave, for all pieces that learn from them."""
        arrays = {"copies": codes.copies, "train_labels": codes.train_labels.numpy(),
                  "test_codes": codes.test_codes, "test_labels": codes.test_labels.numpy(),
                  "n_bits": np.array(codes.n_bits)}
        atomic_write(self._codes_path(name), save(arrays))

    def codes(self, name: str) -> CodeSet:
        """Read what :meth:`save_codes` wrote, of at most 1 GiB."""
        path = self._codes_path(name)
        with regular.open_file(path, MAX_CODES):
            arrays = load_file(path)
        return CodeSet(arrays["copies"], torch.from_numpy(arrays["train_labels"]),
                       arrays["test_codes"], torch.from_numpy(arrays["test_labels"]),
                       int(arrays["n_bits"]))

    def _codes_path(self, name: str) -> Path:
        return self.folder / "codes" / f"{name}-{self.seed}.safetensors"


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, whole or not at all."""
    atomic_write(path, (json.dumps(value, indent=1) + "\n").encode())
