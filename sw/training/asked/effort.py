"""How long to train: what suits the data set, or is published. Needs no torch."""

from dataclasses import asdict, dataclass

from ...golden.errors import UserError

__all__ = ["DEEP", "DEEP_BATCH", "LARGE", "MOST", "SMALL", "DeepRecipe", "Effort", "RunError",
           "effort_for"]

MOST = 2 ** 31 - 1    # Of whatever is counted.


class RunError(UserError):
    """A run cannot begin or go on; the message says why in one sentence."""


@dataclass(frozen=True)
class Effort:
    """How long to train, which goes by the number of images.

    Attributes
    ----------
    autoencoder_epochs, autoencoder_batch, classifier_epochs, classifier_batch : int
    copies : int
        Of the training images, all but one distorted, that codes are extracted from.
    """

    autoencoder_epochs: int
    autoencoder_batch: int
    classifier_epochs: int
    classifier_batch: int
    copies: int

    def __post_init__(self) -> None:
        if min(asdict(self).values()) < 1:
            raise RunError(f"Epochs, batches and copies must be 1 or more, not {self}")
        if max(asdict(self).values()) > MOST:
            raise RunError(f"Epochs, batches and copies must be at most {MOST}, not {self}")


SMALL = Effort(40, 100, 200, 64, 20)    # 1,347 digits: many epochs, each of them short.
# 60,000 images and more: an epoch has hundreds of steps, and distorted copies cost the small head
# more than they teach it (0.6 per cent on a validation split of MNIST).
LARGE = Effort(6, 500, 10, 128, 1)


def effort_for(data: str) -> Effort:
    """Return how long to train on a data set."""
    return SMALL if data == "digits" else LARGE


@dataclass(frozen=True)
class DeepRecipe:
    """How one of SD-BNN's networks is trained.

    Attributes
    ----------
    rate : float
        At the beginning.
    least : float
        The sharpness of its binarizer's gradient at the beginning.
    """

    epochs: int
    rate: float
    least: float


# Those of the published program, which does not say all of it in the paper (arXiv 2103.02394).
DEEP_BATCH = 128
DEEP = {
    "vgg-small": DeepRecipe(400, 0.08, 1e-1),
    "resnet20": DeepRecipe(500, 0.11, 1e-3),
    "resnet18": DeepRecipe(600, 0.08, 1e-3),
}
