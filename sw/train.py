"""Train a hybrid network, compare it with its baselines, export it: ``python -m sw.train``."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from .golden import bits
from .golden.codes import save_codes
from .golden.network import Network
from .images import data
from .images.data import DataSet
from .models import autoencoder
from .models import encoding as codes
from .models.autoencoder import BinaryAutoencoder, Encoder
from .models.binary import BINARIZERS
from .models.classifier import BinaryClassifier, FullPrecisionTwin
from .models.encoding import CodeSet
from .models.exact import check_equal, export
from .models.sdbnn import BATCH, METHODS
from .terminal.command import Parser, command
from .terminal.runs import encoder_file
from .training import deep, task
from .training import run as runs
from .training.device import PRECISIONS
from .training.run import HYBRID, Config, Effort, Run, RunError
from .training.task import Recipe

N_BITS = 200    # HyBNN's code: 25 bytes on the wire.
WIDTH = 32      # Channels of the first convolution: HyBNN's.

Classifier = TypeVar("Classifier", BinaryClassifier, FullPrecisionTwin)


def load(config: Config) -> tuple[Tensor, DataSet]:
    """Return the training images of all classes, for the autoencoder, and the data of the task."""
    all_classes = data.load(config.data, Path(config.data_dir) if config.data_dir else None)
    return all_classes.train_images, data.select(all_classes, config.task)


def train(run: Run, images: Tensor, chosen: DataSet) -> dict[str, float]:
    """Do all phases of a run and write its files; return the accuracies in per cent.

    ``images`` and ``chosen`` are what :func:`load` gives for the run's configuration.
    """
    # The models are so small that threads would wait for each other more than they help. One also
    # makes sums, and so the result, independent of the number of cores.
    torch.set_num_threads(1)
    encoder = _given_encoder(run) if run.config.encoder else train_encoder(run, images)
    encoder.save(run.folder / "encoder.safetensors")

    begun = time.monotonic()
    on_codes = _encode(run, chosen, partial(codes.extract, encoder), encoder.n_bits)
    seconds_for_codes = round(time.monotonic() - begun, 1)
    model = _train(run, "hybrid", on_codes, BinaryClassifier)
    network = write_network(run.folder, model, on_codes)
    accuracies = {"hybrid": _test(model, on_codes)}

    twin = _train(run, "full_precision_twin", on_codes, FullPrecisionTwin)
    accuracies["full_precision_twin"] = _test(twin, on_codes)
    # HyBNN's sign of a pixel from 0 to 1 is always +1; a threshold of 0.5 is the fair reading.
    for name, at in ("naive_pixels", 0.0), ("thresholded_pixels", 0.5):
        on_pixels = _encode(run, chosen, partial(codes.threshold_pixels, at=at), 28 * 28)
        model = _train(run, name, on_pixels, BinaryClassifier)
        accuracies[name] = _test(model, on_pixels)

    run.save()    # The finished models too, for who compares them with what was made of them.
    seconds = {**run.seconds, "codes": seconds_for_codes}
    run.write_json("metrics.json", _metrics(run.config, accuracies, seconds, encoder, network))
    return accuracies


def _given_encoder(run: Run) -> Encoder:
    """Load the encoder that the run was told to take: its own copy, once it has one."""
    own = run.folder / "encoder.safetensors"
    return load_encoder(own if own.exists() else Path(str(run.config.encoder)))


def load_encoder(argument: Path) -> Encoder:
    """Load the encoder that lies in a run's folder or is a file, for the images of data sets."""
    encoder = Encoder.load(encoder_file(argument))
    if (encoder.channels, encoder.side) != (1, data.SIDE):
        raise RunError(f"The encoder in {argument} must be for grey images of {data.SIDE} x "
                       f"{data.SIDE} pixels, not {encoder.channels} x {encoder.side} x "
                       f"{encoder.side}")
    return encoder


def train_encoder(run: Run, images: Tensor) -> Encoder:
    """Train the autoencoder, without labels, and keep its encoder."""
    images = images.to(run.device)
    effort, binarizer = run.config.effort, BINARIZERS[run.config.binarizer]
    recipe = Recipe(effort.autoencoder_epochs, effort.autoencoder_batch, task.AUTOENCODER_RATE)
    model = run.train("autoencoder", partial(BinaryAutoencoder, N_BITS, WIDTH, binarizer),
                      encoder_loss(run.config.data), recipe, lambda _: [images])
    return model.cpu().fold()


def encoder_loss(name: str) -> task.Loss:
    """Choose how the encoder of a data set is trained."""
    return autoencoder.plain_loss if name == "fashion-mnist" else autoencoder.handwriting_loss


def _encode(run: Run, chosen: DataSet, to_codes: Callable[[Tensor], np.ndarray],
            n_bits: int) -> CodeSet:
    task.reseed(run.config.seed, "copies")
    return codes.encode(to_codes, n_bits, chosen, run.config.effort.copies)


def _train(run: Run, phase: str, inputs: CodeSet, make: type[Classifier]) -> Classifier:
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
        "encoder": {"width": encoder.width, "code_bits": encoder.n_bits, "macs": encoder.macs,
                    "parameters": sum(p.numel() for p in encoder.parameters())},
        "seconds": seconds,
        "versions": Run.versions(),
    }


