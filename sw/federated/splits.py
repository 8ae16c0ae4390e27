"""Who has which training images: row numbers for each client, the same wherever they are drawn."""

import zlib

import numpy as np
import torch
from torch import Tensor

from ..training.asked.effort import RunError
from .settings import SPLITS

__all__ = ["split"]

LEAST = 16      # Images of a client: batch norm needs some.
TRIES = 1000


def split(name: str, labels: Tensor, clients: int, alpha: float, seed: int,
          classes: int = 2) -> list[Tensor]:
    """Share out the rows of ``labels`` ``(n,)``: a tensor of row numbers for each client.

    Parameters
    ----------
    name : str
        ``iid``: at random, in equal parts. ``unequal``: at random, in parts like 1, 2, 3, …
        ``dirichlet``: of each class another share to each client, drawn from a Dirichlet
        distribution; drawn again until each has some. ``classes``: to each client a few classes,
        which those that have one share alike.
    alpha : float
        Of the Dirichlet distribution: the smaller, the more unlike the clients.
    classes : int
        That a client has. Clients stand around the ring of all classes, in an order that is drawn,
        and each has so many that are next to one another there.
    """
    if name not in SPLITS:
        raise RunError(f"Unknown split {name!r}; known are: {', '.join(SPLITS)}")
    if clients < 1 or clients * LEAST > len(labels):
        raise RunError(f"{len(labels)} images are enough for 1 to {len(labels) // LEAST} clients, "
                       f"not for {clients}")
    if not alpha > 0:
        raise RunError(f"Alpha must be above 0, not {alpha}")
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    if name == "dirichlet":
        return _dirichlet(labels.numpy(), clients, alpha, rng)
    if name == "classes":
        return _by_class(labels.numpy(), clients, classes, rng)
    sizes = np.ones(clients) if name == "iid" else np.arange(1, clients + 1)
    spare = len(labels) - LEAST * clients
    parts = _cut(rng.permutation(len(labels)), LEAST + spare * sizes / sizes.sum())
    return [torch.from_numpy(part) for part in parts]


def _cut(rows: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
    return np.split(rows, np.round(np.cumsum(sizes)[:-1]).astype(int))


def _dirichlet(labels: np.ndarray, clients: int, alpha: float,
               rng: np.random.Generator) -> list[Tensor]:
    for _ in range(TRIES):
        shares = []
        for label in np.unique(labels):
            rows = rng.permutation(np.flatnonzero(labels == label))
            shares.append(_cut(rows, rng.dirichlet(np.full(clients, alpha)) * len(rows)))
        parts = [np.concatenate(own) for own in zip(*shares, strict=True)]
        if min(map(len, parts)) >= LEAST:
            return [torch.from_numpy(part) for part in parts]
    raise RunError(f"With an alpha of {alpha} some of {clients} clients get fewer than {LEAST} "
                   f"images")


def _by_class(labels: np.ndarray, clients: int, classes: int,
              rng: np.random.Generator) -> list[Tensor]:
    ring = rng.permutation(np.unique(labels))
    if not 1 <= classes <= len(ring) or clients * classes < len(ring):
        raise RunError(f"{clients} clients of {classes} classes each do not share {len(ring)} "
                       f"classes: a client must have 1 to {len(ring)}, and each class somebody")
    owned: list[list[np.ndarray]] = [[] for _ in range(clients)]
    for place, label in enumerate(ring):
        owners = [own for own in range(clients)
                  if (place - own * len(ring) // clients) % len(ring) < classes]
        rows = rng.permutation(np.flatnonzero(labels == label))
        for own, part in zip(owners, np.array_split(rows, len(owners)), strict=True):
            owned[own].append(part)
    if min(sum(map(len, parts)) for parts in owned) < LEAST:
        raise RunError(f"With {classes} classes each some of {clients} clients get fewer than "
                       f"{LEAST} images")
    return [torch.from_numpy(np.concatenate(parts)) for parts in owned]
