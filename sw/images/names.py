"""Names of data sets and of their classes, for those who load no images."""

import string
from dataclasses import dataclass

from ..golden.errors import UserError

__all__ = ["CLASSES", "MAX_SIDE", "NAMES", "SIDE", "DataError", "OwnImages", "class_names",
           "task_classes"]

NAMES = ("digits", "mnist", "fashion-mnist", "emnist-letters")
SIDE = 28                   # Height and width of an image.
MAX_SIDE = 512              # Of one of your own.

CLASSES = {
    "digits": tuple(string.digits),
    "mnist": tuple(string.digits),
    "fashion-mnist": ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                      "Sneaker", "Bag", "Ankle boot"),
    "emnist-letters": tuple(string.ascii_uppercase),
}


class DataError(UserError):
    """Data cannot be had or are not what they must be; the message says why in one sentence."""


@dataclass(frozen=True)
class OwnImages:
    """Which images a run is of.

    Attributes
    ----------
    side : int
        The middle of each picture is cut out as a square and scaled to ``side x side``.
    limit : int or None
        So many files of each class and part at most.
    classes : tuple of str
        Names of the folders, sorted.
    fingerprint : str
        SHA-256 of the names of all files, and of what was read of them.
    """

    folder: str
    side: int
    colour: bool
    limit: int | None
    classes: tuple[str, ...]
    fingerprint: str

    def __post_init__(self) -> None:
        if not 1 <= self.side <= MAX_SIDE:
            raise DataError(f"The side of an image must be 1 to {MAX_SIDE} pixels, not {self.side}")
        if self.limit is not None and self.limit < 1:
            raise DataError(f"The limit must be 1 or more images, not {self.limit}")


def class_names(name: str, task: str) -> tuple[str, ...]:
    """Name the classes of a task of a data set, in the order of their labels.

    Raises
    ------
    DataError
        There is no such data set, or no such task of it.
    """
    if name not in CLASSES:
        raise DataError(f"The data set must be one of {', '.join(CLASSES)}, not {name!r:.40}")
    return tuple(CLASSES[name][klass] for klass in task_classes(task, len(CLASSES[name])))


def task_classes(task: str, n_classes: int) -> list[int]:
    """Return the classes of a task by number, or raise :exc:`DataError`."""
    if task == "all":
        return list(range(n_classes))
    if task == "ten":
        return list(range(10))
    words = task.split("v")
    if len(words) == 2 and all(word.isascii() and word.isdigit() for word in words):
        a, b = (int(word[:4]) for word in words)
        if a != b and max(a, b) < n_classes:
            return [a, b]
    raise DataError(f"A task must be ten, all, or two different classes 0 to {n_classes - 1} "
                    f"such as 0v1, not {task!r}")
