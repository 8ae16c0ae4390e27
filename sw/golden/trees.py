"""Ensembles of decision trees on bits, the rival that networks are compared with.

Each class has as many trees as any other, all of one depth. A node names a bit of the input: from
node ``n`` one goes to ``2 n`` where it is 0, and to ``2 n + 1`` where it is 1, from 1 on. Where a
tree ends there is a small number. The class whose trees' numbers have the greatest sum wins; of
equals it is the lowest, as with networks.

The file has ``features`` and ``leaves`` as in :class:`Trees`; its description has ``format =
"hybnn-trees-1"`` and ``inputs``.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import tensors
from .bits import Bits
from .errors import UserError

__all__ = ["Trees", "TreesError"]

FORMAT = "hybnn-trees-1"
BUDGET = 1 << 24    # Bytes of a file.
MOST_NODES = 1 << 16    # So that a leaf's number has 16 bits.


class TreesError(UserError):
    """What is given are no trees; the message says in one sentence why."""


@dataclass(frozen=True, eq=False)
class Trees:
    """The trees of all classes.

    Attributes
    ----------
    n_in : int
        Bits of an input.
    features : ndarray of uint16, ``(n_classes, trees of a class, 2 ** depth)``
        Which bit each node asks for, from 0. Node 0 of a tree is not used, and 0.
    leaves : ndarray of int8, likewise
        The numbers at the end, that of all bits 0 first.
    """

    n_in: int
    features: np.ndarray
    leaves: np.ndarray

    def __post_init__(self) -> None:
        features, leaves = self.features, self.leaves
        if not (features.dtype == np.uint16 and leaves.dtype == np.int8
                and features.ndim == 3 and features.shape == leaves.shape and features.size):
            raise TreesError("Trees must have features, uint16, and leaves, int8, of one shape: "
                             f"(classes, trees, nodes), not {features.dtype} {features.shape} and "
                             f"{leaves.dtype} {leaves.shape}")
        if not 2 <= (nodes := features.shape[2]) <= MOST_NODES or nodes.bit_count() != 1:
            raise TreesError("The nodes of a tree must be a power of two from 2 to "
                             f"{MOST_NODES:,}, not {nodes}")
        if type(self.n_in) is not int or features.max() >= self.n_in or features[..., 0].any():
            raise TreesError("Each node must ask for one of the inputs, and the unused one for the "
                             f"first: features must be less than {self.n_in!r}")

    @property
    def n_classes(self) -> int:
        return int(self.features.shape[0])

    @property
    def per_class(self) -> int:
        """Trees of a class."""
        return int(self.features.shape[1])

    @property
    def depth(self) -> int:
        """Bits that a tree asks for."""
        return int(self.features.shape[2]).bit_length() - 1

    def same(self, other: "Trees") -> bool:
        """Return whether others are these."""
        return self.n_in == other.n_in and all(np.array_equal(*each) for each in (
            (self.features, other.features), (self.leaves, other.leaves)))

    def __str__(self) -> str:
        return f"{self.n_classes * self.per_class} trees of depth {self.depth}"

    def ends(self, inputs: Bits) -> np.ndarray:
        """Return at which leaf each tree ends: ``(n, n_classes, trees of a class)``, of inputs
        ``(n, n_in)``."""
        ends = np.empty((len(inputs), *self.features.shape[:2]), np.uint16)
        for klass, trees in enumerate(self.features):
            for number, tree in enumerate(trees):
                at = np.ones(len(inputs), int)
                for _ in range(self.depth):
                    at = 2 * at + inputs[np.arange(len(inputs)), tree[at]]
                ends[:, klass, number] = at - len(tree)
        return ends

    def scores(self, ends: np.ndarray) -> np.ndarray:
        """Sum the numbers up at the ends of trees: ``(n, n_classes)``."""
        chosen = np.take_along_axis(self.leaves[None], ends[..., None], axis=3)
        scores: np.ndarray = chosen.sum(axis=(2, 3), dtype=int)
        return scores

    def classify(self, inputs: Bits) -> np.ndarray:
        """Return the class of each input ``(n, n_in)``."""
        classes: np.ndarray = self.scores(self.ends(inputs)).argmax(axis=1)
        return classes

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        tensors.write(path, {"features": self.features, "leaves": self.leaves}, format=FORMAT,
                      inputs=self.n_in)

    @classmethod
    def load(cls, path: Path) -> "Trees":
        """Read a file of at most 16 MiB; raise :exc:`TreesError` if it is none of trees."""
        try:
            description, found = tensors.read(path, {FORMAT: ("inputs",)}, BUDGET)
            tensors.check_names(found, ("features", "leaves"))
            return cls(description["inputs"], **found)    # type: ignore[arg-type]
        except (ValueError, TreesError) as error:
            raise TreesError(f"{path} is no file of trees: {error}") from None
