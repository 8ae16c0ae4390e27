"""SD-BNN's ResNet-20 on CIFAR-10, trained in 40 epochs with one binarizer and one seed: an arm.

The published recipe (arXiv 2103.02394 and its program) is kept: layers, how the gradient of the
binarizer sharpens, stochastic descent with momentum and weight decay, batches of 128, images that
are shifted by up to 4 pixels and mirrored. Nothing was chosen here, so no image had to be held out
for it.

These depart from it. Epochs are 40, not 500. The rate makes one cycle, batch by batch: it rises to
the published 0.11 in the first 30 per cent, then falls along half a cosine. Latent weights are
clipped to -1 and +1. Colours have another mean and deviation, see :mod:`sw.models.sdbnn`. The sign
of 0 is +1. The arm ``sign`` has the plain straight-through gradient, so that the arms differ by all
three parts of SD-BNN: shifted weights, shifted activations, and EDE.
"""

import json
import os
import platform
import re
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...golden import regular
from ...golden.network import atomic_write
from ...models.binarizer import BINARIZERS
from ...models.checkpoint import save_model
from ...models.sdbnn import loss, normalise, with_static_shifts
from ...training import deep, run, task
from ...training.asked.effort import DEEP, DEEP_BATCH, RunError
from ...training.device import Engine
from ...training.task import Recipe

__all__ = ["MODEL", "Arm", "Protocol", "train"]

MODEL = "resnet20"


@dataclass(frozen=True)
class Protocol:
    """How an arm is trained: the rate rises in the part ``rise`` of the training.

    ``images`` to train and to test on, at most; None: all.
    """

    epochs: int = 40
    batch: int = DEEP_BATCH
    rate: float = DEEP[MODEL].rate
    rise: float = 0.3
    images: int | None = None


@dataclass(frozen=True)
class Arm:
    """A binarizer, by name, and a seed."""

    binarizer: str
    seed: int

    def __str__(self) -> str:
        return f"{self.binarizer}-{self.seed}"


def train(folder: Path, arm: Arm, protocol: Protocol, data: list[Tensor]) -> dict[str, Any]:
    """Train an arm in its folder, or what is left to train of it; return what it came to.

    An arm that was broken off loses the epoch it was in, and ends as if it had not been. The folder
    keeps ``checkpoint.safetensors`` and the trained ``model.safetensors``.

    Parameters
    ----------
    data : list of Tensor
        See :func:`sw.images.cifar.load`.
    """
    torch.set_num_threads(1)    # Sums are the same on any machine; another arm has another core.
    images, labels, test_images, test_labels = (each[:protocol.images] for each in data)
    config = {"model": MODEL, **asdict(arm), **asdict(protocol)}
    phases = run.Phases(folder, arm.seed, _begin(folder, config), Engine(torch.device("cpu")))
    recipe = Recipe(protocol.epochs, protocol.batch, protocol.rate, partial(
        torch.optim.SGD, momentum=0.9, weight_decay=1e-4), protocol.rise)
    model = phases.train(MODEL, partial(_make, arm.binarizer), loss, recipe,
                         _Epochs(str(arm), protocol.epochs, [images, labels]))
    phases.save()
    save_model(folder / "model.safetensors", model, format=deep.FORMAT, model=MODEL,
               binarizer=arm.binarizer)
    found = {"dynamic": model, "static": with_static_shifts(model, images)}
    if not BINARIZERS[arm.binarizer].asd:
        found = {"dynamic": model}
    accuracy = {name: round(task.test(each, normalise(test_images), test_labels), 2)
                for name, each in found.items()}
    return {**config, "images": {"train": len(images), "test": len(test_images)},
            "accuracy": accuracy, "losses": phases.losses(MODEL),
            "seconds": {"cpu": phases.cpu(MODEL), "wall": phases.seconds[MODEL]},
            "threads": torch.get_num_threads(), "machine": _machine(),
            "versions": phases.versions()}


def _begin(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Return the states that the checkpoint in ``folder`` has, if it is one of this arm."""
    path = folder / "config.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(path, (json.dumps(config, indent=2) + "\n").encode())
    if regular.read_json(path) != config:
        raise RunError(f"{folder} is another run: give another --out")
    return run.unfinished(folder, path.name)


def _make(binarizer: str) -> nn.Module:
    model = deep.make(MODEL, BINARIZERS[binarizer])
    # Convolutions take a sixth less time.
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # Lacks this.
    return model


class _Epochs:
    """The same images in each epoch; says where the training is, and how long it will take.

    The first call is for the number of batches, as :meth:`sw.training.run.Phases.train` has it.
    """

    def __init__(self, name: str, epochs: int, rows: list[Tensor]) -> None:
        self._name, self._epochs, self._rows = name, epochs, rows
        self._begun: list[float] = []

    def __call__(self, epoch: int) -> list[Tensor]:
        self._begun.append(time.monotonic())
        if len(self._begun) > 2:
            pace = (self._begun[-1] - self._begun[1]) / (len(self._begun) - 2)
            print(f"{self._name}: epoch {epoch + 1} of {self._epochs}, {pace / 60:.2f} minutes "
                  f"each, {(self._epochs - epoch) * pace / 3600:.1f} hours left", flush=True)
        return self._rows


def _machine() -> str:
    """Return the processor's name, and how many of its cores there are."""
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return f"{found[1].strip() if found else platform.machine()}, {os.cpu_count()} cores"
