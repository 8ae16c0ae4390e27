"""A folder of image files, of any size and number, read one by one as a data set."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from . import picture
from .names import DataError
from .picture import SUFFIXES

__all__ = ["ImageFolder"]


class ImageFolder(Dataset[tuple[Tensor]]):
    """The image files below a folder, as squares.

    A file that :func:`sw.images.picture.load` does not take does not end a training of days: the
    next file that it takes is in its place, so that each batch is what it would be in any other
    process, and it is counted.

    Parameters
    ----------
    folder : Path
        Is searched with all folders in it; links to folders and hidden files are left out.
    side : int
        The middle of each picture is cut out as a square and scaled to ``side x side``.
    colour : bool
        Else grey. Where a picture is transparent it is black.

    Attributes
    ----------
    names : bytes array of shape ``(n,)``
        Of the files in ``folder``, sorted.
    unreadable : bool tensor of shape ``(n,)``
        What was found to be so, by this process and its workers.

    Raises
    ------
    DataError
        The folder has no image file that can be read.
    """

    def __init__(self, folder: Path, side: int, colour: bool) -> None:
        self.folder, self.side, self.mode = folder, side, "RGB" if colour else "L"
        # An array: the workers share its memory, where touching a string would copy it.
        self.names = np.array(_names(folder))
        if len(self.names) == 0:
            raise DataError(f"{folder} must be a folder with image files "
                            f"({', '.join(suffix[1:] for suffix in SUFFIXES)}), in it or below")
        self.unreadable = torch.zeros(len(self), dtype=torch.bool).share_memory_()
        self[0]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> tuple[Tensor]:
        """Return the pixels of a file, ``(channels, side, side)``, uint8."""
        for candidate in (*range(number, len(self)), *range(number)):
            if not self.unreadable[candidate]:
                try:
                    return torch.from_numpy(self._read(self._path(candidate))),
                except Exception:    # Readers of damaged files raise what they like.
                    self.unreadable[candidate] = True
        raise DataError(f"None of the {len(self)} image files in {self.folder} can be read; "
                        f"{self.complaint(number)}")

    def complaint(self, number: int) -> str:
        """Say what is wrong with a file that cannot be read."""
        path = self._path(number)
        try:
            self._read(path)
        except Exception as error:
            return " ".join(str(error).split()) or f"{path}: {type(error).__name__}"
        return f"{path} can be read now"

    def _path(self, number: int) -> Path:
        return self.folder / os.fsdecode(self.names[number])

    def _read(self, path: Path) -> np.ndarray:
        pixels = picture.square(path, self.side, colour=self.mode == "RGB")
        return pixels.transpose(2, 0, 1).copy()


def _names(folder: Path) -> list[bytes]:
    found = []
    for place, _, files in os.walk(folder):
        inside = os.path.relpath(place, folder)
        found += [os.fsencode(os.path.normpath(os.path.join(inside, file))) for file in files
                  if file.lower().endswith(SUFFIXES) and not file.startswith(".")]
    return sorted(found)
