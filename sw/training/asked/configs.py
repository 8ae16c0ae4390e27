"""Read what a run was asked for, and what it says of itself, from its folder. Needs no torch.

Every run's folder holds ``config.json``. In that of ``python -m sw.train`` it is all that was asked
for, see :data:`Asked`. Other commands have files of their own for that; their ``config.json`` is
the run's :class:`~sw.training.asked.config.Description`, which those of any kind give.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ...golden import regular
from ...golden.errors import UserError
from ...golden.record import record
from ...images.names import OwnImages, class_names
from ...images.table import Encoding
from .columns import TableConfig
from .config import HYBRID, Config, DeepConfig, Description
from .effort import Effort, RunError
from .stages import OnChipConfig

__all__ = ["Asked", "asked", "describe", "load", "load_record", "names_of", "own_images"]

Asked = Config | DeepConfig | OnChipConfig | TableConfig
Kind = TypeVar("Kind")


def describe(folder: Path) -> Description:
    """Read what a run's folder says of it, whichever command made it.

    Raises
    ------
    RunError
        It does not say it, or there is no network for hardware in such a run.
    """
    found = asked(folder)
    return found if isinstance(found, Description) else found.description()


def asked(folder: Path) -> Config | OnChipConfig | TableConfig | Description:
    """Read what a run's folder holds of what was asked for; raises as :func:`describe`."""
    try:
        found = load(folder / "config.json")
    except FileNotFoundError:
        raise RunError(f"{folder} is not the folder of a run: it has no config.json") from None
    if isinstance(found, DeepConfig):
        raise RunError(f"The run in {folder} trained {found.model}, which does not become "
                       "hardware")
    return found


def own_images(folder: Path) -> OwnImages | None:
    """Return which images of the user's own a run is of, if it is; raises as :func:`describe`."""
    found = asked(folder)
    return found.own if isinstance(found, OnChipConfig) else None


def names_of(folder: Path) -> tuple[str, ...]:
    """Return the names of a run's classes, in the order of its network's scores.

    Raises
    ------
    RunError
        As :func:`describe`.
    """
    found = asked(folder)
    if isinstance(found, OnChipConfig):
        return found.classes
    if isinstance(found, TableConfig):
        return Encoding.load(folder / "encoding.json").classes
    return class_names(found.data, found.task)


@dataclass(frozen=True)
class _Before:
    """``config.json`` as all commands wrote it at first, whatever they trained."""

    data: str
    data_dir: str | None
    task: str
    hidden: tuple[int, ...]
    binarizer: str
    seed: int
    device: str
    effort: Effort
    encoder: str | None
    model: str
    precision: str
    images: int | None

    def now(self) -> Config | DeepConfig:
        """Return what it says as it is written now."""
        if self.model == HYBRID:
            return Config(self.data, self.data_dir, self.task, self.hidden, self.binarizer,
                          self.seed, self.device, self.effort, self.encoder)
        return DeepConfig(self.model, self.data_dir, self.binarizer, self.seed, self.device,
                          self.effort.classifier_epochs, self.effort.classifier_batch,
                          self.precision, self.images)


def load(path: Path) -> Asked | Description:
    """Read the ``config.json`` of a run of any kind and age."""
    content = _read(path)
    names = content.keys() if isinstance(content, dict) else set()
    if "effort" in names:
        if "model" in names:
            return _record(_Before, content, path, "the configuration of a run").now()
        return _record(Config, content, path, "the configuration of a run")
    if "table" in names:
        return _record(TableConfig, content, path, "the configuration of a run")
    if "signature" in names:
        return _record(OnChipConfig, content, path, "the configuration of a run")
    if "model" in names:
        return _record(DeepConfig, content, path, "the configuration of a run")
    return _record(Description, content, path, "the configuration of a run")


def load_record(kind: type[Kind], path: Path, what: str) -> Kind:
    """Read what a run was asked for; ``what`` says what the file is, should it be another."""
    return _record(kind, _read(path), path, what)


def _read(path: Path) -> object:
    """Return what a JSON file holds, or None if it is no JSON."""
    try:
        content: object = regular.read_json(path)
        return content
    except ValueError:
        return None


def _record(kind: type[Kind], content: object, path: Path, what: str) -> Kind:
    try:
        return record(kind, content)
    except UserError as error:
        raise RunError(f"{path} is not {what}: {error}") from None
    except ValueError:
        raise RunError(f"{path} is not {what}") from None
