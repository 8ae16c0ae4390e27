"""Train an encoder on a folder of image files: ``python -m sw.pretrain --images DIR``.

The folder need not fit in memory, and ``torchrun`` spreads the work over devices and machines. What
is trained is the autoencoder of ``sw.train``, in the same loop.
"""

import argparse
import hashlib
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Self

import torch

from .golden.network import MAX_WIDTH
from .images.folder import ImageFolder
from .models import processes
from .models.autoencoder import BinaryAutoencoder, handwriting_loss, plain_loss
from .models.binary import BINARIZERS
from .terminal.command import INTERRUPTED, Parser, command
from .training import run as runs
from .training import task
from .training.batches import Loader
from .training.device import PRECISIONS, FabricEngine
from .training.run import Phases, RunError
from .training.task import Recipe

CONFIG = "pretraining.json"    # What a run is asked for; its presence tells it from sw.train's.


@dataclass(frozen=True)
class Pretraining:
    """What decides the outcome."""

    images: str               # The folder.
    files: str                # SHA-256 of the names of the image files in it.
    side: int
    colour: bool
    bits: int
    width: int                # Channels of the first convolution.
    binarizer: str            # See sw.models.binary.
    distort: bool             # See sw.models.autoencoder.handwriting_loss.
    epochs: int
    batch: int
    seed: int
    device: str
    precision: str

    def __post_init__(self) -> None:
        for what, least, value, most in (
                ("side", 8, self.side, 512), ("code", 1, self.bits, MAX_WIDTH),
                ("width", 1, self.width, 1024), ("number of epochs", 1, self.epochs, MAX_WIDTH),
                ("batch", 1, self.batch, runs.MOST), ("seed", 0, self.seed, 2 ** 32 - 1)):
            if not least <= value <= most:
                raise RunError(f"The {what} must be {least} to {most}, not {value}")
        for what, name, names in (("binarizer", self.binarizer, [*BINARIZERS]),
                                  ("precision", self.precision, [*PRECISIONS])):
            if name not in names:
                raise RunError(f"The {what} must be {' or '.join(names)}, not {name!r:.40}")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what a run wrote."""
        return runs.load_record(cls, path, "the configuration of sw.pretrain")


def pretrain(run: Phases, config: Pretraining, pictures: ImageFolder, loader: Loader) -> str:
    """Train the autoencoder and write the run's files; say in a line or two what came of it."""
    torch.set_num_threads(1)    # As in sw.train; torchrun is the way to more cores.
    make = partial(BinaryAutoencoder, config.bits, config.width, BINARIZERS[config.binarizer],
                   channels=3 if config.colour else 1, side=config.side)
    model = run.train("autoencoder", make, handwriting_loss if config.distort else plain_loss,
                      Recipe(config.epochs, config.batch, task.AUTOENCODER_RATE),
                      lambda _: loader)
    unreadable = processes.mean(pictures.unreadable.float().to(run.device)).nonzero()[:, 0].tolist()
    encoder = model.cpu().float().fold()
    run.save()
    if run.engine.leads:
        encoder.save(run.folder / "encoder.safetensors")
    losses = run.losses("autoencoder")
    run.write_json("metrics.json", {
        "images": len(pictures), "unreadable": len(unreadable), "losses": losses,
        "processes": processes.place()[1], "seconds": run.seconds,
        "encoder": {"width": encoder.width, "code_bits": encoder.n_bits, "macs": encoder.macs},
        "versions": run.versions("lightning-fabric", "pillow")})
    return _summary(pictures, losses, unreadable)


def _summary(pictures: ImageFolder, losses: list[float], unreadable: list[int]) -> str:
    lines = [f"{len(pictures):,} images, loss of the first epoch {losses[0]}, "
             f"of the last {losses[-1]}"]
    if unreadable:
        lines.append(f"{len(unreadable):,} of them could not be read, and others stood in for "
                     f"them; {pictures.complaint(unreadable[0])}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m sw.pretrain",
                    description="Train an encoder on a folder of image files.")
    add = parser.add_argument
    add("--images", metavar="DIR", type=Path, help="folder of image files, in it and below")
    add("--side", metavar="N", type=int, default=28,
        help="height and width that images are brought to (default: %(default)s)")
    add("--colour", action="store_true", help="keep the colours")
    add("--bits", metavar="N", type=int, default=200,
        help="length of the code (default: %(default)s)")
    add("--width", metavar="N", type=int, default=32,
        help="channels of the first convolution (default: %(default)s)")
    add("--binarizer", metavar="NAME", choices=BINARIZERS, default="sign",
        help="how numbers become signs, sign or sd (default: %(default)s)")
    add("--distort", action="store_true",
        help="let the codes of two distortions of an image agree: for handwriting")
    add("--epochs", metavar="N", type=int, default=runs.LARGE.autoencoder_epochs,
        help="times to go through all images (default: %(default)s)")
    add("--batch", metavar="N", type=int, default=runs.LARGE.autoencoder_batch,
        help="images in a step, in all processes together (default: %(default)s)")
    add("--workers", metavar="N", type=int, default=2,
        help="processes that read images, for each that trains (default: %(default)s)")
    runs.add_flags(parser)
    add("--device", metavar="DEVICE", default="auto",
        help="train on cpu, cuda, or auto: cuda where there is one (default: %(default)s)")
    add("--precision", choices=PRECISIONS, default="32-true",
        help="of the arithmetic, in Fabric's words (default: %(default)s)")
    add("--resume", metavar="RUN", type=Path,
        help="go on with the run in folder RUN, whose flags then count, but for --workers")
    return parser


def _begin(arguments: argparse.Namespace) -> tuple[Phases, Pretraining, ImageFolder, Loader]:
    """Make the run's folder, or go on with it; everything that may be refused comes before."""
    resume = arguments.resume
    if arguments.workers < 0:
        raise RunError(f"The workers must be 0 or more, not {arguments.workers}")
    if resume:
        states = runs.unfinished(resume, CONFIG)
        config = Pretraining.load(resume / CONFIG)
        pictures = ImageFolder(Path(config.images), config.side, config.colour)
        if _fingerprint(pictures) != config.files:
            raise RunError(f"{config.images} has other image files than when {resume} was begun")
        engine = _engine(config)
        loader = Loader(pictures, config.batch, engine.device, arguments.workers)
        return Phases(resume, config.seed, states, engine), config, pictures, loader
    if not arguments.images:
        raise RunError("Nothing to train on: pass --images DIR")
    pictures = ImageFolder(arguments.images, arguments.side, arguments.colour)
    names = set(Pretraining.__dataclass_fields__) - {"images", "files"}
    config = Pretraining(images=str(arguments.images), files=_fingerprint(pictures),
                         **{name: getattr(arguments, name) for name in names})
    engine = _engine(config)
    if arguments.out and engine.leads:
        runs.refuse_full(arguments.out)
    loader = Loader(pictures, config.batch, engine.device, arguments.workers)
    pictures[0]    # One of them at least can be read.
    folder = runs.new_folder(arguments.out, "encoder") if engine.leads else Path()
    run = Phases(folder, config.seed, {}, engine)
    run.write_json(CONFIG, asdict(config))
    return run, config, pictures, loader


def _engine(config: Pretraining) -> FabricEngine:
    return FabricEngine(runs.choose_device(config.device), config.precision)


def _fingerprint(pictures: ImageFolder) -> str:
    return hashlib.sha256(b"\0".join(pictures.names.tolist())).hexdigest()


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    run = None
    try:
        arguments = _parser().parse_args(argv)
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
