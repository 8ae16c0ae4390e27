"""A training run: its configuration, its folder, and the checkpoint it can go on from.

A run's folder holds ``config.json`` from the start and ``metrics.json`` from the end: a folder
without the latter is unfinished. Between the two ``checkpoint.safetensors`` holds, for each phase
that has begun, the state of its :class:`~sw.training.task.Training` and the seconds it took so far.
"""

import json
import math
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn
from tqdm import tqdm

from ..golden.network import atomic_write
from ..models.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from . import task
from .asked.columns import TableConfig
from .asked.config import Config, DeepConfig
from .asked.configs import Asked, load
from .asked.effort import RunError
from .asked.stages import OnChipConfig
from .device import Engine, FabricEngine
from .task import Recipe, Training

__all__ = ["Phases", "Run", "choose_device", "create", "load_states", "new_folder",
           "newest_unfinished", "refuse_full", "reopen", "unfinished"]

RUNS = Path("runs")
SAVE_EVERY = 10.0    # Seconds of work that a power cut may cost.

Model = TypeVar("Model", bound=nn.Module)
AnyConfig = TypeVar("AnyConfig", Config, DeepConfig, OnChipConfig, TableConfig)


class Phases:
    """Trainings one after the other, in a folder whose checkpoint each of them can go on from.

    Parameters
    ----------
    folder : Path
        Exists, for the process that leads.
    seed : int
    states : dict
        From the checkpoint: for each phase that has begun, its training's state, the ``seconds`` it
        took, those of the processor, ``cpu``, and the ``losses`` of its epochs.
    engine : :class:`~sw.training.device.Engine`
    """

    def __init__(self, folder: Path, seed: int, states: dict[str, Any], engine: Engine) -> None:
        self.folder, self.seed, self.engine = folder, seed, engine
        self._states = states
        self._saved = time.monotonic()

    @property
    def device(self) -> torch.device:
        """Where models and batches belong."""
        return self.engine.device

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds that each phase took."""
        return {phase: round(state["seconds"], 1) for phase, state in self._states.items()
                if "seconds" in state}

    def cpu(self, phase: str) -> float:
        """Return the seconds that a phase took of the processor, all threads together."""
        return round(float(self._states[phase]["cpu"]), 1)

    def losses(self, phase: str) -> list[float]:
        """Mean loss of a batch in each epoch so far."""
        return [float(f"{loss:.4g}") for loss in self._states[phase]["losses"].tolist()]

    @staticmethod
    def versions(*also: str) -> dict[str, str]:
        """Versions of what decides the outcome, for ``metrics.json``."""
        return {"python": platform.python_version(),
                **{name: version(name) for name in ("hybnn", "torch", "numpy", *also)}}

    def write_json(self, name: str, value: object) -> None:
        """Write a JSON file into the folder, once, whatever the number of processes."""
        if self.engine.leads:
            atomic_write(self.folder / name, (json.dumps(value, indent=2) + "\n").encode())

    def add(self, name: str, state: dict[str, Any]) -> None:
        """Put something beside the phases into the checkpoint, from the next :meth:`save` on."""
        self._states = {**self._states, name: state}

    def save(self) -> None:
        """Write the checkpoint, likewise: each phase as it was after its last whole epoch."""
        if self.engine.leads:
            save_checkpoint(self.folder / "checkpoint.safetensors", self._states)
        self._saved = time.monotonic()

    def train(self, phase: str, make: Callable[[], Model], loss: task.Loss, recipe: Recipe,
              data: Callable[[int], task.Data]) -> Model:
        """Train a model, or what the checkpoint leaves to train of it; return it evaluating.

        Parameters
        ----------
        phase : str
            Names the model in the checkpoint and its randomness.
        data : callable
            Gives, for the number of an epoch, the data to train on.
        """
        task.reseed(self.seed, f"{phase}, initial weights")
        model = make().to(self.device)
        training = Training(model, loss, recipe, phase, self.seed, self.engine)
        seconds, cpu, losses = self._restore(training)
        begun, cpu_begun = time.monotonic() - seconds, time.process_time() - cpu
        per_epoch = task.n_batches(data(0), recipe)
        with tqdm(total=recipe.epochs * per_epoch, initial=training.epoch * per_epoch, desc=phase,
                  unit=" batches", disable=None if self.engine.leads else True) as bar:
            while training.epoch < recipe.epochs:
                losses.append(training.run_epoch(data(training.epoch), bar.update))
                bar.set_postfix_str(f"loss {losses[-1]:.4g}")
                self._keep(training, time.monotonic() - begun, time.process_time() - cpu_begun,
                           losses)
        return model.eval()

    def _restore(self, training: Training) -> tuple[float, float, list[float]]:
        """Take the state of ``training`` from the checkpoint; return its seconds, those of the
        processor (0 in older ones), and its losses."""
        state = self._states.get(training.phase)
        if state is None:
            return 0.0, 0.0, []
        try:
            training.restore(state)
            return (float(state["seconds"]), float(state.get("cpu", 0.0)),
                    state["losses"].tolist())
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError):
            raise CheckpointError(f"The checkpoint in {self.folder} does not fit its config.json"
                                  ) from None

    def _keep(self, training: Training, seconds: float, cpu: float, losses: list[float]) -> None:
        state = {**training.state(), "seconds": seconds, "cpu": cpu, "losses": torch.tensor(losses)}
        # One assignment, so that an interruption finds the old state or the new.
        self._states = {**self._states, training.phase: state}
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()


class Run(Phases, Generic[AnyConfig]):
    """A run of ``python -m sw.train`` under way.

    Parameters
    ----------
    folder, states
        See :class:`Phases`.
    engine : :class:`~sw.training.device.Engine`, optional
        Default: this process, on the device that ``config`` says.
    """

    def __init__(self, folder: Path, config: AnyConfig, states: dict[str, Any],
                 engine: Engine | None = None) -> None:
        super().__init__(folder, config.seed, states, engine or _engine(config))
        self.config: AnyConfig = config


def _engine(config: Asked) -> Engine:
    device = choose_device(config.device)
    if not isinstance(config, DeepConfig):
        return Engine(device)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise RunError("sw.train is one process; torchrun is for sw.pretrain")
    return FabricEngine(device, config.precision, compiled=device.type == "cuda")


def choose_device(name: str) -> torch.device:
    """Find the device that ``auto``, ``cpu`` or ``cuda`` means here."""
    if name not in ("auto", "cpu", "cuda"):
        raise RunError(f"The device must be auto, cpu or cuda, not {name!r}")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise RunError("PyTorch finds no CUDA device here; use --device cpu")
    return torch.device("cuda" if name != "cpu" and available else "cpu")


def create(folder: Path | None, config: AnyConfig) -> Run[AnyConfig]:
    """Begin a run in ``folder``, which must be empty or new, or in a new one below ``runs/``."""
    engine = _engine(config)    # Before anything is written.
    run = Run(new_folder(folder, config.name), config, {}, engine)
    run.write_json("config.json", asdict(config))
    return run


def new_folder(folder: Path | None, name: str) -> Path:
    """Make ``folder``, which must be empty or new, or one below ``runs/`` by the time and ``name``.

    Of several runs that begin at once, each gets a folder of its own, or is refused.
    """
    if folder is None:
        return _new_by_time(name)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir()    # Which decides, of two that found nothing here.
        except FileExistsError:
            raise RunError(f"Another run has just begun in {folder}; --out needs a new folder"
                           ) from None
    folder.mkdir(exist_ok=True)    # A file is none.
    refuse_full(folder)
    return folder


def refuse_full(folder: Path) -> None:
    """Raise :exc:`RunError` if a folder is there and holds something."""
    if folder.is_dir() and any(folder.iterdir()):
        raise RunError(f"{folder} is not empty; --out needs a new folder")


def _new_by_time(name: str) -> Path:
    RUNS.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{name}"
    for number in count():
        folder = RUNS / (f"{name}-{number}" if number else name)
        with suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise AssertionError    # There is always another number.


def reopen(folder: Path) -> Run[Any]:
    """Go on with an unfinished run, from the end of its last epoch that was saved."""
    states, path = unfinished(folder, "config.json"), folder / "config.json"
    config = load(path)
    if isinstance(config, Config):
        return Run(folder, config, states)
    if isinstance(config, DeepConfig):
        return Run(folder, config, states)
    if isinstance(config, OnChipConfig):
        return Run(folder, config, states)
    if isinstance(config, TableConfig):
        return Run(folder, config, states)
    raise RunError(f"{path} is not the configuration of a run of sw.train")


def unfinished(folder: Path, config: str) -> dict[str, Any]:
    """Return the states in the checkpoint of an unfinished run whose settings have this name."""
    if not (folder / config).is_file():
        raise RunError(f"{folder} is not the folder of a run: it has no {config}")
    if (folder / "metrics.json").exists():
        raise RunError(f"The run in {folder} is finished; there is nothing to resume")
    with suppress(FileNotFoundError):    # Ended before its first checkpoint.
        return load_states(folder / "checkpoint.safetensors")
    return {}


def load_states(path: Path) -> dict[str, Any]:
    """Read the checkpoint of a run, see :class:`Phases`: each phase with its seconds and losses."""
    states = load_checkpoint(path)
    for phase, state in states.items():
        known = state if isinstance(state, dict) else {"seconds": -1}
        seconds, losses = known.get("seconds", 0.0), known.get("losses", torch.empty(0))
        if not (type(seconds) in (int, float) and 0 <= seconds < math.inf
                and isinstance(losses, torch.Tensor) and losses.dim() == 1):
            raise CheckpointError(f"{path} is not the checkpoint of a run: {phase[:40]!r} must be "
                                  "a training with its seconds and losses")
    return states


def newest_unfinished() -> Path:
    """Find the unfinished run below ``runs/`` that was begun last."""
    unfinished = [config for config in RUNS.glob("*/config.json")
                  if not (config.parent / "metrics.json").exists()]
    if not unfinished:
        raise RunError(f"There is no unfinished run in {RUNS}/ to resume")
    return max(unfinished, key=lambda config: config.stat().st_mtime).parent
