"""What decides the outcome of a run, and what a run says of itself. Needs no torch.

Every run's folder holds ``config.json``. In that of ``python -m sw.train`` it is all that was asked
for, a :class:`Config` or a :class:`DeepConfig`. Other commands have files of their own for that;
their ``config.json`` is the run's :class:`Description`, which those of any kind give.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..golden import regular
from ..golden.errors import UserError
from ..golden.network import MAX_WIDTH
from ..golden.record import record
from ..models.binarizer import BINARIZERS
from ..models.shape import CODE_BITS, EncoderShape
from .effort import DEEP, DEEP_BATCH, MOST, SMALL, Effort, RunError, effort_for

__all__ = ["HYBRID", "LOSSES", "PRECISIONS", "Config", "DeepConfig", "Description", "EncoderPlan",
           "encoder_plan", "load", "load_record"]

HYBRID = "hybrid"
LOSSES = ("plain", "handwriting")    # Of an autoencoder, see sw.training.encoder.
# Of Fabric's: the last computes what can be computed so in bfloat16, and keeps float32 weights.
PRECISIONS = ("32-true", "64-true", "bf16-mixed")

Asked = TypeVar("Asked")


@dataclass(frozen=True)
class Description:
    """What readers of any run need to know of it.

    Attributes
    ----------
    epochs : int
        Of the classifier ``hybrid`` in the run's checkpoint, once it is trained.
    """

    data: str
    data_dir: str | None
    task: str
    binarizer: str
    seed: int
    epochs: int

    def __post_init__(self) -> None:
        _check_name("binarizer", self.binarizer, [*BINARIZERS])

    @classmethod
    def of(cls, folder: Path) -> "Description":
        """Read what a run's folder says of it, whichever command made it.

        Raises
        ------
        RunError
            It does not say it, or there is no network for hardware in such a run.
        """
        try:
            found = load(folder / "config.json")
        except FileNotFoundError:
            raise RunError(f"{folder} is not the folder of a run: it has no config.json") from None
        if isinstance(found, DeepConfig):
            raise RunError(f"The run in {folder} trained {found.model}, which does not become "
                           "hardware")
        return found if isinstance(found, Description) else found.description()


@dataclass(frozen=True)
class EncoderPlan:
    """How an encoder is made."""

    shape: EncoderShape
    binarizer: str
    loss: str
    epochs: int
    batch: int


def encoder_plan(data: str) -> EncoderPlan:
    """Return how the encoder for a data set is made, if nothing else is asked for."""
    effort = effort_for(data)
    # A distorted shirt may be a dress.
    loss = "plain" if data == "fashion-mnist" else "handwriting"
    return EncoderPlan(EncoderShape(), "sign", loss, effort.autoencoder_epochs,
                       effort.autoencoder_batch)


@dataclass(frozen=True)
class Config:
    """What decides the outcome of a run that trains a hybrid network."""

    data: str = "digits"               # Needs no download.
    data_dir: str | None = None        # None: the user's cache, filled by download.
    task: str = "ten"                  # Every data set has ten classes.
    hidden: tuple[int, ...] = (128,)   # HyBNN's head, 200-128-classes.
    binarizer: str = "sign"            # See sw.models.binarizer.
    seed: int = 0
    device: str = "auto"               # CUDA where there is one.
    effort: Effort = SMALL
    encoder: str | None = None         # Run or file whose encoder is taken; None: train one.
    bits: int = CODE_BITS              # Of the code of an encoder that is trained.
    loss: str | None = None            # Of its training; None: what suits the data set.

    def __post_init__(self) -> None:
        if not self.hidden or not all(1 <= width <= MAX_WIDTH for width in self.hidden):
            raise RunError(f"Hidden widths must be 1 to {MAX_WIDTH}, not {list(self.hidden)}")
        _check_name("binarizer", self.binarizer, [*BINARIZERS])
        _check_seed(self.seed)
        if not 1 <= self.bits <= MAX_WIDTH:
            raise RunError(f"The bits of a code must be 1 to {MAX_WIDTH}, not {self.bits}")
        if self.loss is not None:
            _check_name("loss", self.loss, [*LOSSES])
        if self.encoder and (self.bits, self.loss) != (CODE_BITS, None):
            raise RunError("--bits and --loss are for an encoder that is trained, not for one "
                           "that is taken")

    @property
    def name(self) -> str:
        """What a folder that is made for the run is called after."""
        return f"{self.data}-{self.task}"

    def encoder_plan(self) -> EncoderPlan:
        """Return how the run's encoder is made."""
        usual = encoder_plan(self.data)
        return replace(usual, shape=replace(usual.shape, n_bits=self.bits),
                       binarizer=self.binarizer, loss=self.loss or usual.loss,
                       epochs=self.effort.autoencoder_epochs, batch=self.effort.autoencoder_batch)

    def description(self) -> Description:
        """Return what the run says of itself."""
        return Description(self.data, self.data_dir, self.task, self.binarizer, self.seed,
                           self.effort.classifier_epochs)


@dataclass(frozen=True)
class DeepConfig:
    """What decides the outcome of a run that trains one of SD-BNN's networks on CIFAR-10."""

    model: str
    data_dir: str | None
    binarizer: str
    seed: int
    device: str
    epochs: int
    batch: int = DEEP_BATCH
    precision: str = PRECISIONS[0]
    images: int | None = None          # To train and to test on, at most; None: all.

    def __post_init__(self) -> None:
        _check_name("model", self.model, [*DEEP])
        _check_name("binarizer", self.binarizer, [*BINARIZERS])
        _check_name("precision", self.precision, [*PRECISIONS])
        _check_seed(self.seed)
        for what, number in ("epochs", self.epochs), ("batch", self.batch), ("images", self.images):
            if number is not None and not 1 <= number <= MOST:
                raise RunError(f"The {what} must be 1 to {MOST}, not {number}")

    @property
    def name(self) -> str:
        """What a folder that is made for the run is called after."""
        return f"cifar10-{self.model}"


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


def load(path: Path) -> Config | DeepConfig | Description:
    """Read the ``config.json`` of a run of any kind and age."""
    content = _read(path)
    names = content.keys() if isinstance(content, dict) else set()
    if "effort" in names:
        if "model" in names:
            return _record(_Before, content, path, "the configuration of a run").now()
        return _record(Config, content, path, "the configuration of a run")
    if "model" in names:
        return _record(DeepConfig, content, path, "the configuration of a run")
    return _record(Description, content, path, "the configuration of a run")


def load_record(kind: type[Asked], path: Path, what: str) -> Asked:
    """Read what a run was asked for; ``what`` says what the file is, should it be another."""
    return _record(kind, _read(path), path, what)


def _read(path: Path) -> object:
    """Return what a JSON file holds, or None if it is no JSON."""
    try:
        content: object = regular.read_json(path)
        return content
    except ValueError:
        return None


def _record(kind: type[Asked], content: object, path: Path, what: str) -> Asked:
    try:
        return record(kind, content)
    except UserError as error:
        raise RunError(f"{path} is not {what}: {error}") from None
    except ValueError:
        raise RunError(f"{path} is not {what}") from None


def _check_name(what: str, name: str, known: list[str]) -> None:
    if name not in known:
        raise RunError(f"Unknown {what} {name!r:.40}; known are: {', '.join(known)}")


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2 ** 32:
        raise RunError(f"The seed must be 0 to {2 ** 32 - 1}, not {seed}")
