"""Names of data sets and of their classes, for those who load no images."""

import string

from ..golden.errors import UserError

__all__ = ["CLASSES", "NAMES", "SIDE", "DataError", "class_names", "task_classes"]

NAMES = ("digits", "mnist", "fashion-mnist", "emnist-letters")
SIDE = 28                   # Height and width of an image.

CLASSES = {
    "digits": tuple(string.digits),
    "mnist": tuple(string.digits),
    "fashion-mnist": ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                      "Sneaker", "Bag", "Ankle boot"),
    "emnist-letters": tuple(string.ascii_uppercase),
}


class DataError(UserError):
    """Data cannot be had or are not what they must be; the message says why in one sentence."""


def class_names(name: str, task: str) -> tuple[str, ...]:
    """Name the classes of a task of a data set, in the order of their labels."""
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
