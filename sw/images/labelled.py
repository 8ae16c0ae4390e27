"""Your own images: a folder that holds a folder of image files for each class.

This is torchvision's ``ImageFolder``. If there are just two folders, ``train`` and ``test``, each
of them holds such folders. Otherwise a fifth of each class is set aside to test on. Which images
these are goes by the names of their files, so none of them moves when files are added.
"""

import hashlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..golden import regular
from ..golden.frame import MAX_CLASSES
from . import picture
from .names import DataError, OwnImages
from .picture import SUFFIXES, PictureError

__all__ = ["UNEQUAL", "Labelled", "names", "read", "warn"]

UNEQUAL = 1.5            # Times as many images in one class as in another.
TEST = 0.2               # Of each class, where the folder does not say.


@dataclass(frozen=True)
class Labelled:
    """Images as they lie in memory, or in a file that the system reads as needed.

    Attributes
    ----------
    train, test : uint8 arrays of shape ``(n, side, side, channels)``
    train_labels, test_labels : int64 arrays of shape ``(n,)``
    notes : tuple of str
        What who trains on them should know: a sentence each.
    """

    own: OwnImages
    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    notes: tuple[str, ...]


def read(folder: Path, side: int, *, colour: bool, limit: int | None = None) -> Labelled:
    """Read all images of a folder; those that cannot be read are left out, and noted.

    Raises
    ------
    DataError
        The folder holds no images of 2 to 256 classes, to train and to test on: one sentence says
        what is wrong.
    """
    classes, parts = _parts(folder)
    if limit is not None:
        parts = [[files[:limit] for files in part] for part in parts]
    listed = "\0".join(str(file.relative_to(folder)) for part in parts for files in part
                       for file in files)
    own = OwnImages(str(folder), side, colour, limit, classes, "")
    (train, train_labels, wrong), (test, test_labels, also) = (_load(part, own) for part in parts)
    for labels, what in (train_labels, "train"), (test_labels, "test"):
        for klass, name in enumerate(classes):
            if not (labels == klass).any():
                raise DataError(f"{folder} must have images of {name!r} to {what} on that can be "
                                "read, and has none")
    own = replace(own, fingerprint=_fingerprint(listed, train, test))
    return Labelled(own, train, train_labels, test, test_labels,
                    tuple(_notes(own, parts, train_labels, [*wrong, *also])))


def _fingerprint(listed: str, *parts: np.ndarray) -> str:
    digest = hashlib.sha256(listed.encode(errors="surrogateescape"))
    for images in parts:
        for image in images:    # Not all of them need fit in memory.
            digest.update(image)
    return digest.hexdigest()


def names(folder: Path) -> tuple[str, ...]:
    """Return the names of a folder's classes, without reading an image; raise as :func:`read`."""
    classes, _ = _parts(folder)
    return classes


Files = list[list[Path]]    # Of each class.


def _parts(folder: Path) -> tuple[tuple[str, ...], list[Files]]:
    """Return the names of the classes, and the files to train and to test on."""
    if not folder.is_dir():
        raise DataError(f"{folder} must be a folder that holds a folder of images for each class")
    below = _folders(folder)
    if [each.name for each in below] == ["test", "train"]:
        test, train = map(_folders, below)
        names = _checked(below[1], [each.name for each in train])
        if strange := {each.name for each in test} ^ set(names):
            raise DataError(f"{folder} must have the same classes in train and test, and "
                            f"{min(strange)!r} is in one of them alone")
        return names, [_files(train), _files(test)]
    names = _checked(folder, [each.name for each in below])
    both = [_divided(files) for files in _files(below)]
    return names, [[files[part] for files in both] for part in range(2)]


def _checked(folder: Path, names: list[str]) -> tuple[str, ...]:
    if not 2 <= len(names) <= MAX_CLASSES:
        raise DataError(f"{folder} must hold 2 to {MAX_CLASSES} folders, one for each class, not "
                        f"{len(names)}")
    for name in names:
        if not name.isprintable():
            raise DataError(f"{folder} must hold folders whose names can be printed, not {name!r}")
    return tuple(names)


