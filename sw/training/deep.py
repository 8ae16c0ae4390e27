"""A run of ``sw.train`` for one of SD-BNN's own networks: load CIFAR-10, train, test, export."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from ..images import cifar
from ..models.binarizer import BINARIZERS, Binarizer
from ..models.binary import BinaryConv2d
from ..models.checkpoint import save_model
from ..models.sdbnn import NETWORKS, loss, normalise
from . import task
from .asked.config import DeepConfig
from .asked.effort import DEEP
from .run import Run
from .task import Recipe

__all__ = ["FORMAT", "load", "make", "train"]

FORMAT = "hybnn-model-1"


def load(config: DeepConfig) -> list[Tensor]:
    """Return images and labels to train on, then those to test on: :func:`sw.images.cifar.load`."""
    whole = cifar.load(Path(config.data_dir) if config.data_dir else None)
    return [tensor[:config.images] for tensor in whole]


def make(model: str, binarizer: Binarizer) -> nn.Module:
    """Make a network, whose binarizer begins as sharp as its recipe says."""
    return NETWORKS[model](replace(binarizer, least=DEEP[model].least))


def _recipe(config: DeepConfig) -> Recipe:
    """Return how it is trained: stochastic descent with momentum and weight decay."""
    return Recipe(config.epochs, config.batch, DEEP[config.model].rate,
                  partial(torch.optim.SGD, momentum=0.9, weight_decay=1e-4))


def train(run: Run[DeepConfig], images: Tensor, labels: Tensor, test_images: Tensor,
          test_labels: Tensor) -> dict[str, float]:
    """Train, test and export; return the accuracy in per cent of the test images."""
    torch.set_num_threads(1)    # As for a hybrid network: sums are the same on any machine.
    config, data = run.config, [images.to(run.device), labels.to(run.device)]
    model = run.train(config.model, partial(make, config.model, BINARIZERS[config.binarizer]), loss,
                      _recipe(config), lambda _: data)
    accuracy = {config.model: round(task.test(model, normalise(test_images), test_labels), 2)}
    run.save()
    # Real numbers, of which binary layers use the signs.
    save_model(run.folder / "model.safetensors", model, format=FORMAT, model=config.model,
               binarizer=config.binarizer)
    run.write_json("metrics.json", {
        "accuracy": accuracy, "data": "cifar10", "binarizer": config.binarizer,
        "seed": config.seed, "images": {"train": len(images), "test": len(test_images)},
        "losses": run.losses(config.model), "seconds": run.seconds,
        "network": {"parameters": sum(p.numel() for p in model.parameters()),
                    "binary_weights": sum(module.weight.numel() for module in model.modules()
                                          if isinstance(module, BinaryConv2d))},
        "versions": run.versions("lightning-fabric"),
    })
    return accuracy
