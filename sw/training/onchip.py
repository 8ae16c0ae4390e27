"""A run of ``sw.train --on-chip``: a network that takes pixels and lies whole on the chip."""

import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ..golden import bits, forward
from ..golden.codes import save_codes
from ..golden.network import Network
from ..golden.stages import Map, Signature
from ..images import data, labelled
from ..images.labelled import UNEQUAL
from ..images.names import OwnImages
from ..models import onchip
from ..models.binarizer import BINARIZERS
from ..models.exact import check_equal
from ..models.onchip import OnChip
from . import task
from .asked.effort import RunError
from .asked.stages import OnChipConfig, augment_for, effort_for, signature
from .run import Run, choose_device
from .task import BINARY_RATE, SMOOTHING, Recipe

__all__ = ["PHASE", "Inputs", "augmented", "decide", "elements", "load", "loss",
           "of_data_set", "of_folder", "refuse", "train", "write_network"]

PHASE = "on_chip"    # Of the run, in its checkpoint and its metrics.
SHIFT = 1            # Row and column, at the most: 98.6 % of held-out digits; with 2, 98.2.
KEPT = 1 << 27       # Bits of test images in a file, each a byte when it is read.


@dataclass(frozen=True)
class Inputs:
    """What a run learns from and is tested on: bytes ``(n, height, width, channels)``, labels."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    n_classes: int
    own: OwnImages | None = None


def of_data_set(name: str, data_dir: str | None, task: str) -> Inputs:
    """Load a data set that is known by its name."""
    chosen = data.select(data.load(name, Path(data_dir) if data_dir else None), task)
    train, test = ((images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
                   for images in (chosen.train_images, chosen.test_images))
    return Inputs(train, chosen.train_labels, test, chosen.test_labels, len(chosen.classes))


def of_folder(folder: str, side: int, *, colour: bool, limit: int | None,
              tells: bool = True) -> Inputs:
    """Read a folder of labelled images, and tell what is unusual about them, unless told not to."""
    found = labelled.read(Path(folder), side, colour=colour, limit=limit)
    if tells:
        labelled.warn(found.notes)
    train, train_labels, test, test_labels = map(torch.from_numpy, (
        found.train, found.train_labels, found.test, found.test_labels))
    return Inputs(train, train_labels, test, test_labels, len(found.own.classes), found.own)


def refuse(spec: str, side: int, channels: int, *, pixels: int, binarizer: str, seed: int,
           device: str, epochs: int | None, augment: str | None, threads: int) -> None:
    """Raise :exc:`RunError` for what no images make right: to read them may take minutes."""
    choose_device(device)
    OnChipConfig(str(signature(spec, side, channels, pixels, 2)), "", None, "all", binarizer, seed,
                 device, 1 if epochs is None else epochs, 2, augment or "none", threads, None)


def decide(spec: str, inputs: Inputs, data: str, data_dir: str | None, task: str, *, pixels: int,
           binarizer: str, seed: int, device: str, epochs: int | None, augment: str | None,
           threads: int) -> OnChipConfig:
    """Settle what was left open by what the inputs are; ``spec`` is one of :func:`signature`."""
    n, side, _, channels = inputs.train.shape
    usual, known = effort_for(n), data if inputs.own is None else ""    # A folder's name is none.
    return OnChipConfig(
        str(signature(spec, side, channels, pixels, inputs.n_classes)), data, data_dir, task,
        binarizer, seed, device, usual.epochs if epochs is None else epochs,
        min(usual.batch, max(2, n)), augment or augment_for(known), threads, inputs.own)


def load(config: OnChipConfig) -> tuple[Inputs]:
    """Return the inputs of a run; :exc:`RunError` if they are others than when it was begun."""
    own, takes = config.own, Signature.parse(config.signature).input
    inputs = (of_data_set(config.data, config.data_dir, config.task) if own is None
              else of_folder(own.folder, own.side, colour=own.colour, limit=own.limit))
    if own != inputs.own:
        raise RunError(f"{config.data} has other images than when the run was begun")
    if inputs.train.shape[1:] != takes.shape:
        raise RunError(f"The network takes images of {takes}, not such as those of {config.data}")
    if len(inputs.train) < config.batch:
        raise RunError(f"A batch must be at most the {len(inputs.train)} images there are, not "
                       f"{config.batch}")
    return (inputs,)


def elements(raw: Tensor, takes: Map) -> Tensor:
    """Return what a network takes of bytes: each pixel the highest bits of its byte."""
    return raw >> 8 - takes.bits


def augmented(x: Tensor, how: str) -> Tensor:
    """Move each image ``(n, height, width, channels)`` by up to a row and a column; what comes in
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


