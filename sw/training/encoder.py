"""An encoder, trained without labels or taken as it is."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..images.names import SIDE
from ..models.autoencoder import BinaryAutoencoder, Encoder, handwriting_loss, plain_loss
from ..models.binarizer import BINARIZERS
from ..terminal.runs import encoder_file
from . import task
from .asked.config import EncoderPlan
from .asked.effort import RunError
from .run import Phases
from .task import Recipe

__all__ = ["LOSSES", "load_encoder", "train_encoder"]

LOSSES: dict[str, task.Loss] = {"plain": plain_loss, "handwriting": handwriting_loss}


def train_encoder(run: Phases, plan: EncoderPlan, data: Callable[[int], task.Data]) -> Encoder:
    """Train an autoencoder, without labels, and return its encoder, on the CPU.

    ``data`` gives, for the number of an epoch, the images to train on.
    """
    shape = plan.shape
    make = partial(BinaryAutoencoder, shape.n_bits, shape.width, BINARIZERS[plan.binarizer],
                   channels=shape.channels, side=shape.side)
    recipe = Recipe(plan.epochs, plan.batch, task.AUTOENCODER_RATE)
    return run.train("autoencoder", make, LOSSES[plan.loss], recipe, data).cpu().float().fold()


def load_encoder(argument: Path) -> Encoder:
    """Load the encoder that lies in a run's folder or is a file, for the images of data sets."""
    encoder = Encoder.load(encoder_file(argument))
    shape = encoder.shape
    if (shape.channels, shape.side) != (1, SIDE):
        raise RunError(f"The encoder in {argument} must be for grey images of {SIDE} x {SIDE} "
                       f"pixels, not {shape.channels} x {shape.side} x {shape.side}")
    return encoder
