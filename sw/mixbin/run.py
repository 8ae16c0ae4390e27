"""A run of ``python -m sw.mixbin``: its settings, where it stands, and what it leaves.

``mixbin.json`` holds the settings, from the start; ``start.safetensors`` is the encoder that was
begun with. Until the end, ``checkpoint.safetensors`` is where trainings stand, and
``search.safetensors`` where the search stands: all of them whole at any moment, so that a run that
was killed goes on to the same result.

At the end there are ``mask.json``, ``stack.safetensors`` and the search's curve, and what is there
of any run (see :mod:`sw.terminal.runs`), if the last layers came out binary: the board's network,
the bits that the host sends for the test images, and ``split.json``.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..golden.split import Part, Split
from ..images import data
from ..images.data import DataSet
from ..models.autoencoder import Encoder
from ..models.checkpoint import load_checkpoint, save_checkpoint
from ..models.encoding import BATCH, CodeSet, pack_signs
from ..models.onchip import OnChip
from ..training import hybrid, onchip
from ..training.asked.configs import load_record
from ..training.asked.effort import RunError
from ..training.device import Engine
from ..training.run import Phases, new_folder, unfinished
from .job import Job
from .mask import LAYERS, Mask, MaskError, parse_digits
from .search import Held
from .stack import Stack

__all__ = ["create", "held_out", "keep_search", "load", "maps", "reopen", "resumed_search",
           "write_parts"]

HELD = 6    # One training image of so many is held out, to choose by.


def load(job: Job) -> DataSet:
    """Load the images."""
    return data.select(data.load(job.data, Path(job.data_dir) if job.data_dir else None), "ten")


def held_out(inputs: DataSet) -> Held:
    """Hold out the last of the training images."""
    n = len(inputs.train_images) - len(inputs.train_images) // HELD
    return Held(inputs.train_images[:n], inputs.train_labels[:n], inputs.train_images[n:],
                inputs.train_labels[n:])


def create(folder: Path | None, job: Job, encoder: Encoder | None) -> Phases:
    """Begin a run, see :func:`sw.training.run.new_folder`, with an encoder if there is one."""
    run = _phases(new_folder(folder, f"{job.data}-mixbin"), job, {})
    if encoder is not None:
        encoder.save(run.folder / "start.safetensors")
    run.write_json("mixbin.json", asdict(job))    # Last: from here on it can be resumed.
    return run


def reopen(folder: Path) -> tuple[Phases, Job]:
    """Go on with an unfinished run."""
    path = folder / "mixbin.json"
    states = unfinished(folder, path.name)
    job = load_record(Job, path, "the settings of a run of sw.mixbin")
    return _phases(folder, job, states), job


def _phases(folder: Path, job: Job, states: dict[str, Any]) -> Phases:
    return Phases(folder, job.seed, states, Engine(torch.device("cpu")))


def keep_search(folder: Path, stack: Stack, state: dict[str, Any]) -> None:
    """Keep where a search stands, whole."""
    save_checkpoint(folder / "search.safetensors",
                    {**state, "mask": str(stack.mask), "model": stack.state_dict()})


def resumed_search(folder: Path, stack: Stack) -> dict[str, Any] | None:
    """Bring a stack to where the search stands, and give the rest of what was kept."""
    path = folder / "search.safetensors"
    if not path.exists():
        return None
    state = load_checkpoint(path)
    try:
        stack.load_state_dict(state.pop("model"))
        stack.choose(parse_digits(state.pop("mask"), stack.mask.shape))
    except (KeyError, RuntimeError, MaskError):
        raise RunError(f"{path} does not fit the run's mixbin.json") from None
    return state


def write_parts(run: Phases, stack: Stack, inputs: DataSet, job: Job) -> Split | None:
    """Write mask and stack, and for a board, if there is work for one, all that it needs."""
    stack.mask.save(run.folder / "mask.json")
    stack.save(run.folder / "stack.safetensors")
    names = stack.mask.suffix()
    if not names:
        return None
    model = stack.head(names)
    if isinstance(model, OnChip):
        sent = maps(stack, LAYERS.index(names[0]), inputs.test_images)
        onchip.write_network(run.folder, model, sent, inputs.test_labels)
    else:
        hybrid.write_network(run.folder, model, _codes(stack, names, inputs))
    split = split_of(stack.mask)
    split.save(run.folder / "split.json")
    # For who reads any run; beside the trainings, which a run that is killed here goes on from.
    phase = onchip.PHASE if isinstance(model, OnChip) else "hybrid"
    run.add(phase, {"epoch": job.epochs, "model": model.state_dict()})
    run.save()
    run.write_json("config.json", asdict(job.description()))
    return split


def split_of(mask: Mask) -> Split:
    """Say what host and board do."""
    names, parts = mask.suffix(), [Part(*each) for each in mask.operations()]
    takes = mask.signature(LAYERS.index(names[0])).input
    return Split([part for part in parts if part.layer not in names],
                 [part for part in parts if part.layer in names], takes.n_bits)


def _codes(stack: Stack, names: list[str], inputs: DataSet) -> CodeSet:
    """Return what the host sends for the test images: the signs that the first layer takes."""
    depth = LAYERS.index(names[0])
    packed = pack_signs(features(stack, depth, inputs.test_images))
    n_bits = stack.mask.shape.layers()[depth].fan_in
    # Nothing is left to train on them.
    return CodeSet(packed[None], inputs.test_labels, packed, inputs.test_labels, n_bits)


def maps(stack: Stack, depth: int, images: Tensor) -> Tensor:
    """Return the same where a convolution takes it: bits ``(n, height, width, channels)``."""
    return (features(stack, depth, images) >= 0).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


@torch.no_grad()
def features(stack: Stack, depth: int, images: Tensor) -> Tensor:
    """Return what comes out of the first layers of an evaluating stack, for all images."""
    stack.eval()
    return torch.cat([stack.features(batch, depth) for batch in images.split(BATCH)])