def loss(augment: str, weights: Tensor | None, model: OnChip, raw: Tensor,
         labels: Tensor) -> Tensor:
    """Cross entropy of scores brought to the size of logits, see :func:`task.binary_loss`."""
    x = elements(augmented(raw, augment), model.signature.input)
    scores = model(x) / math.sqrt(2 * model.readout.linear.weight.shape[1])
    return F.cross_entropy(scores, labels, weights, label_smoothing=SMOOTHING)


def _weights(inputs: Inputs) -> Tensor | None:
    """Return what an image of each class counts, where classes are unequal: all count the same."""
    counts = torch.bincount(inputs.train_labels, minlength=inputs.n_classes)
    if int(counts.max()) <= UNEQUAL * int(counts.min()):
        return None
    return len(inputs.train) / (inputs.n_classes * counts)


def train(run: Run[OnChipConfig], inputs: Inputs) -> dict[str, float]:
    """Train, test and export; return the accuracy in per cent of the test images."""
    config, shape = run.config, Signature.parse(run.config.signature)
    torch.set_num_threads(config.threads)
    weights = _weights(inputs)
    weights = None if weights is None else weights.to(run.device)
    rows = [inputs.train.to(run.device), inputs.train_labels.to(run.device)]
    model = run.train(PHASE, partial(OnChip, shape, BINARIZERS[config.binarizer]),
                      partial(loss, config.augment, weights),
                      Recipe(config.epochs, config.batch, BINARY_RATE), lambda _: rows).cpu()
    run.save()    # Before the export: should it be refused, the training is not lost.
    begun, tests = time.monotonic(), elements(inputs.test, shape.input)
    network = write_network(run.folder, model, tests, inputs.test_labels)
    accuracy = round(task.test(model, tests, inputs.test_labels), 2)
    run.write_json("metrics.json", _metrics(run, accuracy, network, time.monotonic() - begun))
    return {PHASE: accuracy}


def write_network(folder: Path, model: OnChip, tests: Tensor, labels: Tensor) -> Network:
    """Write the network and the bits of test images, once all of them agree with the model.

    Each neuron has been asked about every sum that it can have. Of large images, the file has
    those of the first 2^27 bits.
    """
    network = onchip.to_network(model)
    onchip.verify(network, model)
    kept = max(1, KEPT // network.n_in)
    for part in tests.split(kept):
        codes = forward.bits_of(network.input, part.numpy())
        check_equal(network, task.classify(model, part), codes)
        if part.data_ptr() == tests.data_ptr():    # The first.
            save_codes(folder / "codes.safetensors", bits.pack(codes), labels[:len(part)].numpy(),
                       network.n_in)
    network.save(folder / "network.safetensors")
    return network


def _metrics(run: Run[OnChipConfig], accuracy: float, network: Network,
             seconds: float) -> dict[str, object]:
    config, shape = run.config, network.signature
    return {
        "accuracy": {PHASE: accuracy},
        "data": config.data, "task": config.task, "classes": config.classes,
        "binarizer": config.binarizer, "seed": config.seed, "losses": run.losses(PHASE),
        "network": {"shape": str(network), "weight_bits": network.n_weights,
                    "thresholds": sum(layer.n_out for layer in network.layers),
                    "offsets": network.n_classes, "binary_macs": shape.n_macs},
        "seconds": {**run.seconds, "export": round(seconds, 1)},
        "versions": run.versions(),
    }
