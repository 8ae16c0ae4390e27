"""A round of floats: clients train what the server sent, and their mean is sent next.

Knows no Flower and no files. This is federated averaging (McMahan et al. 2017, arXiv 1602.05629),
as in HyBNN; :mod:`sw.federated.onebit` is how one bit a weight is enough.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from ..models.classifier import BinaryClassifier
from ..training import task
from ..training.task import Recipe, Training
from .codec import Content, State, layout
from .settings import Settings

__all__ = ["Client", "average", "first", "give", "median", "model_of"]


def first(shape: Sequence[int], seed: int) -> State:
    """Make what a federation begins with."""
    return give(_beginning(shape, seed).eval())


class Client:
    """A client of a federation.

    Parameters
    ----------
    number : int
        No other has it.
    memory : dict of str to Tensor or None
        What :meth:`memory` returned after the last round, or nothing.
    """

    def __init__(self, settings: Settings, shape: Sequence[int], number: int,
                 memory: Mapping[str, Tensor] | None) -> None:
        self.shape, self.state = shape, State()
        loss, rate = task.METHODS[BinaryClassifier]
        # One epoch a round, as if all were one training.
        recipe = Recipe(settings.rounds, settings.effort.classifier_batch, rate)
        self.training = Training(_beginning(shape, settings.seed), loss, recipe,
                                 f"federated, client {number}", settings.seed)
        if memory is not None:
            state: dict[str, dict[str, Tensor]] = {"model": {}}
            for key, tensor in memory.items():
                group, name = key.split("/")
                state.setdefault(group, {})[name] = tensor
            self.training.restore({"epoch": 0, "model": state.pop("model"), "optimizer": state})

    def memory(self) -> dict[str, Tensor]:
        """Return what to keep between rounds, the model and Adam's moments: nothing of it is sent.
        """
        state = self.training.state()
        tensors = {f"model/{name}": tensor for name, tensor in state["model"].items()}
        for number, moments in state["optimizer"].items():
            tensors |= {f"{number}/{name}": tensor for name, tensor in moments.items()}
        return tensors

    def told(self, content: Content, round: int) -> None:
        """Take over what the server sent before a round, from 1."""
        self.state = content if isinstance(content, dict) else State()
        self.training.model.load_state_dict(self.state, strict=False)    # No counters of batches.
        self.training.epoch = round - 1

    def model(self) -> BinaryClassifier:
        """Make the evaluating model of what it was told."""
        return model_of(self.state, self.shape)

    def learn(self, rows: Sequence[Tensor]) -> State:
        """Train for an epoch on signs ``(n, n_in)`` and labels; return what to send."""
        self.training.run_epoch(rows, lambda: None)
        self.training.model.eval()
        return give(cast(BinaryClassifier, self.training.model))


def give(model: BinaryClassifier) -> State:
    """Return what a client sends of its model, evaluating."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()
            if name in layout(model.shape)}


def average(states: Sequence[State], counts: Sequence[float]) -> State:
    """Make one state of several, of which each counts: their mean, which has no bound.

    :func:`median` has one.
    """
    share = np.array(counts, float) / sum(counts)
    return {name: sum((float(weight) * state[name].double()
                       for weight, state in zip(share, states, strict=True)),
                      torch.zeros(()).double()).float() for name in states[0]}


def median(states: Sequence[State]) -> State:
    """Make one state of several by the median of each number, so that no minority decides one."""
    return {name: torch.from_numpy(np.median(np.stack([state[name].numpy() for state in states]),
                                             axis=0)).float() for name in states[0]}


@torch.no_grad()
def model_of(state: State, shape: Sequence[int]) -> BinaryClassifier:
    """Make the evaluating model that computes what was agreed on."""
    model = _classifier(shape)
    model.load_state_dict(state, strict=False)
    return model.eval()


def _beginning(shape: Sequence[int], seed: int) -> BinaryClassifier:
    task.reseed(seed, "federated, initial weights")
    return _classifier(shape)


def _classifier(shape: Sequence[int]) -> BinaryClassifier:
    return BinaryClassifier(shape[0], shape[1:-1], shape[-1])
