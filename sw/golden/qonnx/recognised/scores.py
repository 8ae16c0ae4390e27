"""From the scores of a graph to integer offsets that choose the same class, or the proof of none.

A class wins over another by their two scores, of which each depends on one count of matches. So
it is enough to compare pairs of classes at all pairs of counts that can occur together.
"""

from itertools import combinations

import numpy as np

from ...bits import Bits, Integers
from ..file.graph import Refused

__all__ = ["offsets"]

MAX_WORK = 1 << 34      # Pairs of counts: some ten seconds.


def offsets(tables: np.ndarray, weights: Bits, *, apart: bool = False, between: bool = False
            ) -> Integers:
    """Find offsets with which the highest ``count + offset`` is the class of the highest score.

    Of equal scores, and of equal sums, the class with the lowest index wins.

    Parameters
    ----------
    tables : array of shape ``(n_ways, n_in + 1, n_classes)``
        Score of each class by the count of inputs that match its weights, for each way of
        rounding; rises with it.
    weights : bits of shape ``(n_classes, n_in)``
    apart : bool
        One class may be rounded in one way and another in another.
    between : bool
        What lies between the ways may be given, too.

    Raises
    ------
    Refused
        There are none.
    """
    n_in, n_classes = weights.shape[1], weights.shape[0]
    least, most = tables.min(axis=0), tables.max(axis=0)
    # Of one function of the sums, however it is rounded, no two of these become equal.
    if not apart and (tables == tables[..., :1]).all() and (least[1:] > most[:-1]).all():
        return np.zeros(n_classes, np.int64)
    if n_classes ** 2 * (n_in / 2 + 1) ** 2 / 2 * len(tables) > MAX_WORK:
        raise Refused("its classes have offsets of their own, and are too many to compare all of "
                      "their scores; leave the offsets out")
    ways = [(each, each) for each in tables]
    if apart or between:
        ways += [(least, most), (most, least)]
    # Offset of j, less that of i, is at the most highest[i, j].
    highest = np.full((n_classes, n_classes), 2.0 * n_in + 2)
    for i, j in combinations(range(n_classes), 2):
        found = [_margins(one[:, i], other[:, j], weights[i], weights[j]) for one, other in ways]
        if any(each != found[0] for each in found):
            raise Refused(f"float32 rounds the scores of classes {i} and {j}, each program in its "
                          "own way, so that equal ones may differ; let the last MatMul have "
                          "weights of one size that is a power of two, and no Sigmoid or Tanh "
                          "follow")
        least, most = found[0]
        if least > most and (tables[0, 1:, [i, j]] == tables[0, :-1, [i, j]]).any():
            raise Refused(f"classes {i} and {j} are not compared by a difference of counts: a "
                          "score stays the same where its sum rises; leave out what rounds or "
                          "clips the scores, or takes their sign")
        if least > most:
            raise Refused(f"classes {i} and {j} are not compared by a difference of counts: their "
                          "scores have other scales; train the last layer with one scale for all "
                          "classes, like Brevitas' TensorNorm")
        highest[i, j], highest[j, i] = most, -least
    moves = np.zeros(n_classes)
    for _ in range(n_classes + 1):    # Bellman and Ford's shortest paths.
        moves, before = np.minimum(moves, (moves[:, None] + highest).min(axis=0)), moves
        if (moves == before).all():
            return np.asarray(moves - moves.min(), np.int64)
    raise Refused("no whole numbers of matches stand for the offsets of its classes; train the "
                  "last layer without a bias, or with even numbers times its scale")


def _margins(one: np.ndarray, other: np.ndarray, weights: Bits, others: Bits
             ) -> tuple[float, float]:
    """Bound the offset of the second class, less the first's, so that the first wins rightly.

    Where the two have other weights, ``b`` of ``apart`` inputs match the first and the rest the
    second; where they have the same, ``a`` match both. All of them can occur.
    """
    apart = int((weights != others).sum())
    a, b = np.arange(len(weights) - apart + 1)[:, None], np.arange(apart + 1)
    wins = one[a + b] >= other[a + apart - b]    # Of equal scores the first.
    if (wins != wins[0]).any() or (np.diff(wins[0].astype(int)) < 0).any():
        return 1.0, 0.0
    margins = 2 * b - apart
    far = float(2 * len(weights) + 2)
    lost, won = margins[~wins[0]], margins[wins[0]]
    return (float(lost.max()) + 1 if lost.size else -far, float(won.min()) if won.size else far)
