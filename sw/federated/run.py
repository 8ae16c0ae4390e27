"""The folder of a federation: what any run leaves, and ``federation.json``, its settings."""

from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

import torch

from ..golden import regular
from ..golden.network import atomic_write
from ..models.autoencoder import MAX_BYTES, Encoder
from ..models.checkpoint import save_checkpoint
from ..terminal.runs import encoder_file
from ..training import task
from ..training.asked.config import encoder_plan
from ..training.asked.effort import RunError
from ..training.device import Engine
from ..training.encoder import load_encoder, train_encoder
from ..training.hybrid import write_network
from ..training.run import Phases, new_folder
from . import site_codes
from .federation import Federation
from .settings import Settings
from .splits import split
from .steps import words

__all__ = ["begin", "finish", "prepare"]


def prepare(settings: Settings, encoder: Path | None = None) -> Path:
    """Begin a run in the folder of the settings, or go on with it; return the folder.

    A run that begins gets a copy of ``encoder`` first: one that was killed goes on with the same.
    """
    folder = Path(settings.out)
    if (folder / "federation.json").exists():
        begun = Settings.load(folder)
        if replace(begun, out=settings.out, encoder=settings.encoder) != settings:
            raise RunError(f"{folder} holds a federation with other settings")
        if (folder / "metrics.json").exists():
            raise RunError(f"The run in {folder} is finished; there is nothing to resume")
        return folder
    settings.widths()    # They are some.
    run = _phases(new_folder(folder, ""), settings)
    run.write_json("config.json", asdict(settings.description()))
    if encoder:
        atomic_write(Path(settings.encoder), regular.read_bytes(encoder, MAX_BYTES))
    run.write_json("federation.json", asdict(settings))
    return folder


def begin(settings: Settings, encoder: Path | None) -> Settings:
    """Make a simulation's folder, or go on with it, and put its encoder there, if it has none.

    Returns the settings, which say where. A mistake leaves no folder behind.
    """
    settings.widths()
    images, chosen = site_codes.load(settings)
    split(settings.split, chosen.train_labels, settings.clients, settings.alpha, settings.seed,
          settings.classes)    # Each client gets something.
    if settings.codec == "onebit":
        words(len(chosen.classes), settings.widths()[-1], settings.seed)    # There are enough.
    if find_spec("flwr") is None:
        raise RunError("Flower is missing: pip install 'hybnn[fed]'")
    source = encoder_file(encoder) if encoder else None
    if source and not source.is_file():
        raise RunError(f"There is no encoder in {encoder}")
    if source:
        load_encoder(source)    # It is one, and for these images.
    if not settings.out:
        settings = settings.within(new_folder(None, f"{settings.data}-{settings.task}-federated"))
    folder = prepare(settings, source)
    if not Path(settings.encoder).exists():
        torch.set_num_threads(1)
        train_encoder(_phases(folder, settings), encoder_plan(settings.data), lambda _: [images]
                      ).save(Path(settings.encoder))
    return settings


def _phases(folder: Path, settings: Settings) -> Phases:
    return Phases(folder, settings.seed, {}, Engine(torch.device("cpu")))


def finish(folder: Path, federation: Federation, seconds: float) -> None:
    """Write what ``sw.train`` does: encoder, network, test codes, checkpoint, and the metrics."""
    settings = federation.settings
    run = _phases(folder, settings)
    found = site_codes.codes_of(settings)
    encoder = Encoder.load(Path(settings.encoder))
    kept = folder / "encoder.safetensors"
    if not kept.exists():
        atomic_write(kept, regular.read_bytes(Path(settings.encoder), MAX_BYTES))
    model = federation.model(federation.result)
    network = write_network(folder, model, found)
    save_checkpoint(folder / "checkpoint.safetensors", {
        "hybrid": {"epoch": settings.rounds, "model": model.state_dict(), "seconds": seconds}})
    run.write_json("metrics.json", {
        "accuracy": {"hybrid": round(task.test(model, *found.test()), 2)},
        "data": settings.data, "task": settings.task, "binarizer": "sign",
        "seed": settings.seed,
        "network": {"shape": str(network), "weight_bits": network.n_weights},
        "encoder": {"width": encoder.shape.width, "code_bits": encoder.n_bits,
                    "macs": encoder.macs},
        "kept": federation.kept,
        "federation": federation.history,
        "seconds": {"federation": round(seconds, 1)},
        "versions": run.versions("flwr"),
    })
