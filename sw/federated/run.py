"""The folder of a federation: what a run of ``sw.train`` leaves, and ``federation.json``."""

from dataclasses import asdict, replace
from pathlib import Path

from ..golden import regular
from ..golden.network import atomic_write
from ..models.autoencoder import MAX_BYTES, Encoder
from ..models.checkpoint import save_checkpoint
from ..train import write_network
from ..training import run as runs
from ..training import task
from ..training.run import Run, RunError
from . import site_codes as images
from .federation import Federation
from .rounds import model_of
from .settings import Settings

__all__ = ["finish", "prepare"]


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
    run = runs.create(folder, settings.run_config())
    if encoder:
        atomic_write(Path(settings.encoder), regular.read_bytes(encoder, MAX_BYTES))
    run.write_json("federation.json", asdict(settings))
    return folder


def finish(folder: Path, federation: Federation, seconds: float) -> None:
    """Write what ``sw.train`` does: encoder, network, test codes, checkpoint, and the metrics."""
    settings = federation.settings
    run = Run(folder, settings.run_config(), {})
    found = images.codes_of(settings)
    encoder = Encoder.load(Path(settings.encoder))
    kept = folder / "encoder.safetensors"
    if not kept.exists():
        atomic_write(kept, regular.read_bytes(Path(settings.encoder), MAX_BYTES))
    model = model_of(federation.content, federation.shape)
    network = write_network(folder, model, found)
    save_checkpoint(folder / "checkpoint.safetensors", {
        "hybrid": {"epoch": settings.rounds, "model": model.state_dict(), "seconds": seconds}})
    run.write_json("metrics.json", {
        "accuracy": {"hybrid": round(task.test(model, *found.test()), 2)},
        "data": settings.data, "task": settings.task, "binarizer": "sign",
        "seed": settings.seed,
        "network": {"shape": str(network), "weight_bits": network.n_weights},
        "encoder": {"width": encoder.width, "code_bits": encoder.n_bits, "macs": encoder.macs},
        "federation": federation.history,
        "seconds": {"federation": round(seconds, 1)},
        "versions": run.versions("flwr"),
    })
