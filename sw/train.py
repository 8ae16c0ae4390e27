"""Train a network for hardware and export it: ``python -m sw.train``."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .images.names import NAMES
from .models.binarizer import BINARIZERS
from .terminal.command import Parser, command
from .training.asked import ways
from .training.asked.config import HYBRID, LOSSES, PRECISIONS, Config
from .training.asked.effort import DEEP
from .training.asked.flags import add_flags, widths
from .training.asked.labels import LABELS
from .training.asked.stages import AUGMENTS, SIZES
from .training.settling import phases, settle

if TYPE_CHECKING:
    from .training.run import Run


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
    add("--as", dest="way", choices=ways.WAYS,
        help="hybrid: behind an encoder on the host; on-chip: from pixels to class; table: from a "
             "table's columns; auto: try those that suit the data and fit the --board briefly, and "
             "go on with the best (default: what suits the data)")
    add("--board", metavar="NAME",
        help="take the largest network that is predicted to fit this board of hw.build's, or "
             "refuse what does not")
    add("--on-chip", metavar="SPEC",
        help=f"train a network that takes pixels and needs no host: {', '.join(SIZES)}, or its "
             "stages such as 32s2-64p-64p, see docs/formats.md")
    add("--table", metavar="FILE", type=Path,
        help="learn the rows of a CSV file with a header, or of NPZ or Parquet")
    add("--label", metavar="COLUMN", help="the column of the table that tells the class")
    add("--levels", metavar="N", type=int,
        help="thresholds of a column of numbers, at the most (default: 16, or down to 4 where "
             "columns are many)")
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


def _begin(arguments: argparse.Namespace) -> "tuple[Run[Any], Any]":
    """Make the run's folder, or go on with it; return the run and the images.

    A mistake leaves no folder behind.
    """
    from .training import run as runs
    from .training.encoder import load_encoder

    if arguments.resume is not None:
        run = runs.reopen(Path(arguments.resume or runs.newest_unfinished()))
        return run, phases(run.config).load(run.config)
    if arguments.out:
        runs.refuse_full(arguments.out)    # Before images are read for minutes.
    config, inputs = settle(arguments)
    if isinstance(config, Config) and config.encoder:
        load_encoder(Path(config.encoder))
    return runs.create(arguments.out, config), inputs


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    run = None
    try:
        run, inputs = _begin(_parser().parse_args(argv))
        accuracies = phases(run.config).train(run, *inputs)
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
