"""Which folding a network gets. Numbers only: nothing here makes hardware."""

from collections.abc import Sequence
from math import ceil

from hw.engine import Folding
from hw.layer import Fold

__all__ = ["default"]


def default(shape: Sequence[int]) -> Folding:
    """Evaluate one neuron of each layer a cycle, and let the readout keep pace with the slowest.

    >>> default((200, 128, 10))
    Folding(layers=[Fold(pe=1, simd=200)], readout_simd=11)
    >>> default((16, 10))
    Folding(layers=[], readout_simd=16)
    """
    *hidden, n_classes = shape
    folds = [Fold(1, n_in) for n_in in hidden[:-1]]
    slowest = max(hidden[1:], default=0)
    # Where even all hidden bits at once leave the readout behind, it sets the rate.
    simd = next((simd for simd in range(1, hidden[-1])
                 if max(2, n_classes) * ceil(hidden[-1] / simd) <= slowest), hidden[-1])
    return Folding(folds, simd)
