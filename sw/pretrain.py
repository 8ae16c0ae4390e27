"""Train an encoder on a folder of image files: ``python -m sw.pretrain --images DIR``.

The folder need not fit in memory, and ``torchrun`` spreads the work over devices and machines. What
is trained is the autoencoder of ``sw.train``, in the same loop.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .models.binarizer import BINARIZERS
from .models.shape import CODE_BITS, WIDTH
from .terminal.command import INTERRUPTED, Parser, command
from .training.asked.config import PRECISIONS
from .training.asked.effort import LARGE, RunError
from .training.asked.flags import add_flags
from .training.asked.pretraining import Pretraining

if TYPE_CHECKING:
    from .training.from_folder import Begun


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m sw.pretrain",
                    description="Train an encoder on a folder of image files.")
    add = parser.add_argument
    add("--images", metavar="DIR", type=Path, help="folder of image files, in it and below")
    add("--side", metavar="N", type=int, default=28,
        help="height and width that images are brought to (default: %(default)s)")
    add("--colour", action="store_true", help="keep the colours")
    add("--bits", metavar="N", type=int, default=CODE_BITS,
        help="length of the code (default: %(default)s)")
    add("--width", metavar="N", type=int, default=WIDTH,
        help="channels of the first convolution (default: %(default)s)")
    add("--binarizer", metavar="NAME", choices=BINARIZERS, default="sign",
        help="how numbers become signs, sign or sd (default: %(default)s)")
    add("--distort", action="store_true",
        help="let the codes of two distortions of an image agree: for handwriting")
    add("--epochs", metavar="N", type=int, default=LARGE.autoencoder_epochs,
        help="times to go through all images (default: %(default)s)")
    add("--batch", metavar="N", type=int, default=LARGE.autoencoder_batch,
        help="images in a step, in all processes together (default: %(default)s)")
    add("--workers", metavar="N", type=int, default=2,
        help="processes that read images, for each that trains (default: %(default)s)")
    add_flags(parser)
    add("--device", metavar="DEVICE", default="auto",
        help="train on cpu, cuda, or auto: cuda where there is one (default: %(default)s)")
    add("--precision", choices=PRECISIONS, default="32-true",
        help="of the arithmetic, in Fabric's words (default: %(default)s)")
    add("--resume", metavar="RUN", type=Path,
        help="go on with the run in folder RUN, whose flags then count, but for --workers")
    return parser


def _begin(arguments: argparse.Namespace) -> "Begun":
    """Make the run's folder, or go on with it."""
    from .training.from_folder import begin, resume

    if arguments.workers < 0:
        raise RunError(f"The workers must be 0 or more, not {arguments.workers}")
    if arguments.resume:
        return resume(arguments.resume, arguments.workers)
    if not arguments.images:
        raise RunError("Nothing to train on: pass --images DIR")
    names = set(Pretraining.__dataclass_fields__) - {"images", "files"}
    asked = {name: getattr(arguments, name) for name in names}
    return begin(asked, arguments.images, arguments.out, arguments.workers)


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    run = None
    try:
        arguments = _parser().parse_args(argv)
        from .training.from_folder import pretrain  # Here: --help need not wait for torch.

        run, config, pictures, loader = _begin(arguments)
        summary = pretrain(run, config, pictures, loader)
    except KeyboardInterrupt:
        if run is None:
            raise
        if not run.engine.leads:
            return INTERRUPTED
        run.save()
        raise KeyboardInterrupt(
            f"go on with: python -m sw.pretrain --resume {run.folder}") from None
    if run.engine.leads:
        print(f"{summary}\n\nrun folder: {run.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
