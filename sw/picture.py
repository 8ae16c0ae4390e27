"""Pictures from files, or drawn by hand, as a data set has them."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from .data import SIDE
from .golden.errors import UserError

__all__ = ["PictureError", "normalise", "read"]

Picture = npt.NDArray[np.float32]    # Shape (height, width), from 0 to 1, ink bright.

BOX = 20           # MNIST's longer side of a character.
NOISE = 0.1        # Of the darkest ink: less is paper.
MAX_PIXELS = 50_000_000


class PictureError(UserError):
    """A file holds no picture that could be used; the message says why in one sentence."""


def read(file: Path | BinaryIO, data: str) -> Picture:
    """Read a picture as one of the data set ``data``: shape ``(28, 28)``.

    One of 28 x 28 pixels on black is taken as it is. In any other, what lies along the edges is
    paper, and what differs from it is ink.

    Raises
    ------
    PictureError
        It is none, or empty.
    OSError
        The file cannot be read.
    """
    name = file if isinstance(file, Path) else "The picture"
    try:
        with Image.open(file) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PictureError(f"{name} has more than {MAX_PIXELS:,} pixels: make it smaller")
            grey: Picture = np.asarray(image.convert("L"), np.float32) / np.float32(255)
    except UnidentifiedImageError:
        raise PictureError(f"{name} holds no picture: give a PNG or a JPEG file") from None
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError(f"{name} is damaged: {error}") from None
    except OSError as error:
        if error.errno:
            raise
        raise PictureError(f"{name} is damaged: {error}") from None    # Pillow's, cut off.
    edges = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = float(np.median(edges))
    if grey.shape == (SIDE, SIDE) and paper == 0:
        return grey
    if (drawn := normalise(np.abs(grey - paper), data)) is None:
        raise PictureError(f"{name} shows nothing: all of it is as its edges are")
    return drawn


def normalise(ink: Picture, data: str) -> Picture | None:
    """Bring ink on any canvas into the form of a data set; None if there is none.

    As MNIST was made (LeCun et al., 1998, section III-A), the longer side of what is drawn becomes
    20 pixels, and its centre of mass the centre of 28 x 28. The images of ``digits`` have no
    margin, and a height and width of 8 pixels before they are scaled up.

    Parameters
    ----------
    ink : float array of shape ``(height, width)``
        More is more ink.
    """
    ink = np.where(ink > NOISE * ink.max(), ink, 0)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    cut = ink[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1] / ink.max()
    if data == "digits":
        return _scale(_scale(_centred(_fit(cut, SIDE), SIDE), (8, 8), Image.Resampling.BOX),
                      (SIDE, SIDE), Image.Resampling.BILINEAR)
    return _centred(_fit(cut, BOX), SIDE)


def _fit(picture: Picture, side: int) -> Picture:
    """Scale so that the longer side becomes ``side`` pixels."""
    scale = side / max(picture.shape)
    height, width = (max(1, round(scale * length)) for length in picture.shape)
    return _scale(picture, (width, height), Image.Resampling.BOX)


def _scale(picture: Picture, size: tuple[int, int], how: Image.Resampling) -> Picture:
    scaled = Image.fromarray(picture.astype(np.float32)).resize(size, how)
    clipped: Picture = np.asarray(scaled).clip(0, 1)
    return clipped


def _centred(picture: Picture, side: int) -> Picture:
    """Put the centre of mass, as near as whole pixels allow, into the middle of a square."""
    canvas = np.zeros((side, side), np.float32)
    corner = []
    for axis, length in enumerate(picture.shape):
        mass = picture.sum(axis=1 - axis)
        centre = float((mass * (np.arange(length) + 0.5)).sum() / mass.sum())
        corner.append(min(max(0, round(side / 2 - centre)), side - length))
    top, left = corner
    canvas[top:top + picture.shape[0], left:left + picture.shape[1]] = picture
    return canvas
