"""A run of ``python -m sw.mixbin``: its settings, where it stands, and what it leaves.

``mixbin.json`` holds the settings, from the start; ``start.safetensors`` is the encoder that was
begun with. Until the end, ``checkpoint.safetensors`` is where trainings stand, and
``search.safetensors`` where the search stands: all of them whole at any moment, so that a run that
was killed goes on to the same result.

At the end there are ``mask.json``, ``stack.safetensors`` and the search's curve, and what is there
of any run (see :mod:`sw.terminal.runs`), if the last layers came out binary: the board's network,
the bits that the host sends for the test images, and ``split.json``.
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..golden import regular
from ..golden.errors import UserError
from ..golden.record import record
from ..golden.split import Part, Split
from ..images import data
from ..images.data import DataSet
from ..models.autoencoder import Encoder
from ..models.checkpoint import load_checkpoint, save_checkpoint
from ..models.encoding import BATCH, CodeSet, pack_signs
from ..train import write_network
from ..training.run import Config, Run, RunError, effort_for, new_folder, unfinished
from .mask import LAYERS, Mask, MaskError, Shape, parse_digits
from .search import CRITERIA, DIRECTIONS, Held, Settings
from .stack import Stack

__all__ = ["PRESETS", "Job", "create", "held_out", "keep_search", "reopen", "resumed_search",
           "write_parts"]

PRESETS = {
    "full": (),
    "published": ("hidden", "readout"),               # HyBNN: the encoder in full precision.
    "encfc-binary": ("code", "hidden", "readout"),    # All that is fully connected.
    "binary": LAYERS,
}
HELD = 6    # One training image of so many is held out, to choose by.


@dataclass(frozen=True)
class Job:
    """What decides the outcome of a run.

    Attributes
    ----------
    mask : str
        Name of a preset or file of a mask that is trained as it is; empty to search for one.
    keep : tuple of str
        Layers that the search leaves binary.
    images : int
        To search with; the last training takes all.
    epochs : int
        Of the last training.
    anew : bool
        The last training begins with the encoder, not with what the search left.
    """

    data: str = "digits"
    data_dir: str | None = None
    mask: str = ""
    settings: Settings = field(default_factory=Settings)
    groups: int = 8
    keep: tuple[str, ...] = ()
    images: int = 10_000
    epochs: int = 4
    anew: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        settings = self.settings
        if settings.direction not in DIRECTIONS or settings.criterion not in CRITERIA:
            raise RunError(f"A search must be one of {', '.join(DIRECTIONS)} by one of "
                           f"{', '.join(CRITERIA)}")
        if not 0 < settings.budget <= 1 or not 0 < settings.step <= 1 or settings.divisor < 1:
            raise RunError("Budget and step must be above 0 and at most 1, and the divisor 1 or "
                           f"more, not {settings.budget:g}, {settings.step:g} and "
                           f"{settings.divisor}")
        if min(self.groups, self.images, self.epochs, settings.fine_tuning) < 1 \
                or settings.trial < 0:
            raise RunError("Groups, images, epochs and fine-tuning must be 1 or more")
        if unknown := set(self.keep) - set(LAYERS):
            raise RunError(f"There are the layers {', '.join(LAYERS)}, no {min(unknown)!r}")

    def config(self, hidden: tuple[int, ...] = (1,)) -> Config:
        """Return the run's configuration as ``sw.train`` would, for who reads any run."""
        effort = effort_for(self.data)
        return Config(self.data, self.data_dir, "ten", hidden, "sign", self.seed, "cpu",
                      replace(effort, classifier_epochs=self.epochs))

    def load(self) -> DataSet:
        """Load the images."""
        whole = data.load(self.data, Path(self.data_dir) if self.data_dir else None)
        return data.select(whole, "ten")

    def chosen(self) -> Mask | None:
        """Return the mask that was named, if one was."""
        if not self.mask:
            return None
        if self.mask in PRESETS:
            return Mask.of(Shape(), PRESETS[self.mask])
        return Mask.load(Path(self.mask))


def held_out(inputs: DataSet) -> Held:
    """Hold out the last of the training images."""
    n = len(inputs.train_images) - len(inputs.train_images) // HELD
    return Held(inputs.train_images[:n], inputs.train_labels[:n], inputs.train_images[n:],
                inputs.train_labels[n:])


def create(folder: Path | None, job: Job, encoder: Encoder | None) -> Run:
    """Begin a run, see :func:`sw.training.run.new_folder`, with an encoder if there is one."""
    folder = new_folder(folder, f"{job.data}-mixbin")
    run = Run(folder, job.config(), {})
    if encoder is not None:
        encoder.save(folder / "start.safetensors")
    run.write_json("mixbin.json", asdict(job))    # Last: from here on it can be resumed.
    return run


def reopen(folder: Path) -> tuple[Run, Job]:
    """Go on with an unfinished run."""
    path = folder / "mixbin.json"
    states = unfinished(folder, path.name)
    try:
        job = record(Job, regular.read_json(path))
        config = job.config()
    except UserError as error:
        raise RunError(f"{path} does not hold the settings of a run: {error}") from None
    except ValueError:
        raise RunError(f"{path} does not hold the settings of a run") from None
    return Run(folder, config, states), job


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


def write_parts(run: Run, stack: Stack, inputs: DataSet, job: Job) -> Split | None:
    """Write mask and stack, and for a board, if there is work for one, all that it needs."""
    stack.mask.save(run.folder / "mask.json")
    stack.save(run.folder / "stack.safetensors")
    names = stack.mask.suffix()
    if not names:
        return None
    codes = _codes(stack, names, inputs)
    model = stack.head(names)
    network = write_network(run.folder, model, codes)
    split = split_of(stack.mask)
    split.save(run.folder / "split.json")
    # For who reads any run; beside the trainings, which a run that is killed here goes on from.
    run.add("hybrid", {"epoch": job.epochs, "model": model.state_dict()})
    run.save()
    run.write_json("config.json", asdict(job.config(network.shape[1:-1])))
    return split


def split_of(mask: Mask) -> Split:
    """Say what host and board do."""
    names, parts = mask.suffix(), [Part(*each) for each in mask.operations()]
    first = next(layer for layer in mask.shape.layers() if layer.name == names[0])
    return Split([part for part in parts if part.layer not in names],
                 [part for part in parts if part.layer in names], first.fan_in)


def _codes(stack: Stack, names: list[str], inputs: DataSet) -> CodeSet:
    """Return what the host sends for the test images: the signs that the first layer takes."""
    depth = LAYERS.index(names[0])
    packed = pack_signs(features(stack, depth, inputs.test_images))
    n_bits = stack.mask.shape.layers()[depth].fan_in
    # Nothing is left to train on them.
    return CodeSet(packed[None], inputs.test_labels, packed, inputs.test_labels, n_bits)


@torch.no_grad()
def features(stack: Stack, depth: int, images: Tensor) -> Tensor:
    """Return what comes out of the first layers of an evaluating stack, for all images."""
    stack.eval()
    return torch.cat([stack.features(batch, depth) for batch in images.split(BATCH)])
