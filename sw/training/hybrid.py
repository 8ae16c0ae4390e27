"""A run of ``sw.train`` for a hybrid network: the encoder, the binary network, its baselines."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..golden import bits
from ..golden.codes import save_codes
from ..golden.network import Network
from ..images import data
from ..images.data import DataSet
from ..images.names import SIDE
from ..models import encoding
from ..models.autoencoder import Encoder
from ..models.binarizer import BINARIZERS
from ..models.classifier import BinaryClassifier, FullPrecisionTwin
from ..models.encoding import CodeSet
from ..models.exact import check_equal, export
from . import task
from .asked.config import Config
from .encoder import load_encoder, train_encoder
from .run import Run
from .task import Recipe

__all__ = ["load", "train", "write_network"]

Classifier = TypeVar("Classifier", BinaryClassifier, FullPrecisionTwin)


def load(config: Config) -> tuple[Tensor, DataSet]:
    """Return the training images of all classes, for the autoencoder, and the data of the task."""
    all_classes = data.load(config.data, Path(config.data_dir) if config.data_dir else None)
    return all_classes.train_images, data.select(all_classes, config.task)


def train(run: Run[Config], images: Tensor, chosen: DataSet) -> dict[str, float]:
    """Do all phases of a run and write its files; return the accuracies in per cent.

    ``images`` and ``chosen`` are what :func:`load` returns for the run's configuration.
    """
    # The models are so small that threads would wait for each other more than they help. One also
    # makes sums, and so the result, independent of the number of cores.
    torch.set_num_threads(1)
    encoder = _encoder(run, images)
    encoder.save(run.folder / "encoder.safetensors")

    begun = time.monotonic()
    on_codes = _encode(run, chosen, partial(encoding.extract, encoder), encoder.n_bits)
    seconds_for_codes = round(time.monotonic() - begun, 1)
    model = _train(run, "hybrid", on_codes, BinaryClassifier)
    network = write_network(run.folder, model, on_codes)
    accuracies = {"hybrid": _test(model, on_codes)}

    twin = _train(run, "full_precision_twin", on_codes, FullPrecisionTwin)
    accuracies["full_precision_twin"] = _test(twin, on_codes)
    # HyBNN's sign of a pixel from 0 to 1 is always +1; a threshold of 0.5 is the fair reading.
    for name, at in ("naive_pixels", 0.0), ("thresholded_pixels", 0.5):
        on_pixels = _encode(run, chosen, partial(encoding.threshold_pixels, at=at), SIDE ** 2)
        model = _train(run, name, on_pixels, BinaryClassifier)
        accuracies[name] = _test(model, on_pixels)

    run.save()    # The finished models too, for who compares them with what was made of them.
    seconds = {**run.seconds, "codes": seconds_for_codes}
    run.write_json("metrics.json", _metrics(run.config, accuracies, seconds, encoder, network))
    return accuracies


def _encoder(run: Run[Config], images: Tensor) -> Encoder:
    """Train an encoder, or load the one that the run was told to take: its own copy, if it has one.
    """
    if not run.config.encoder:
        images = images.to(run.device)
        return train_encoder(run, run.config.encoder_plan(), lambda _: [images])
    own = run.folder / "encoder.safetensors"
    return load_encoder(own if own.exists() else Path(run.config.encoder))


def _encode(run: Run[Config], chosen: DataSet, to_codes: Callable[[Tensor], np.ndarray],
            n_bits: int) -> CodeSet:
    task.reseed(run.config.seed, "copies")
    return encoding.encode(to_codes, n_bits, chosen, run.config.effort.copies)


def _train(run: Run[Config], phase: str, inputs: CodeSet, make: type[Classifier]) -> Classifier:
    """Train a classifier of the run's shape; return it evaluating, on the CPU."""
    loss, rate = task.METHODS[make]
    effort = run.config.effort
    recipe = Recipe(effort.classifier_epochs, effort.classifier_batch, rate)
    model = partial(make, inputs.n_bits, run.config.hidden, inputs.n_classes)
    if issubclass(make, BinaryClassifier):
        model = partial(model, binarizer=BINARIZERS[run.config.binarizer])
    return run.train(phase, model, loss, recipe, lambda number: [
        tensor.to(run.device) for tensor in inputs.epoch(number)]).cpu()


def _test(model: nn.Module, inputs: CodeSet) -> float:
    return round(task.test(model, *inputs.test()), 2)


def write_network(folder: Path, model: BinaryClassifier, inputs: CodeSet) -> Network:
    """Write network and test codes, once they are known to agree with the model."""
    network = export(model)
    check_equal(network, task.classify(model, inputs.test()[0]),
                bits.unpack(inputs.test_codes, inputs.n_bits))
    network.save(folder / "network.safetensors")
    save_codes(folder / "codes.safetensors", inputs.test_codes,
               inputs.test_labels.numpy(), inputs.n_bits)
    return network


def _metrics(config: Config, accuracies: dict[str, float], seconds: dict[str, float],
             encoder: Encoder, network: Network) -> dict[str, object]:
    """Gather what ``metrics.json`` says; accuracies are per cent of the test images."""
    thresholds = sum(layer.n_out for layer in network.layers)
    return {
        "accuracy": accuracies,
        "data": config.data,
        "task": config.task,
        "binarizer": config.binarizer,
        "seed": config.seed,
        "network": {"shape": str(network), "weight_bits": network.n_weights,
                    "weight_bytes": network.n_weights // 8, "thresholds": thresholds,
                    "offsets": network.n_classes, "binary_macs": network.n_weights},
        "encoder": {"width": encoder.shape.width, "code_bits": encoder.n_bits, "macs": encoder.macs,
                    "parameters": sum(p.numel() for p in encoder.parameters())},
        "seconds": seconds,
        "versions": Run.versions(),
    }
