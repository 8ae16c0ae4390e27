"""A run of ``sw.pretrain``: an encoder from a folder of image files."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ..images.folder import ImageFolder
from ..models import processes
from . import run as runs
from .asked.effort import RunError
from .asked.pretraining import CONFIG, Pretraining
from .batches import Loader
from .device import FabricEngine
from .encoder import train_encoder
from .run import Phases

__all__ = ["begin", "fingerprint", "pretrain", "resume"]

Begun = tuple[Phases, Pretraining, ImageFolder, Loader]


def pretrain(run: Phases, config: Pretraining, pictures: ImageFolder, loader: Loader) -> str:
    """Train the autoencoder and write the run's files; say in a line or two what came of it."""
    torch.set_num_threads(1)    # As in sw.train; torchrun is the way to more cores.
    encoder = train_encoder(run, config.encoder_plan(), lambda _: loader)
    unreadable = processes.mean(pictures.unreadable.float().to(run.device)).nonzero()[:, 0].tolist()
    run.save()
    if run.engine.leads:
        encoder.save(run.folder / "encoder.safetensors")
    losses = run.losses("autoencoder")
    run.write_json("metrics.json", {
        "images": len(pictures), "unreadable": len(unreadable), "losses": losses,
        "processes": processes.place()[1], "seconds": run.seconds,
        "encoder": {"width": encoder.shape.width, "code_bits": encoder.n_bits,
                    "macs": encoder.macs},
        "versions": run.versions("lightning-fabric", "pillow")})
    return _summary(pictures, losses, unreadable)


def _summary(pictures: ImageFolder, losses: list[float], unreadable: list[int]) -> str:
    lines = [f"{len(pictures):,} images, loss of the first epoch {losses[0]}, "
             f"of the last {losses[-1]}"]
    if unreadable:
        lines.append(f"{len(unreadable):,} of them could not be read, and others stood in for "
                     f"them; {pictures.complaint(unreadable[0])}")
    return "\n".join(lines)


def begin(asked: dict[str, Any], images: Path, out: Path | None, workers: int) -> Begun:
    """Make the run's folder; everything that may be refused comes before.

    ``asked`` holds the fields of :class:`Pretraining`, but for the images and their files.
    """
    pictures = ImageFolder(images, asked["side"], asked["colour"])
    config = Pretraining(images=str(images), files=fingerprint(pictures), **asked)
    engine = _engine(config)
    if out and engine.leads:
        runs.refuse_full(out)
    loader = Loader(pictures, config.batch, engine.device, workers)
    pictures[0]    # One of them at least can be read.
    folder = runs.new_folder(out, "encoder") if engine.leads else Path()
    run = Phases(folder, config.seed, {}, engine)
    run.write_json(CONFIG, asdict(config))
    return run, config, pictures, loader


def resume(folder: Path, workers: int) -> Begun:
    """Go on with a run, whose image files must be the same."""
    states = runs.unfinished(folder, CONFIG)
    config = Pretraining.load(folder / CONFIG)
    pictures = ImageFolder(Path(config.images), config.side, config.colour)
    if fingerprint(pictures) != config.files:
        raise RunError(f"{config.images} has other image files than when {folder} was begun")
    engine = _engine(config)
    loader = Loader(pictures, config.batch, engine.device, workers)
    return Phases(folder, config.seed, states, engine), config, pictures, loader


def _engine(config: Pretraining) -> FabricEngine:
    return FabricEngine(runs.choose_device(config.device), config.precision)


def fingerprint(pictures: ImageFolder) -> str:
    """Return what tells one set of names of image files from another."""
    return hashlib.sha256(b"\0".join(pictures.names.tolist())).hexdigest()
