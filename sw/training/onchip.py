"""A run of ``sw.train --on-chip``: a network that takes pixels and lies whole on the chip."""

import math
import time
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ..golden import bits, forward
from ..golden.codes import save_codes
from ..golden.network import Network
from ..golden.stages import Map, Signature
from ..images import data
from ..images.data import DataSet
from ..models import onchip
from ..models.binarizer import BINARIZERS
from ..models.exact import check_equal
from ..models.onchip import OnChip
from . import task
from .effort import RunError
from .run import Run
from .stages import OnChipConfig, augment_for, effort_for, signature
from .task import BINARY_RATE, SMOOTHING, Recipe

__all__ = ["PHASE", "augmented", "decide", "elements", "load", "train", "write_network"]

PHASE = "on_chip"    # Of the run, in its checkpoint and its metrics.
SHIFT = 2            # Rows and columns, at the most.


def decide(spec: str, name: str, data_dir: str | None, task: str, *, pixels: int, binarizer: str,
           seed: int, device: str, epochs: int | None, augment: str | None,
           threads: int) -> OnChipConfig:
    """Settle what was left open by what the data are; ``spec`` is one of :func:`signature`."""
    chosen = data.select(data.load(name, Path(data_dir) if data_dir else None), task)
    n, channels, side, _ = chosen.train_images.shape
    usual = effort_for(n)
    return OnChipConfig(
        str(signature(spec, side, channels, pixels, len(chosen.classes))), name, data_dir, task,
        binarizer, seed, device, usual.epochs if epochs is None else epochs, usual.batch,
        augment or augment_for(name), threads)


def load(config: OnChipConfig) -> tuple[DataSet]:
    """Return the data of the run's task."""
    found = data.load(config.data, Path(config.data_dir) if config.data_dir else None)
    chosen = data.select(found, config.task)
    takes = Signature.parse(config.signature).input
    if chosen.train_images.shape[1:] != (takes.channels, takes.height, takes.width):
        raise RunError(f"The network takes images of {takes}, not such as those of {config.data}")
    if len(chosen.train_labels) < config.batch:
        raise RunError(f"A batch must be at most the {len(chosen.train_labels)} images there are, "
                       f"not {config.batch}")
    return (chosen,)


def elements(images: Tensor, takes: Map) -> Tensor:
    """Return what a network takes of images, uint8: ``(n, channels, height, width)`` from 0 to 1
    to ``(n, height, width, channels)``, each pixel the highest bits of its byte.
    """
    whole = (images * 255).round().to(torch.uint8)
    return (whole >> 8 - takes.bits).permute(0, 2, 3, 1).contiguous()


def augmented(x: Tensor, how: str) -> Tensor:
    """Move each image ``(n, height, width, channels)`` by up to 2 rows and columns; what comes in
    is 0. With ``flip`` half of them are mirrored, too; with ``none`` nothing is done.
    """
    if how == "none":
        return x
    n, height, width, _ = x.shape
    wide = F.pad(x, (0, 0, SHIFT, SHIFT, SHIFT, SHIFT))
    by = torch.randint(0, 2 * SHIFT + 1, (2, n, 1), device=x.device)
    rows = by[0] + torch.arange(height, device=x.device)
    columns = by[1] + torch.arange(width, device=x.device)
    if how == "flip":
        mirrored = torch.rand(n, 1, device=x.device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    which = torch.arange(n, device=x.device)[:, None, None]
    return wide[which, rows[:, :, None], columns[:, None, :]]


def _loss(augment: str, model: OnChip, x: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of scores brought to the size of logits, see :func:`task.binary_loss`."""
    scores = model(augmented(x, augment)) / math.sqrt(2 * model.readout.linear.weight.shape[1])
    return F.cross_entropy(scores, labels, label_smoothing=SMOOTHING)


def train(run: Run[OnChipConfig], chosen: DataSet) -> dict[str, float]:
    """Train, test and export; return the accuracy in per cent of the test images."""
    config, shape = run.config, Signature.parse(run.config.signature)
    torch.set_num_threads(config.threads)
    inputs = [elements(chosen.train_images, shape.input).to(run.device),
              chosen.train_labels.to(run.device)]
    model = run.train(PHASE, partial(OnChip, shape, BINARIZERS[config.binarizer]),
                      partial(_loss, config.augment),
                      Recipe(config.epochs, config.batch, BINARY_RATE), lambda _: inputs).cpu()
    run.save()    # Before the export: should it be refused, the training is not lost.
    begun, tests = time.monotonic(), elements(chosen.test_images, shape.input)
    network = write_network(run.folder, model, tests, chosen.test_labels)
    accuracy = round(task.test(model, tests, chosen.test_labels), 2)
    run.write_json("metrics.json", _metrics(run, accuracy, network, time.monotonic() - begun))
    return {PHASE: accuracy}


def write_network(folder: Path, model: OnChip, tests: Tensor, labels: Tensor) -> Network:
    """Write the network and the bits of all test images, once they agree with the model.

    Each neuron has been asked about every sum that it can have.
    """
    network = onchip.to_network(model)
    onchip.verify(network, model)
    codes = forward.bits_of(network.input, tests.numpy())
    check_equal(network, task.classify(model, tests), codes)
    network.save(folder / "network.safetensors")
    save_codes(folder / "codes.safetensors", bits.pack(codes), labels.numpy(), network.n_in)
    return network


def _metrics(run: Run[OnChipConfig], accuracy: float, network: Network,
             seconds: float) -> dict[str, object]:
    config, shape = run.config, network.signature
    return {
        "accuracy": {PHASE: accuracy},
        "data": config.data, "task": config.task, "binarizer": config.binarizer,
        "seed": config.seed, "losses": run.losses(PHASE),
        "network": {"shape": str(network), "weight_bits": network.n_weights,
                    "thresholds": sum(layer.n_out for layer in network.layers),
                    "offsets": network.n_classes, "binary_macs": shape.n_macs},
        "seconds": {**run.seconds, "export": round(seconds, 1)},
        "versions": run.versions(),
    }
