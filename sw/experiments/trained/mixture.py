"""A mixture of Bernoulli distributions: a class of codes in two kilobytes, to be drawn from."""

import math
from typing import Self

import torch
from torch import Tensor

STEPS = 30    # Of expectation maximisation; the likelihood no longer moves much.


class BernoulliMixture:
    """Components, each with a weight and a probability for each bit, all kept in a byte.

    Attributes
    ----------
    weights : uint8 tensor of shape ``(n_components,)``
        Shares of their sum.
    chances : uint8 tensor of shape ``(n_components, n_bits)``
        Of bit 1, in 255ths.
    """

    def __init__(self, weights: Tensor, chances: Tensor) -> None:
        self.weights, self.chances = weights, chances

    @property
    def n_bytes(self) -> int:
        """What it takes to keep the mixture."""
        return self.weights.numel() + self.chances.numel()

    @classmethod
    def fit(cls, signs: Tensor, n_components: int) -> Self:
        """Fit to signs ``(n, n_bits)`` by expectation maximisation, begun at some of the rows."""
        ones = (signs > 0).float()                                        # (n, n_bits)
        first = ones[torch.randperm(len(ones))[:n_components]]
        chances = 0.25 + 0.5 * first                                      # (k, n_bits)
        weights = torch.full((len(first),), 1 / len(first))
        for _ in range(STEPS):
            shares = (ones @ (chances / (1 - chances)).log().T + (1 - chances).log().sum(1)
                      + weights.log()).softmax(1)                         # (n, k)
            sizes = shares.sum(0)
            # As if each component had also seen one bit of either kind: none is ever certain.
            chances = (shares.T @ ones + 1) / (sizes[:, None] + 2)
            weights = (sizes / sizes.sum()).clamp_min(1e-9)
        return cls((255 * weights / weights.max()).round().to(torch.uint8),
                   (255 * chances).round().to(torch.uint8))

    def draw(self, n: int) -> Tensor:
        """Draw signs ``(n, n_bits)``."""
        components = torch.multinomial(self.weights.float(), n, replacement=True)
        return 2 * torch.bernoulli(self.chances[components].float() / 255) - 1


def components_within(n_bytes: int, n_bits: int) -> int:
    """Return how many components fit.

    >>> components_within(2500, 200)
    12
    """
    return math.floor(n_bytes / (n_bits + 1))
