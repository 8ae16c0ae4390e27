"""Which groups to make binary: a MixBin-style search.

MixBin (arXiv 2211.06739) is published as an "iterative search-based strategy"; of its algorithm we
could read the abstracts alone. What is here is a reconstruction from them, not MixBin itself.

The search goes in rounds, from a stack that is all in full precision (``shrink``) or all binary
(``grow``), to the budget. In a round each group that could be turned is turned alone, in a copy of
the stack that is trained for a few batches, and its *harm* is measured: how much greater the loss
on held-out images is when it is binary. Then the groups with the least harm for what they save, or
with the most for what they cost, are turned, a ``step`` of the cost at a time, and the stack is
trained to get used to it.
"""

import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..training.task import Recipe, Training
from .job import Settings
from .mask import Mask, Unit
from .stack import Stack, loss

__all__ = ["Held", "Search", "harms", "measure", "train"]

NOISE = 1e-3        # Nats: harms below it are alike, and saved work decides.
BATCH = 100
RATE = 4e-3
N_HELD = 500        # Held-out images that harms are measured on.
TRIAL_RATE = 1e-3   # Of the few batches of a trial, which shall not forget.


@dataclass(frozen=True)
class Held:
    """Images and labels to learn from, and held-out ones of the training part to choose by."""

    images: Tensor
    labels: Tensor
    held_images: Tensor
    held_labels: Tensor

    def rows(self, n: int | None = None) -> list[Tensor]:
        """Return the first ``n`` images to learn from, or all, with their labels."""
        return [self.images[:n], self.labels[:n]]

    def first(self, n: int, n_held: int) -> "Held":
        """Return no more than so many of each."""
        return Held(self.images[:n], self.labels[:n], self.held_images[:n_held],
                    self.held_labels[:n_held])


def train(stack: Stack, rows: list[Tensor], epochs: int, phase: str, seed: int,
          rate: float = RATE) -> None:
    """Train a stack in place."""
    training = Training(stack, loss, Recipe(epochs, BATCH, rate), phase, seed)
    while training.epoch < epochs:
        training.run_epoch(rows, lambda: None)


@torch.no_grad()
def measure(stack: Stack, images: Tensor, labels: Tensor) -> float:
    """Return the loss in nats per image, all images being one batch.

    Batch norms take their statistics from it: those that run behind know little of a group that has
    just been turned. They are changed by that.
    """
    return float(loss(stack.train(), images, labels))


def harms(stack: Stack, units: list[Unit], binary: bool, held: Held, settings: Settings,
          phase: str, seed: int) -> dict[Unit, float]:
    """Turn each of these groups alone, and give the harm that being binary does.

    ``binary`` is what they become. All trials see the same batches.
    """
    def trial(mask: Mask) -> float:
        tried = copy.deepcopy(stack)
        tried.choose(mask)
        if settings.trial:
            train(tried, held.rows(settings.trial), 1, phase, seed, TRIAL_RATE)
        return measure(tried, held.held_images, held.held_labels)

    as_it_is = trial(stack.mask)
    sign = 1 if binary else -1
    return {unit: sign * (trial(stack.mask.turned([unit], binary)) - as_it_is) for unit in units}


class Search:
    """A search under way.

    Parameters
    ----------
    stack : :class:`Stack`
        Trained, all in full precision or all binary but for what ``fixed`` says. It is changed.
    fixed : collection of (str, int)
        Groups that stay as they are.
    """

    def __init__(self, stack: Stack, held: Held, settings: Settings, seed: int,
                 fixed: Collection[Unit] = ()) -> None:
        self.stack, self.held, self.settings, self.seed = stack, held, settings, seed
        self.fixed = fixed
        self.number = 0
        self.scores: dict[Unit, float] = {}

    def rounds(self) -> Iterator[Mask]:
        """Go on to the budget; return the mask of each round, once the stack is used to it."""
        while (mask := self._next()) != self.stack.mask:
            self.stack.choose(mask)
            train(self.stack, self.held.rows(self.settings.fine_tuning), 1,
                  f"round {self.number}", self.seed, RATE / 2)
            self.number += 1
            yield mask

    def _next(self) -> Mask:
        """Turn a step's worth of groups."""
        shrinks, mask = self.settings.direction == "shrink", self.stack.mask
        if shrinks and self._cost(mask) <= self.settings.budget:
            return mask
        units = [unit for unit in mask.units(binary=not shrinks) if unit not in self.fixed
                 and mask.turned([unit], shrinks).is_whole()
                 and (shrinks or self._cost(mask.turned([unit], False)) <= self.settings.budget)]
        found = harms(self.stack, units, shrinks, self.held, self.settings,
                      f"trial {self.number}", self.seed)
        self.scores |= {unit: self._score(unit, harm) for unit, harm in found.items()}
        return self._shrunk(units) if shrinks else self._grown(units)

    def _score(self, unit: Unit, harm: float) -> float:
        if self.settings.criterion == "loss":
            return harm
        mask = self.stack.mask
        work = self._cost(mask.turned([unit], False)) - self._cost(mask.turned([unit], True))
        return (max(harm, 0) + NOISE) / work

    def _shrunk(self, units: list[Unit]) -> Mask:
        mask = self.stack.mask
        goal = max(self.settings.budget, self._cost(mask) - self.settings.step)
        for unit in sorted(units, key=lambda unit: self.scores[unit]):
            if self._cost(mask) <= goal:
                break
            turned = mask.turned([unit], True)
            mask = turned if turned.is_whole() else mask
        return self._filled(mask) if self._cost(mask) <= self.settings.budget else mask

    def _filled(self, mask: Mask) -> Mask:
        """Free again what the last group has left room for."""
        for unit in sorted(self.scores, key=lambda unit: -self.scores[unit]):
            freed = mask.turned([unit], False)
            if self._cost(freed) <= self.settings.budget:
                mask = freed
        return mask

    def _grown(self, units: list[Unit]) -> Mask:
        mask = self.stack.mask
        goal = self._cost(mask) + self.settings.step
        for unit in sorted(units, key=lambda unit: -self.scores[unit]):
            freed = mask.turned([unit], False)
            if self._cost(freed) <= min(goal, self.settings.budget):
                mask = freed
        return mask

    def _cost(self, mask: Mask) -> float:
        return mask.cost(self.settings.divisor)
