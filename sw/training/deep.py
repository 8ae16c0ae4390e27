"""A run of ``sw.train`` for one of SD-BNN's own networks: load CIFAR-10, train, test, export."""

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..images import cifar
from ..models.binary import BINARIZERS, BinaryConv2d
from ..models.checkpoint import save_model
from ..models.sdbnn import METHODS, loss, normalise
from . import task
from .run import Config, Run

__all__ = ["FORMAT", "load", "train"]

FORMAT = "hybnn-model-1"


def load(config: Config) -> list[Tensor]:
    """Return images and labels to train on, then those to test on: :func:`sw.images.cifar.load`."""
    whole = cifar.load(Path(config.data_dir) if config.data_dir else None)
    return [tensor[:config.images] for tensor in whole]


def train(run: Run, images: Tensor, labels: Tensor, test_images: Tensor,
          test_labels: Tensor) -> dict[str, float]:
    """Train, test and export; return the accuracy in per cent of the test images."""
    torch.set_num_threads(1)    # As for a hybrid network: sums are the same on any machine.
    config, method = run.config, METHODS[run.config.model]
    recipe = method.recipe(config.effort.classifier_epochs, config.effort.classifier_batch)
    data = [images.to(run.device), labels.to(run.device)]
    model = run.train(config.model, partial(method.model, BINARIZERS[config.binarizer]), loss,
                      recipe, lambda _: data)
    accuracy = {config.model: round(task.test(model, normalise(test_images), test_labels), 2)}
    run.save()
    # Real numbers, of which binary layers use the signs.
    save_model(run.folder / "model.safetensors", model, format=FORMAT, model=config.model,
               binarizer=config.binarizer)
    run.write_json("metrics.json", {
        "accuracy": accuracy, "data": config.data, "binarizer": config.binarizer,
        "seed": config.seed, "images": {"train": len(images), "test": len(test_images)},
        "losses": run.losses(config.model), "seconds": run.seconds,
        "network": {"parameters": sum(p.numel() for p in model.parameters()),
                    "binary_weights": sum(module.weight.numel() for module in model.modules()
                                          if isinstance(module, BinaryConv2d))},
        "versions": run.versions("lightning-fabric"),
    })
    return accuracy
