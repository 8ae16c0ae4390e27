"""What a run of ``python -m sw.train --on-chip`` is asked for. Needs no torch."""

import re
from dataclasses import dataclass

from ...golden.frame import MAX_CLASSES
from ...golden.stages import PIXEL_BITS, Map, Readout, Signature
from ...images.names import OwnImages, class_names
from ...models.binarizer import BINARIZERS
from .config import Description, check_name, check_seed
from .effort import MOST, RunError

__all__ = ["AUGMENTS", "SIZES", "OnChipConfig", "OnChipEffort", "augment_for", "effort_for",
           "signature"]

# For the parts that they are for, by weights and block RAMs. Accuracies are in docs/results.md.
SIZES = {
    "small": "16s2-32p-64p",       # An icestick: 8 of its 16 block RAMs hold the weights.
    "medium": "32s2-64p-64p",      # An icebreaker: 15 of 30.
    "large": "64s2-64p-128p",      # A ULX3S with an LFE5U-25F.
}
AUGMENTS = ("none", "shift", "flip")    # Of each training image, anew in each epoch.


def signature(spec: str, side: int, channels: int, pixels: int, n_classes: int) -> Signature:
    """Return the shape of a network from its stages between input and readout, or from a size.

    >>> str(signature("small", side=28, channels=1, pixels=8, n_classes=10))
    '28x28x1:8-16s2-32p-64p-10'

    Raises
    ------
    RunError
        There is no such network: one sentence says why.
    """
    stages = SIZES.get(spec, spec)
    if not 1 <= pixels <= PIXEL_BITS:
        raise RunError(f"A pixel must have 1 to {PIXEL_BITS} bits, not {pixels}")
    try:
        takes = Map(side, side, channels, pixels)
        if not stages:
            return Signature(takes, (Readout(n_classes),))
        return Signature.parse(f"{takes}-{stages}-{n_classes}")
    except ValueError as error:
        known = "" if re.search(r"\d", spec) else f", or one of: {', '.join(SIZES)}"
        raise RunError(f"--on-chip takes stages such as 32s2-64p-64p{known}. {error}") from None


@dataclass(frozen=True)
class OnChipEffort:
    """How long to train: so many times through all images, so many of them at a time."""

    epochs: int
    batch: int


def effort_for(n_images: int) -> OnChipEffort:
    """Return how long to train on so many images: fewer of them are seen more often.

    >>> effort_for(60_000), effort_for(1_347)
    (OnChipEffort(epochs=40, batch=250), OnChipEffort(epochs=200, batch=50))
    """
    epochs = min(200, max(40, 600_000 // n_images))
    return OnChipEffort(epochs, 250 if n_images >= 20_000 else 50)


def augment_for(data: str) -> str:
    """Return how the images of a data set may change and stay what they are."""
    return "flip" if data == "fashion-mnist" else "shift"


@dataclass(frozen=True)
class OnChipConfig:
    """What decides the outcome of a run that trains a network that lies whole on the chip."""

    signature: str             # See sw.golden.stages.
    data: str
    data_dir: str | None
    task: str
    binarizer: str
    seed: int
    device: str
    epochs: int
    batch: int
    augment: str
    threads: int               # Of the CPU. Their number decides how sums are rounded.
    own: OwnImages | None      # Images that are no known data set.

    def __post_init__(self) -> None:
        check_name("binarizer", self.binarizer, [*BINARIZERS])
        check_name("augmentation", self.augment, [*AUGMENTS])
        check_seed(self.seed)
        for what, least, value, most in (("number of epochs", 1, self.epochs, MOST),
                                         ("batch", 2, self.batch, MOST),
                                         ("number of threads", 1, self.threads, 256)):
            if not least <= value <= most:
                raise RunError(f"The {what} must be {least} to {most}, not {value}")
        try:
            classes = Signature.parse(self.signature).n_classes
        except ValueError as error:
            raise RunError(str(error)) from None
        if classes > MAX_CLASSES:
            raise RunError(f"A board can tell {MAX_CLASSES} classes apart, not {classes}")

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names, in the order of the scores."""
        return self.own.classes if self.own else class_names(self.data, self.task)

    @property
    def name(self) -> str:
        """What a folder that is made for the run is called after."""
        return f"{self.data}-{self.task}-on-chip"

    def description(self) -> Description:
        """Return what the run says of itself."""
        return Description(self.data, self.data_dir, self.task, self.binarizer, self.seed,
                           self.epochs)