def _folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir()
                  if each.is_dir() and not each.name.startswith("."))


def _files(classes: list[Path]) -> Files:
    found = [sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES
                    and not file.name.startswith(".") and file.is_file()) for folder in classes]
    for folder, files in zip(classes, found):
        if not files:
            raise DataError(f"{folder} must hold image files ("
                            f"{', '.join(suffix[1:] for suffix in SUFFIXES)}), and has none")
    return found


def _divided(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Divide the files of a class by their names: to train on, and to test on."""
    if len(files) < 2:
        raise DataError(f"{files[0].parent} must hold two images at the least: one is to test on")
    place = {file: _place(file.name) for file in files}
    last = sorted(files, key=lambda file: (place[file], file))
    # Of few files all may have come to lie on one side.
    test = {file for file in files if place[file] < TEST} or {last[0]}
    test -= {last[-1]} if len(test) == len(files) else set()
    return [file for file in files if file not in test], [file for file in files if file in test]


def _place(name: str) -> float:
    """Return a number from 0 to 1 that goes by a name, and is as good as random."""
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:6]) / (1 << 48)


def _load(part: Sequence[list[Path]], own: OwnImages) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Read the files of each class; return images and labels, and what is wrong with the others."""
    n = sum(map(len, part))
    shape = (n, own.side, own.side, 3 if own.colour else 1)
    # A file without a name: the system keeps in memory what there is room for.
    with tempfile.TemporaryFile() as store:
        images = np.memmap(store, np.uint8, "w+", shape=shape)
    labels, at, wrong = np.full(n, -1), 0, []
    # Mixed, always in the same way: the first thousand of them are of all classes.
    order = np.random.default_rng(0).permutation(n)
    files = [(klass, file) for klass, files in enumerate(part) for file in files]
    for klass, file in tqdm([files[number] for number in order], desc="reading", unit=" images",
                            leave=False, disable=None if n > 1000 else True):
        try:
            images[at] = picture.square(file, own.side, colour=own.colour)
        except (PictureError, OSError) as error:
            wrong.append(str(error))
            continue
        labels[at], at = klass, at + 1
    return images[:at], labels[:at], wrong


def _notes(own: OwnImages, parts: list[Files], labels: np.ndarray,
           wrong: list[str]) -> Iterator[str]:
    """Say what is unusual about the images, those of ``labels`` to train on."""
    if wrong:
        yield f"{len(wrong):,} files could not be read and were left out, such as {min(wrong)}"
    counts = np.bincount(labels)
    if counts.max() > UNEQUAL * counts.min():
        few, many = (own.classes[at] for at in (counts.argmin(), counts.argmax()))
        yield (f"classes have {counts.min():,} ({few!r}) to {counts.max():,} ({many!r}) images to "
               "train on: those of few weigh more")
    if twice := _twice(*parts):
        yield (f"{len(twice):,} images to test on are among those to train on, too, such as "
               f"{twice[0]}: the accuracy is too good")


def _twice(train: Files, test: Files) -> list[Path]:
    """Return the files to test on whose bytes are those of a file to train on."""
    by_size = {file.stat().st_size for files in train for file in files}
    suspects = [file for files in test for file in files if file.stat().st_size in by_size]
    sizes = {file.stat().st_size for file in suspects}
    known = {_digest(file) for files in train for file in files if file.stat().st_size in sizes}
    return [file for file in suspects if _digest(file) in known]


def _digest(file: Path) -> bytes:
    try:
        return hashlib.sha256(regular.read_bytes(file, picture.MAX_BYTES)).digest()
    except (OSError, regular.FileRefused):
        return str(file).encode(errors="surrogateescape")    # As no other.


def warn(notes: Sequence[str]) -> None:
    """Write what should be known of the images, a line each."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
