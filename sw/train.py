"""Train a network for hardware and export it: ``python -m sw.train``."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .images.names import NAMES, SIDE, OwnImages
from .models.binarizer import BINARIZERS
from .terminal.command import Parser, command
from .training.columns import HIDDEN, LEVELS
from .training.config import HYBRID, LOSSES, PRECISIONS, Config, DeepConfig
from .training.effort import DEEP, RunError, effort_for
from .training.flags import add_flags, widths
from .training.labels import LABELS
from .training.stages import AUGMENTS, SIZES

if TYPE_CHECKING:
    from .training.columns import TableConfig
    from .training.configs import Asked
    from .training.run import Run
    from .training.stages import OnChipConfig


def _table(accuracies: dict[str, float]) -> str:
    """Line the accuracies up.

    >>> print(_table({"hybrid": 96.4, "naive_pixels": 10.0}))
    test accuracy
      hybrid: encoder, then binary network         96.40 %
      binary network on pixels, sign as in HyBNN   10.00 %
    """
    rows = [f"  {LABELS.get(name, name):<44}{value:6.2f} %" for name, value in accuracies.items()]
    return "\n".join(["test accuracy", *rows])


def _parser() -> argparse.ArgumentParser:
    default = Config()
    parser = Parser(prog="python -m sw.train",
                    description="Train a network and export it: a hybrid one beside its "
                    "baselines, or one that lies whole on the chip.")
    add = parser.add_argument
    add("--data", metavar="NAME", default=default.data,
        help=f"data set to train on, one of: {', '.join(NAMES)}, or cifar10 for SD-BNN's "
             "networks (default: %(default)s)")
    add("--data-dir", metavar="DIR", default=os.environ.get("HYBNN_DATA"),
        help="look for IDX files, or CIFAR-10's batches, in DIR or DIR/NAME (default: "
             "$HYBNN_DATA, then download)")
    add("--task", metavar="TASK", default=default.task,
        help="classes to tell apart: ten, all, or two such as 0v1 (default: %(default)s)")
    add("--on-chip", metavar="SPEC",
        help=f"train a network that takes pixels and needs no host: {', '.join(SIZES)}, or its "
             "stages such as 32s2-64p-64p, see docs/formats.md")
    add("--table", metavar="FILE", type=Path,
        help="learn the rows of a CSV file with a header")
    add("--label", metavar="COLUMN", help="the column of the table that tells the class")
    add("--levels", metavar="N", type=int, default=LEVELS,
        help="thresholds of a column of numbers, at the most (default: %(default)s)")
    add("--pixels", metavar="BITS", type=int, default=8,
        help="of such a network, 1 to 8 (default: %(default)s)")
    add("--augment", choices=AUGMENTS,
        help="how such a network's training images change (default: what suits the data set)")
    add("--threads", metavar="N", type=int, default=2,
        help="of the CPU that train such a network; another number rounds in another way "
             "(default: %(default)s)")
    add("--hidden", metavar="WIDTHS", type=widths,
        help="widths of the hidden layers, such as 128 or 128-64 (default: 128; for a table 64)")
    add("--binarizer", metavar="NAME", choices=BINARIZERS, default=default.binarizer,
        help="how numbers become signs, sign or sd: SD-BNN's self-distribution "
             "(default: %(default)s)")
    add("--encoder", metavar="RUN",
        help="take the encoder of a run of sw.train or sw.pretrain, or of a file, as it is "
             "(default: train one)")
    add("--bits", metavar="N", type=int, default=default.bits,
        help="length of the code, if an encoder is trained (default: %(default)s)")
    add("--loss", metavar="NAME", choices=LOSSES,
        help=f"what an encoder learns from, one of: {', '.join(LOSSES)}: reconstruction alone, or "
             "the agreement of distorted copies too (default: what suits the data set)")
    add("--model", choices=[HYBRID, *DEEP], default=HYBRID,
        help="what to train: a hybrid network, or one of SD-BNN's own, which does not become "
             "hardware (default: %(default)s)")
    add("--epochs", metavar="N", type=int,
        help="train the encoder and each network for so many epochs (default: what suits the data "
             "set or the network)")
    add("--images", metavar="DIR", type=Path,
        help="train a network on the chip on your own images: DIR holds a folder for each class, "
             "or train/ and test/ which do (its size is medium, if --on-chip does not say)")
    add("--side", metavar="N", type=int,
        help="height and width that your images are scaled to (default: 28)")
    add("--colour", action="store_true", help="your images keep their colours (default: grey)")
    add("--limit", metavar="N", type=int,
        help="take so many images at most: of each class of your own, or of CIFAR-10's for one of "
             "SD-BNN's networks (default: all)")
    add("--precision", choices=PRECISIONS, default=PRECISIONS[0],
        help="of such a network's training, in Fabric's words (default: %(default)s)")
    add_flags(parser)
    add("--device", metavar="DEVICE", default=default.device,
        help="train on cpu, cuda, or auto: cuda where there is one (default: %(default)s)")
    add("--resume", metavar="RUN", nargs="?", const="",
        help="go on with the run in folder RUN, whose flags then count (default: the newest "
             "unfinished one in runs/)")
    return parser


def _settle(arguments: argparse.Namespace) -> "tuple[Asked, Any]":
    """Return what is asked for, and the images; a flag that the model does not have is refused."""
    is_table = arguments.table is not None or arguments.label is not None
    if arguments.levels != LEVELS and not is_table:
        raise RunError("--levels is for the columns of a table, see --table")
    if arguments.images is not None or arguments.on_chip is not None:
        if is_table:
            raise RunError("A run is of images or of a table: --images and --on-chip do not go "
                           "with --table and --label")
        return _on_chip(arguments)
    if (arguments.pixels, arguments.augment, arguments.threads) != (8, None, 2):
        raise RunError("--pixels, --augment and --threads are for a network on the chip, see "
                       "--on-chip")
    if arguments.side is not None or arguments.colour:
        raise RunError("--side and --colour are for your own images, see --images")
    if is_table:
        return _table_of(arguments)
    config = _config(arguments)
    return config, _phases(config).load(config)


def _config(arguments: argparse.Namespace) -> Config | DeepConfig:
    if arguments.model != HYBRID:
        return _deep_config(arguments)
    if (arguments.precision, arguments.limit) != (PRECISIONS[0], None):
        raise RunError("--precision and --limit are for SD-BNN's networks, see --model")
    effort, epochs = effort_for(arguments.data), arguments.epochs
    if epochs is not None:
        if epochs < 1:
            raise RunError(f"Epochs must be at least 1, not {epochs}")
        effort = replace(effort, autoencoder_epochs=epochs, classifier_epochs=epochs)
    return Config(arguments.data, arguments.data_dir, arguments.task,
                  arguments.hidden or Config.hidden,
                  arguments.binarizer, arguments.seed, arguments.device, effort,
                  arguments.encoder, arguments.bits, arguments.loss)


def _deep_config(arguments: argparse.Namespace) -> DeepConfig:
    model, epochs, limit = arguments.model, arguments.epochs, arguments.limit
    if arguments.data != "cifar10" or arguments.encoder:
        raise RunError(f"--model {model} needs --data cifar10, and takes no encoder")
    if (arguments.bits, arguments.loss, arguments.hidden) != (Config.bits, None, None):
        raise RunError("--bits, --loss and --hidden are for a hybrid network, see --model")
    epochs = DEEP[model].epochs if epochs is None else epochs
    if epochs < 1 or (limit is not None and limit < 1):
        raise RunError(f"Epochs and images must be at least 1, not {epochs} and {limit}")
    return DeepConfig(model, arguments.data_dir, arguments.binarizer, arguments.seed,
                      arguments.device, epochs, precision=arguments.precision, images=limit)


def _table_of(arguments: argparse.Namespace) -> "tuple[TableConfig, Any]":
    from .training import tabular

    if arguments.table is None or arguments.label is None:
        raise RunError("--table and --label belong together: a CSV file, and its column of classes")
    usual = Config()
    if (arguments.data, arguments.task, arguments.encoder, arguments.model) != (
            usual.data, usual.task, None, HYBRID):
        raise RunError("--table brings data and classes: it takes no --data, --task, --encoder or "
                       "--model")
    if (arguments.bits, arguments.loss, arguments.precision, arguments.limit) != (
            usual.bits, None, PRECISIONS[0], None):
        raise RunError("--table takes no --bits, --loss, --precision or --limit")
    config = tabular.decide(
        arguments.table, arguments.label, levels=arguments.levels,
        hidden=arguments.hidden or HIDDEN,
        binarizer=arguments.binarizer, seed=arguments.seed, device=arguments.device,
        epochs=arguments.epochs)
    return config, tabular.load(config)


def _on_chip(arguments: argparse.Namespace) -> "tuple[OnChipConfig, Any]":
    from .training import onchip

    usual = Config()
    if arguments.model != HYBRID or arguments.encoder or (
            arguments.bits, arguments.loss, arguments.hidden,
            arguments.precision) != (usual.bits, None, None, PRECISIONS[0]):
        raise RunError("A network on the chip has no encoder and real numbers nowhere: it takes no "
                       "--model, --encoder, --bits, --loss, --hidden or --precision")
    name, task, folder = arguments.data, arguments.task, arguments.images
    spec, side = arguments.on_chip or "medium", SIDE if arguments.side is None else arguments.side
    asked: dict[str, Any] = {each: getattr(arguments, each) for each in (
        "pixels", "binarizer", "seed", "device", "epochs", "augment", "threads")}
    if folder is None:
        if arguments.side is not None or arguments.colour or arguments.limit is not None:
            raise RunError("--side, --colour and --limit are for your own images, see --images")
        onchip.refuse(spec, side, 1, **asked)
        inputs = onchip.of_data_set(name, arguments.data_dir, task)
    else:
        if (name, task) != (usual.data, usual.task):
            raise RunError("--images brings data and classes: it takes no --data and no --task")
        own = OwnImages(str(folder), side, arguments.colour, arguments.limit, (), "")
        onchip.refuse(spec, side, 3 if own.colour else 1, **asked)
        inputs = onchip.of_folder(own.folder, side, colour=own.colour, limit=own.limit)
        name, task = folder.resolve().name, "all"
    return onchip.decide(spec, inputs, name, arguments.data_dir, task, **asked), (inputs,)


def _begin(arguments: argparse.Namespace) -> "tuple[Run[Any], Any]":
    """Make the run's folder, or go on with it; return the run and the images.

    A mistake leaves no folder behind.
    """
    from .training import run as runs
    from .training.encoder import load_encoder

    if arguments.resume is not None:
        run = runs.reopen(Path(arguments.resume or runs.newest_unfinished()))
        return run, _phases(run.config).load(run.config)
    if arguments.out:
        runs.refuse_full(arguments.out)    # Before images are read for minutes.
    config, inputs = _settle(arguments)
    if isinstance(config, Config) and config.encoder:
        load_encoder(Path(config.encoder))
    return runs.create(arguments.out, config), inputs


def _phases(config: "Asked") -> Any:
    """Return the module that does the phases of such a run."""
    # Imported here: who only asks for --help need not wait for torch.
    from .training import deep, hybrid, onchip, tabular
    return {"Config": hybrid, "DeepConfig": deep, "OnChipConfig": onchip,
            "TableConfig": tabular}[type(config).__name__]


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    run = None
    try:
        run, inputs = _begin(_parser().parse_args(argv))
        accuracies = _phases(run.config).train(run, *inputs)
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
