"""What a run of ``python -m sw.pretrain`` is asked for. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ...golden.network import MAX_WIDTH
from ...models.binarizer import BINARIZERS
from ...models.shape import EncoderShape
from .config import PRECISIONS, EncoderPlan
from .configs import load_record
from .effort import MOST, RunError

__all__ = ["CONFIG", "Pretraining"]

CONFIG = "pretraining.json"    # What a run is asked for; its presence tells it from sw.train's.


@dataclass(frozen=True)
class Pretraining:
    """What decides the outcome."""

    images: str               # The folder.
    files: str                # SHA-256 of the names of the image files in it.
    side: int
    colour: bool
    bits: int
    width: int                # Channels of the first convolution.
    binarizer: str            # See sw.models.binarizer.
    distort: bool             # Else the loss is the plain one.
    epochs: int
    batch: int
    seed: int
    device: str
    precision: str

    def __post_init__(self) -> None:
        for what, least, value, most in (
                ("side", 8, self.side, 512), ("code", 1, self.bits, MAX_WIDTH),
                ("width", 1, self.width, 1024), ("number of epochs", 1, self.epochs, MAX_WIDTH),
                ("batch", 1, self.batch, MOST), ("seed", 0, self.seed, 2 ** 32 - 1)):
            if not least <= value <= most:
                raise RunError(f"The {what} must be {least} to {most}, not {value}")
        for what, name, names in (("binarizer", self.binarizer, [*BINARIZERS]),
                                  ("precision", self.precision, [*PRECISIONS])):
            if name not in names:
                raise RunError(f"The {what} must be {' or '.join(names)}, not {name!r:.40}")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what a run wrote."""
        return load_record(cls, path, "the configuration of sw.pretrain")

    def encoder_plan(self) -> EncoderPlan:
        """Return how the encoder is made."""
        shape = EncoderShape(self.bits, self.width, 3 if self.colour else 1, self.side)
        return EncoderPlan(shape, self.binarizer, "handwriting" if self.distort else "plain",
                           self.epochs, self.batch)