LABELS = {
    "hybrid": "hybrid: encoder, then binary network",
    "full_precision_twin": "full-precision twin on the same codes",
    "naive_pixels": "binary network on pixels, sign as in HyBNN",
    "thresholded_pixels": "binary network on pixels, threshold 0.5",
}


def _table(accuracies: dict[str, float]) -> str:
    """Line the accuracies up.

    >>> print(_table({"hybrid": 96.4, "naive_pixels": 10.0}))
    test accuracy
      hybrid: encoder, then binary network         96.40 %
      binary network on pixels, sign as in HyBNN   10.00 %
    """
    rows = [f"  {LABELS.get(name, name):<44}{value:6.2f} %" for name, value in accuracies.items()]
    return "\n".join(["test accuracy", *rows])


def _hidden(text: str) -> tuple[int, ...]:
    if (widths := runs.read_widths(text)) is None:
        raise argparse.ArgumentTypeError(f"must be widths such as 128 or 128-64, not {text!r}")
    return widths


def _parser() -> argparse.ArgumentParser:
    default = Config()
    parser = Parser(prog="python -m sw.train",
                    description="Train a hybrid network, compare it with baselines, export it.")
    add = parser.add_argument
    add("--data", metavar="NAME", default=default.data,
        help=f"data set to train on, one of: {', '.join(data.NAMES)}, or cifar10 for SD-BNN's "
             "networks (default: %(default)s)")
    add("--data-dir", metavar="DIR", default=os.environ.get("HYBNN_DATA"),
        help="look for IDX files, or CIFAR-10's batches, in DIR or DIR/NAME (default: "
             "$HYBNN_DATA, then download)")
    add("--task", metavar="TASK", default=default.task,
        help="classes to tell apart: ten, all, or two such as 0v1 (default: %(default)s)")
    add("--hidden", metavar="WIDTHS", type=_hidden, default=default.hidden,
        help="widths of the hidden layers, such as 128 or 128-64 (default: 128)")
    add("--binarizer", metavar="NAME", choices=BINARIZERS, default=default.binarizer,
        help="how numbers become signs, sign or sd: SD-BNN's self-distribution "
             "(default: %(default)s)")
    add("--encoder", metavar="RUN",
        help="take the encoder of a run of sw.train or sw.pretrain, or of a file, as it is "
             "(default: train one)")
    add("--model", choices=[HYBRID, *METHODS], default=default.model,
        help="what to train: a hybrid network, or one of SD-BNN's own, which does not become "
             "hardware (default: %(default)s)")
    add("--epochs", metavar="N", type=int,
        help="train such a network for so many epochs (default: its recipe's)")
    add("--images", metavar="N", type=int,
        help="train and test such a network on so many images (default: all)")
    add("--precision", choices=PRECISIONS, default=default.precision,
        help="of such a network's training, in Fabric's words (default: %(default)s)")
    runs.add_flags(parser)
    add("--device", metavar="DEVICE", default=default.device,
        help="train on cpu, cuda, or auto: cuda where there is one (default: %(default)s)")
    add("--resume", metavar="RUN", nargs="?", const="",
        help="go on with the run in folder RUN, whose flags then count (default: the newest "
             "unfinished one in runs/)")
    return parser


def _config(arguments: argparse.Namespace) -> Config:
    return Config(arguments.data, arguments.data_dir, arguments.task, arguments.hidden,
                  arguments.binarizer, arguments.seed, arguments.device,
                  _effort(arguments), arguments.encoder, arguments.model, arguments.precision,
                  arguments.images)


def _effort(arguments: argparse.Namespace) -> Effort:
    if arguments.model == HYBRID:
        if arguments.epochs is not None:
            raise RunError("--epochs is for SD-BNN's networks, see --model")
        return runs.effort_for(arguments.data)
    epochs = METHODS[arguments.model].epochs if arguments.epochs is None else arguments.epochs
    if epochs < 1 or (arguments.images is not None and arguments.images < 1):
        raise RunError(f"Epochs and images must be at least 1, not {epochs} and "
                       f"{arguments.images}")
    # Without an autoencoder: what an effort says of one is left as it is.
    return replace(runs.effort_for(arguments.data), classifier_epochs=epochs,
                   classifier_batch=BATCH)


def _load(config: Config) -> Sequence[Any]:
    return load(config) if config.model == HYBRID else deep.load(config)


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    run = None
    try:
        arguments = _parser().parse_args(argv)
        if arguments.resume is None:
            config = _config(arguments)
            inputs = _load(config)    # First, so that a mistake leaves no folder behind.
            if config.encoder:
                load_encoder(Path(config.encoder))
            run = runs.create(arguments.out, config)
        else:
            run = runs.reopen(Path(arguments.resume or runs.newest_unfinished()))
            inputs = _load(run.config)
        accuracies = (train if run.config.model == HYBRID else deep.train)(run, *inputs)
    except KeyboardInterrupt:
        if run is None:
            raise
        run.save()
        raise KeyboardInterrupt(f"go on with: python -m sw.train --resume {run.folder}") from None
    print(_table(accuracies))
    print(f"\nrun folder: {run.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
