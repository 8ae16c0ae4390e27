"""How a client learns where one bit a weight travels.

A client begins each round with the latent weights that all have, takes a few steps of gradient
descent on its own images, and sends which weights should go up. A threshold is the mean of its sums
over all images of all clients, which a batch norm of one client would not know: each sends the
means over its own. They are those of the network before the step that is sent with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ..golden.bits import Integers, to_signs
from ..models.binary import BinaryLinear
from ..models.classifier import BinaryClassifier
from ..training import task
from .codec import CodecError, Content, Steps
from .settings import Settings
from .steps import Latent, beginning, rounded

__all__ = ["Client", "model_of"]

N_STEPS = 20    # Of gradient descent in a round, alike for all clients, whatever they have.
BATCH = 32      # Images of one, at the least.
RATE = 30.0     # At the beginning.


class Client:
    """A client of a federation; see :class:`sw.federated.rounds.Client` for what it does.

    Parameters
    ----------
    memory : dict of str to Tensor or None
        What :meth:`memory` returned after the last round, or nothing.
    """

    def __init__(self, settings: Settings, shape: Sequence[int], number: int,
                 memory: Mapping[str, Tensor] | None) -> None:
        self.settings, self.number = settings, number
        self.round, self.latent = 1, beginning(shape, settings.seed)
        self.unsaid = [np.zeros_like(weights) for weights in self.latent.weights]
        if memory is not None:
            layers = range(len(self.unsaid))
            self.round = int(memory["round"])
            self.latent = replace(
                self.latent, weights=tuple(memory[f"weights/{n}"].numpy() for n in layers),
                thresholds=tuple(memory[f"thresholds/{n}"].numpy() for n in layers))
            self.unsaid = [memory[f"unsaid/{n}"].numpy() for n in layers]

    def memory(self) -> dict[str, Tensor]:
        """Return what to keep between rounds: nothing of it is sent."""
        kept = {"weights": self.latent.weights, "thresholds": self.latent.thresholds,
                "unsaid": self.unsaid}
        return {"round": torch.tensor(self.round),
                **{f"{name}/{n}": torch.from_numpy(part)
                   for name, parts in kept.items() for n, part in enumerate(parts)}}

    def told(self, content: Content, round: int) -> None:
        """Take the steps that lead to a round, of which it may know the first.

        Raises
        ------
        CodecError
            Between what it knows and the steps some are missing.
        """
        steps = content if isinstance(content, tuple) else ()
        begun = round - len(steps)    # The round that the first of them ends.
        if not 1 <= begun <= self.round <= round:
            raise CodecError(f"It knows what round {self.round} begins with, and is told the steps "
                             f"of rounds {begun} to {round - 1}")
        self.latent, self.round = self.latent.after(steps[self.round - begun:]), round

    def model(self) -> BinaryClassifier:
        """Make the evaluating model of what it was told."""
        return model_of(self.latent)

    def learn(self, rows: Sequence[Tensor]) -> Steps:
        """Learn for a round from signs ``(n, n_in)`` and labels; return the step to send."""
        model, begun = self.model(), self.latent.weights
        linears = [cast(BinaryLinear, linear) for linear in model.linears]
        for linear, weights in zip(linears, begun, strict=True):
            linear.weight.data.copy_(torch.from_numpy(weights))
            linear.weight.requires_grad_(True)
        task.reseed(self.settings.seed, f"federated, client {self.number}", self.round)
        for number, batch in enumerate(_batches(rows)):
            model.zero_grad()
            task.binary_loss(model, *batch).backward()
            _descend(linears, (self.round - 1 + number / N_STEPS) / self.settings.rounds)
        wishes = [linear.weight.detach().numpy() - weights + left
                  for linear, weights, left in zip(linears, begun, self.unsaid, strict=True)]
        step, self.unsaid = rounded(wishes, _thresholds(self.latent, rows[0]))
        return (step,)


@torch.no_grad()
def _descend(linears: Sequence[BinaryLinear], progress: float) -> None:
    rate = task.falling(RATE, progress)
    for linear in linears:
        linear.weight.copy_((linear.weight - rate * cast(Tensor, linear.weight.grad)).clamp(-1, 1))


def _batches(rows: Sequence[Tensor]) -> list[list[Tensor]]:
    """Draw the batches of a round: nearly all rows once, or all more often where they are few."""
    n = len(rows[0])
    size = max(BATCH, n // N_STEPS)
    order = torch.cat([torch.randperm(n) for _ in range(-(-size * N_STEPS // n))])
    return [[tensor[order[place * size:(place + 1) * size]] for tensor in rows]
            for place in range(N_STEPS)]


@torch.no_grad()
def _thresholds(latent: Latent, signs: Tensor) -> list[Integers]:
    """Return the least integers above the mean counts of these rows, ``(n, n_in)``, -1 or +1."""
    found = []
    for layer in latent.network().layers:
        weights = torch.from_numpy(to_signs(layer.weights)).float()
        counts = (signs @ weights.T + layer.n_in) / 2
        found.append(counts.double().mean(0).floor().long().numpy() + 1)
        signs = torch.where(counts >= torch.from_numpy(layer.thresholds), 1.0, -1.0)
    return found


@torch.no_grad()
def model_of(latent: Latent) -> BinaryClassifier:
    """Make the evaluating model of the network that latent weights are rounded to.

    Before a sign it measures a sum from its threshold, in standard deviations of a sum of random
    signs.
    """
    network = latent.network()
    model = BinaryClassifier(network.n_in, network.shape[1:-1], network.n_classes).eval()
    for each, norm, layer in zip(model.linears, model.norms, network.layers, strict=True):
        linear, norm = cast(BinaryLinear, each), cast(nn.BatchNorm1d, norm)
        linear.weight.copy_(torch.from_numpy(to_signs(layer.weights)))
        cast(Tensor, norm.running_mean).copy_(
            torch.from_numpy(2 * layer.thresholds - layer.n_in - 1))    # Between two sums.
        cast(Tensor, norm.running_var).fill_(layer.n_in - norm.eps)
    model.readout.linear.weight.copy_(torch.from_numpy(to_signs(network.readout.weights)))
    model.readout.offset.copy_(torch.from_numpy(network.readout.offsets))
    return model.requires_grad_(False)
