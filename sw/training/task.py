"""Train and evaluate one model on given tensors. Knows no files."""

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..models import processes
from ..models.binary import clip, set_progress
from ..models.classifier import BinaryClassifier, BinaryCNN, FullPrecisionTwin, predict
from .batches import Loader
from .device import Engine

FLIPS = 0.02       # Code bits inverted at random in training: the code of a new image differs too.
SMOOTHING = 0.1    # Of the labels, so that no score is driven further once it has won.

AUTOENCODER_RATE = 4e-3
BINARY_RATE = 3e-2    # Latent weights must cross zero to count; at 2e-3 too few do in time.
TWIN_RATE = 2e-3
LOWEST = 1 / 25    # Of its highest, a rate that rises; PyTorch's own for one cycle.

Loss = Callable[..., Tensor]    # (model, *batch) to a number.
Data = Sequence[Tensor] | Loader    # What an epoch goes through: rows in memory, or a loader.


@dataclass(frozen=True)
class Recipe:
    """How long and how fast: the rate falls from ``rate`` to 0 along half a cosine.

    ``optimizer`` takes the parameters and the rate. In the part ``rise`` of the training, 0 to 1,
    before it falls, the rate rises evenly from a 25th: one cycle.
    """

    epochs: int
    batch: int
    rate: float
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam
    rise: float = 0.0

    def rate_at(self, progress: float) -> float:
        """Return the rate once this part of the training, 0 to 1, is done.

        >>> recipe = Recipe(40, 128, 1.0, rise=0.5)
        >>> [round(recipe.rate_at(progress), 2) for progress in (0, 0.25, 0.5, 0.75, 1)]
        [0.04, 0.52, 1.0, 0.5, 0.0]
        """
        if progress < self.rise:
            return self.rate * (LOWEST + (1 - LOWEST) * progress / self.rise)
        return falling(self.rate, (progress - self.rise) / (1 - self.rise))


def falling(rate: float, progress: float) -> float:
    """Return a rate once this part of a training, 0 to 1, is done: it falls along half a cosine."""
    return rate * (1 + math.cos(math.pi * progress)) / 2


def reseed(seed: int, phase: str, epoch: int = 0) -> None:
    """Start all randomness anew from these three, so that an epoch does not know the one before.

    This is what makes a resumed run equal to one that was never interrupted.
    """
    entropy = np.random.SeedSequence([seed, zlib.crc32(phase.encode()), epoch])
    torch.manual_seed(int(entropy.generate_state(1)[0]))


