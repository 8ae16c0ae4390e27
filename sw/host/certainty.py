"""How sure a network is: by how much its best score exceeds the next, and how much is enough.

The margin that is enough is found on half of a run's test codes, and what it comes to is measured
on the other half, which had no part in it.
"""

from dataclasses import dataclass

import numpy as np

from ..golden import fast
from ..golden.bits import Bits, Integers
from ..golden.errors import UserError
from ..golden.network import Network

__all__ = ["Certainty", "Uncertain", "enough", "margins"]


class Uncertain(UserError):
    """A margin cannot be found; the message says why."""


@dataclass(frozen=True)
class Certainty:
    """From which margin on a network is sure, and what that comes to.

    Attributes
    ----------
    n_codes : int
        That it was measured on.
    answered : int
        So many of these have the margin.
    right : int
        So many of the answers are right.
    """

    margin: int
    n_codes: int
    answered: int
    right: int

    @classmethod
    def of(cls, network: Network, codes: Bits, labels: Integers, share: float) -> "Certainty":
        """Find the least margin with which at most a ``share`` of the answers is wrong."""
        scores = fast.scores_all(network, codes)
        found, right = margins(scores), scores.argmax(axis=1) == labels
        if len(codes) < 2:
            raise Uncertain(f"--reject needs two test codes at the least, not {len(codes)}")
        margin = enough(found[::2], right[::2], share)
        sure = found[1::2] >= margin
        return cls(margin, len(sure), int(sure.sum()), int(right[1::2][sure].sum()))

    def __str__(self) -> str:
        """Return what a person is told.

        >>> print(Certainty(6, 200, 190, 189))
        not sure below a margin of 6: of 200 test codes 95.0 % are answered, 99.5 % of these right
        """
        right = f", {self.right / self.answered:.1%} of these right" if self.answered else ""
        return (f"not sure below a margin of {self.margin}: of {self.n_codes:,} test codes "
                f"{self.answered / self.n_codes:.1%} are answered{right}").replace("%", " %")


def margins(scores: Integers) -> Integers:
    """Return by how much the best of each row's scores exceeds the next: ``(n, c)`` to ``(n,)``.

    >>> margins(np.array([[3, 9, 4], [7, 7, 1]])).tolist()
    [5, 0]
    """
    best = np.sort(scores, axis=1)[:, -2:]
    found: Integers = best[:, -1] - best[:, 0]
    return found


def enough(found: Integers, right: np.ndarray, share: float) -> int:
    """Return the least margin with which at most a share of the answers is wrong.

    Where there is none, it is one that no code has.

    >>> enough(np.array([0, 1, 2, 3, 4]), np.array([False, True, False, True, True]), 0.25)
    1
    >>> enough(np.array([0, 1]), np.array([False, False]), 0.25)
    2
    """
    for margin in np.unique(found).tolist():
        if (~right[found >= margin]).mean() <= share:
            return int(margin)
    return int(found.max()) + 1
