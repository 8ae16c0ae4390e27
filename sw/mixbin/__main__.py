"""Choose which parts of encoder and head are binary, under a budget: ``python -m sw.mixbin``.

A MixBin-style search (see sw.mixbin.search: a reconstruction), a mask file, and a stack trained
with labels from end to end. It begins with an encoder that was trained without labels; from then on
the encoder is neither frozen nor without labels.
"""

import argparse
import os
import sys
from pathlib import Path

from ..images.names import NAMES
from ..terminal.command import Parser, command
from ..training.asked.flags import add_flags
from .job import CRITERIA, DIRECTIONS, PRESETS, Job, Settings
from .mask import LAYERS


def _parser() -> argparse.ArgumentParser:
    job, settings = Job(), Settings()
    parser = Parser(prog="python -m sw.mixbin", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", metavar="NAME", default=job.data,
        help=f"data set, one of: {', '.join(NAMES)} (default: %(default)s)")
    add("--data-dir", metavar="DIR", default=os.environ.get("HYBNN_DATA"),
        help="look for IDX files in DIR or DIR/NAME (default: $HYBNN_DATA, then download)")
    add("--encoder", metavar="FILE", type=Path,
        help="encoder to begin with, or the run it lies in (default: train one, without labels)")
    add("--budget", metavar="SHARE", type=float, default=settings.budget,
        help="cost to come to, of that of the stack in full precision (default: %(default)s)")
    add("--divisor", metavar="N", type=int, default=settings.divisor,
        help="operations on bits that cost as much as one on floats (default: %(default)s)")
    add("--direction", choices=DIRECTIONS, default=settings.direction,
        help="shrink: from full precision; grow: from binary, shorter at small budgets "
             "(default: %(default)s)")
    add("--criterion", choices=CRITERIA, default=settings.criterion,
        help="harm for each operation saved, or harm alone (default: %(default)s)")
    add("--groups", metavar="N", type=int, default=job.groups,
        help="groups of output channels of a layer, 1 for whole layers (default: %(default)s)")
    add("--keep", metavar="LAYERS", type=lambda text: tuple(text.split(",")), default=job.keep,
        help=f"layers that stay binary, such as hidden,readout; of {', '.join(LAYERS)}")
    add("--step", metavar="SHARE", type=float, default=settings.step,
        help="part of the cost that changes in a round (default: %(default)s)")
    add("--trial", metavar="N", type=int,
        help="images in a trial's training (default: 0, if it grows 500)")
    add("--fine-tuning", metavar="N", type=int, default=settings.fine_tuning,
        help="images that the stack is trained on after a round (default: %(default)s)")
    add("--images", metavar="N", type=int, default=job.images,
        help="images to search with (default: %(default)s)")
    add("--epochs", metavar="N", type=int,
        help="of the last training, on all images (default: 4, for digits 40)")
    add("--anew", action="store_true",
        help="begin the last training with the encoder, not with what the search left")
    add("--mask", metavar="MASK", default=job.mask,
        help=f"train this mask instead of searching: a mask file, or {', '.join(PRESETS)}")
    add_flags(parser)
    add("--resume", metavar="RUN", type=Path,
        help="go on with the run in folder RUN, whose flags then count")
    return parser


def _job(arguments: argparse.Namespace) -> Job:
    trial, epochs = arguments.trial, arguments.epochs
    if trial is None:
        trial = 500 if arguments.direction == "grow" else 0
    if epochs is None:
        epochs = 40 if arguments.data == "digits" else 4
    settings = Settings(arguments.direction, arguments.criterion, arguments.budget,
                        arguments.divisor, arguments.step, trial, arguments.fine_tuning)
    given = vars(arguments)
    rest = {name: given[name] for name in ("data", "data_dir", "mask", "groups", "keep", "images",
                                           "anew", "seed")}
    return Job(settings=settings, epochs=epochs, **rest)


def _table(metrics: dict[str, object]) -> str:
    layers = metrics["board_layers"]
    return "\n".join([
        f"  test accuracy   {metrics['accuracy']['stack']:.2f} %",  # type: ignore[index]
        f"  cost            {metrics['cost']:.2%} of the stack in full precision",
        f"  binary groups   {metrics['mask']}",
        f"  for a board     {', '.join(layers) or 'nothing'}"])  # type: ignore[arg-type]


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    arguments, run = _parser().parse_args(argv), None
    try:
        from .learn import begin, learn, resume  # Here: --help need not wait for torch.

        if arguments.resume is not None:
            run, job, inputs = resume(arguments.resume)
        else:
            run, job, inputs = begin(_job(arguments), arguments.out, arguments.encoder)
        metrics = learn(run, job, inputs)
    except KeyboardInterrupt:
        if run is None:
            raise
        run.save()
        raise KeyboardInterrupt(f"go on with: python -m sw.mixbin --resume {run.folder}") from None
    print(_table(metrics))
    print(f"\nrun folder: {run.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
