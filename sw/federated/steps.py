"""Latent weights that all of a federation have, and the steps of one bit a weight that move them.

Nobody sends a latent weight. All begin with the same, drawn from the seed, and make the same steps:
each weight goes up or down, and all of a layer as far. What such a step leaves of a wish is kept by
who wished it and added to the next one (error feedback, Karimireddy et al. 2019, arXiv 1901.09847;
on both ways: Tang et al. 2019, arXiv 1905.05957).

The readout's weights stay what they were drawn: a code word for each class, which no client whose
images are of few classes can bend towards them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, pairwise

import numpy as np

from ..golden.bits import Bits, Integers, to_signs
from ..golden.network import Layer, Network, OutputLayer
from ..training.asked.effort import RunError

__all__ = ["FAR", "MOST", "Floats", "Latent", "Step", "agree", "beginning", "layers", "rounded",
           "words"]

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

MOST = 2.0    # Of a step's size: from one end of the latent weights to the other.
NEAR = 0.3    # Latent weights begin within so much of 0: near enough that an epoch turns some.
N_DRAWS = 64  # Of code words.
FAR = 2.0     # As of agree: a threshold over images of one class differs by less.


@dataclass(frozen=True, eq=False)
class Step:
    """How all latent weights move, and what the thresholds are before they do.

    Attributes
    ----------
    ups : tuple of Bits
        For each hidden layer ``(n_out, n_in)``, 1 where a weight grows.
    sizes : tuple of float
        By how much a weight of each layer moves, 0 or more.
    thresholds : tuple of ndarray
        For each hidden layer ``(n_out,)``, 0 to ``n_in + 1``.
    """

    ups: tuple[Bits, ...]
    sizes: tuple[float, ...]
    thresholds: tuple[Integers, ...]

    def moves(self) -> list[Floats]:
        """Return what is added to each layer's latent weights."""
        return [np.float32(size) * to_signs(up).astype(np.float32)
                for up, size in zip(self.ups, self.sizes, strict=True)]


@dataclass(frozen=True, eq=False)
class Latent:
    """What a network's bits are rounded from.

    Attributes
    ----------
    weights : tuple of ndarray
        For each hidden layer float32 ``(n_out, n_in)``, -1 to 1.
    thresholds : tuple of ndarray
        As of a :class:`Step`.
    readout : OutputLayer
        It never changes.
    """

    weights: tuple[Floats, ...]
    thresholds: tuple[Integers, ...]
    readout: OutputLayer

    def after(self, steps: Iterable[Step]) -> "Latent":
        """Return what these steps make of it, in their order."""
        found = self
        for step in steps:
            weights = tuple(np.clip(latent + move, -1, 1)
                            for latent, move in zip(found.weights, step.moves(), strict=True))
            found = replace(found, weights=weights, thresholds=step.thresholds)
        return found

    def stay(self) -> Step:
        """Return a step that moves nothing."""
        return Step(tuple(np.zeros(weights.shape, np.uint8) for weights in self.weights),
                    (0.0,) * len(self.weights), self.thresholds)

    def network(self) -> Network:
        """Return the network that it is rounded to."""
        return Network([Layer((weights >= 0).astype(np.uint8), thresholds)
                        for weights, thresholds in zip(self.weights, self.thresholds)],
                       self.readout)


def beginning(shape: Sequence[int], seed: int) -> Latent:
    """Draw what all begin with, from the widths from input to classes.

    Raises
    ------
    RunError
        The last hidden layer is too narrow for a code word of each class.
    """
    rng = np.random.default_rng([seed, *b"latent"])
    weights = tuple(rng.uniform(-NEAR, NEAR, ends).astype(np.float32) for ends in layers(shape))
    thresholds = tuple(np.full(n_out, n_in // 2 + 1, np.int64) for n_out, n_in in layers(shape))
    return Latent(weights, thresholds,
                  OutputLayer(words(shape[-1], shape[-2], seed), np.zeros(shape[-1], np.int64)))


def layers(shape: Sequence[int]) -> list[tuple[int, int]]:
    """Return ``(n_out, n_in)`` of each hidden layer, of the widths from input to classes.

    >>> layers((200, 128, 64, 10))
    [(128, 200), (64, 128)]
    """
    return [(n_out, n_in) for n_in, n_out in pairwise(shape[:-1])]


@cache    # All that a process makes of one federation has the same, and the draws take long.
def words(n_classes: int, width: int, seed: int) -> Bits:
    """Draw a code word for each class, ``(n_classes, width)``: of many draws that in which the two
    that are most alike differ most.

    Raises
    ------
    RunError
        There are not so many words.
    """
    rng = np.random.default_rng([seed, *b"words"])
    found, best = np.zeros((n_classes, width), np.uint8), 0
    for _ in range(N_DRAWS):
        drawn = rng.integers(0, 2, (n_classes, width), np.uint8)
        if (least := _least_distance(drawn)) > best:
            found, best = drawn, least
    if not best and n_classes > 1:
        raise RunError(f"A last hidden layer of {width} has no code words far enough apart for "
                       f"{n_classes} classes: make it wider, see --hidden")
    found.flags.writeable = False
    return found


def _least_distance(drawn: Bits) -> int:
    return min((int((one != other).sum()) for one, other in combinations(drawn, 2)), default=1)


def rounded(wishes: Sequence[Floats], thresholds: Sequence[Integers]
            ) -> tuple[Step, list[Floats]]:
    """Return the step that says most of what is wished, and what it leaves unsaid.

    The size of a layer's step is the mean size of what is wished of it, and at most :data:`MOST`.
    """
    sizes = tuple(min(float(np.float32(np.abs(wish).mean())), MOST) for wish in wishes)
    step = Step(tuple((wish >= 0).astype(np.uint8) for wish in wishes), sizes, tuple(thresholds))
    return step, [wish - move for wish, move in zip(wishes, step.moves())]


def agree(steps: Sequence[Step], counts: Sequence[float], unsaid: Sequence[Floats],
          far: float = FAR) -> tuple[Step, list[Floats]]:
    """Make one step of those of several clients, of which each counts; return what it leaves, too.

    A weight moves by the mean of what they say. No step counts as longer than the median of all,
    and no threshold as further from the median of all than ``far`` times the square root of the
    layer's inputs. Half of that root is the standard deviation of a count of random bits.

    Parameters
    ----------
    counts : sequence of float
        How much each client counts.
    unsaid : sequence of ndarray
        What the last step left.
    """
    share = np.array(counts, float) / sum(counts)
    wishes, thresholds = [], []
    for layer, left in enumerate(unsaid):
        most = float(np.median([step.sizes[layer] for step in steps]))
        sizes = [min(step.sizes[layer], most) for step in steps]
        signs = [to_signs(step.ups[layer]) for step in steps]
        wishes.append((np.tensordot(share * sizes, signs, 1) + left).astype(np.float32))
        thresholds.append(_mean([step.thresholds[layer] for step in steps], share,
                                far * left.shape[1] ** 0.5))
    return rounded(wishes, thresholds)


def _mean(thresholds: Sequence[Integers], share: np.ndarray, far: float) -> Integers:
    """Return the weighted mean of thresholds, each brought so near to the median of all."""
    rows = np.array(thresholds)
    middle = np.median(rows, axis=0)
    mean = share @ np.clip(rows, middle - far, middle + far)
    found: Integers = np.floor(mean + 0.5).astype(np.int64)
    return found
