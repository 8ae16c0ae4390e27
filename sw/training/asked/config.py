"""What decides the outcome of a run, and what a run says of itself. Needs no torch.

What is asked for is a :class:`Config`, a :class:`DeepConfig`, or an
:class:`~sw.training.asked.stages.OnChipConfig`; all of them give a :class:`Description`.
"""

from dataclasses import dataclass, replace

from ...golden.network import MAX_WIDTH
from ...models.binarizer import BINARIZERS
from ...models.shape import CODE_BITS, EncoderShape
from .effort import DEEP, DEEP_BATCH, MOST, SMALL, Effort, RunError, effort_for

__all__ = ["HYBRID", "LOSSES", "PRECISIONS", "Config", "DeepConfig", "Description", "EncoderPlan",
           "check_name", "check_seed", "encoder_plan"]

HYBRID = "hybrid"
LOSSES = ("plain", "handwriting")    # Of an autoencoder, see sw.training.encoder.
# Of Fabric's: the last computes what can be computed so in bfloat16, and keeps float32 weights.
PRECISIONS = ("32-true", "64-true", "bf16-mixed")


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
        check_name("binarizer", self.binarizer, [*BINARIZERS])


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
        check_name("binarizer", self.binarizer, [*BINARIZERS])
        check_seed(self.seed)
        if not 1 <= self.bits <= MAX_WIDTH:
            raise RunError(f"The bits of a code must be 1 to {MAX_WIDTH}, not {self.bits}")
        if self.loss is not None:
            check_name("loss", self.loss, [*LOSSES])
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
        check_name("model", self.model, [*DEEP])
        check_name("binarizer", self.binarizer, [*BINARIZERS])
        check_name("precision", self.precision, [*PRECISIONS])
        check_seed(self.seed)
        for what, number in ("epochs", self.epochs), ("batch", self.batch), ("images", self.images):
            if number is not None and not 1 <= number <= MOST:
                raise RunError(f"The {what} must be 1 to {MOST}, not {number}")

    @property
    def name(self) -> str:
        """What a folder that is made for the run is called after."""
        return f"cifar10-{self.model}"


def check_name(what: str, name: str, known: list[str]) -> None:
    if name not in known:
        raise RunError(f"Unknown {what} {name!r:.40}; known are: {', '.join(known)}")


def check_seed(seed: int) -> None:
    if not 0 <= seed < 2 ** 32:
        raise RunError(f"The seed must be 0 to {2 ** 32 - 1}, not {seed}")