class Training:
    """A model, its optimiser, and how far they are.

    Parameters
    ----------
    model : module
    loss : callable
        Takes the model and a batch of each tensor of the data.
    recipe : :class:`Recipe`
    phase : str
        Names the randomness, together with ``seed``.
    engine : :class:`~sw.training.device.Engine`
        Where it runs; all its processes make the same training.
    """

    def __init__(self, model: nn.Module, loss: Loss, recipe: Recipe, phase: str, seed: int,
                 engine: Engine | None = None) -> None:
        self.model, self.recipe = model, recipe
        self.phase, self.seed = phase, seed
        self.epoch = 0
        self.optimizer = recipe.optimizer(model.parameters(), lr=recipe.rate)
        self._engine = engine or Engine(torch.device("cpu"))
        self._step, self._update = self._engine.setup(_Step(model, loss), self.optimizer)

    def run_epoch(self, data: Data, tick: Callable[[], object]) -> float:
        """Train on all of ``data`` once, in random order; return the mean loss of a batch.

        ``tick`` is called after each batch. All batches are of nearly one size: batch norm would
        weigh the rows of a small one more.
        """
        reseed(self.seed, self.phase, self.epoch)
        self.model.train()
        set_progress(self.model, self.epoch / self.recipe.epochs)
        n, losses = n_batches(data, self.recipe), []
        for number, batch in enumerate(data if isinstance(data, Loader) else _shuffled(data, n)):
            self._set_rate((self.epoch + number / n) / self.recipe.epochs)
            self.optimizer.zero_grad()
            loss = self._step(*batch)
            self._engine.backward(loss)
            self._update.step()
            clip(self.model)
            losses.append(loss.detach())
            tick()
        self.epoch += 1
        return float(processes.mean(torch.stack(losses).mean()))

    def _set_rate(self, progress: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate_at(progress)

    def state(self) -> dict[str, Any]:
        """Copy all that :meth:`restore` needs, as a nested dict of tensors and numbers."""
        moments = self.optimizer.state_dict()["state"]
        return {
            "epoch": self.epoch,
            "model": {name: tensor.detach().clone()
                      for name, tensor in self.model.state_dict().items()},
            "optimizer": {str(number): {name: tensor.clone() for name, tensor in moment.items()}
                          for number, moment in moments.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken, in a training made in the same way."""
        if type(state["epoch"]) is not int or state["epoch"] < 0:
            raise ValueError(f"An epoch must be 0 or more, not {state['epoch']!r:.40}")
        self.epoch = state["epoch"]
        self.model.load_state_dict(state["model"])
        groups = self.optimizer.state_dict()["param_groups"]
        parameters = dict(enumerate(self.model.parameters()))
        moments = {int(number): {name: _laid_out(tensor, parameters[int(number)])
                                 for name, tensor in moment.items()}
                   for number, moment in state["optimizer"].items()}
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})


def _laid_out(tensor: Tensor, parameter: Tensor) -> Tensor:
    """Return a parameter's moment in its order of memory, in which a file does not hold it."""
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)


class _Step(nn.Module):
    """What is differentiated in a step, as one module: engines wrap a module's call."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, *batch: Tensor) -> Tensor:
        return self.loss(self.model, *batch)


def n_batches(data: Data, recipe: Recipe) -> int:
    """Return the number of batches in an epoch; none is smaller than the recipe's, if it can be."""
    return len(data) if isinstance(data, Loader) else max(1, len(data[0]) // recipe.batch)


def _shuffled(data: Sequence[Tensor], n: int) -> Iterator[list[Tensor]]:
    for rows in torch.randperm(len(data[0])).tensor_split(n):
        yield [tensor[rows] for tensor in data]


def binary_loss(model: BinaryClassifier | BinaryCNN, signs: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of integer scores, brought to the size of logits, on codes with flipped bits.

    Sums of ``n`` random signs have a standard deviation of ``sqrt(n)``; ``sqrt(2 n)`` did better on
    a validation split of digits than half or twice that. Only this loss divides the scores: model
    and network keep integers.
    """
    scores = model(_flip(signs)) / math.sqrt(2 * model.readout.linear.weight.shape[1])
    return F.cross_entropy(scores, labels, label_smoothing=SMOOTHING)


def twin_loss(model: nn.Module, signs: Tensor, labels: Tensor) -> Tensor:
    """Return the same loss for a model whose scores are logits already."""
    return F.cross_entropy(model(_flip(signs)), labels, label_smoothing=SMOOTHING)


# How each kind of classifier is trained: its loss, and the rate to begin with.
METHODS: dict[type[nn.Module], tuple[Loss, float]] = {
    BinaryClassifier: (binary_loss, BINARY_RATE),
    BinaryCNN: (binary_loss, BINARY_RATE),
    FullPrecisionTwin: (twin_loss, TWIN_RATE),
}


def _flip(signs: Tensor) -> Tensor:
    return torch.where(torch.rand_like(signs) < FLIPS, -signs, signs)


@torch.no_grad()
def classify(model: nn.Module, inputs: Tensor) -> Tensor:
    """Choose a class for each row of ``inputs``, in evaluation mode: ``(n, n_in) -> (n,)``.

    Inputs and classes are on the CPU, wherever the model is.
    """
    model.eval()
    device = next(model.parameters()).device
    return torch.cat([predict(model(batch.to(device))).cpu() for batch in inputs.split(1000)])


def test(model: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    """Return the per cent of ``inputs`` that a model gets right."""
    return accuracy(classify(model, inputs), labels)


def accuracy(classes: Tensor, labels: Tensor) -> float:
    """Return the per cent of ``classes`` that equal ``labels``.

    >>> accuracy(torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 3, 0]))
    75.0
    """
    return 100 * int((classes == labels).sum()) / len(labels)
