"""Pictures from files, or drawn by hand, as a data set has them."""

import re
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile
from scipy import ndimage

from ..golden import regular
from ..golden.errors import UserError
from .names import SIDE

__all__ = ["FORMATS", "SUFFIXES", "Nothing", "PictureError", "load", "normalise", "read",
           "square"]

Picture = npt.NDArray[np.float32]    # Shape (height, width), from 0 to 1, ink bright.

# Pillow can also read formats that are programs, and formats whose readers nobody tests.
SUFFIXES = (".bmp", ".gif", ".jpg", ".jpeg", ".png", ".pgm", ".pnm", ".ppm", ".tif", ".tiff",
            ".webp")    # Of files that are taken for pictures.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MAX_BYTES = 1 << 27      # Of a file: the most pixels in three colours of 16 bits.
# A file of a few kilobytes can say that it holds more. So many take below 200 MB, and a second.
MAX_PIXELS = 12_500_000
MAX_WEBP = 6_250_000     # libwebp keeps three copies.
MAX_PHOTO = 1 << 26      # Of a JPEG that is made smaller while it is decoded.
MAX_SCANS = 100          # Of a JPEG: each goes through all pixels. Cameras make one, the web ten.

MAX_SEGMENTS = 1000      # Tables, scans, and what cameras note.
SOI, SOS, EOI = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")    # Others stand among the pixels.

BOX = 20           # MNIST's longer side of a character.
NOISE = 0.1        # Of the darkest ink: less is paper.
SPECK = 0.005      # Of the ink of the largest stroke: less is dust, not the dot of an i.
WORKING = 512      # Pixels of the longer side, or up to twice as many, in which ink is looked for.


class PictureError(UserError):
    """A file holds no picture that could be used; the message says why in one sentence."""


class Nothing(PictureError):
    """A picture is all of one colour."""


def read(file: Path | BinaryIO, data: str) -> Picture:
    """Read a picture as one of the data set ``data``: shape ``(28, 28)``.

    One of 28 x 28 pixels on black is taken as it is. In any other, what lies along the edges is
    paper, and what differs from it is ink. Where it is transparent it is white, or black if that
    is what the ink stands out from. Takes at most 200 MB.

    Parameters
    ----------
    file : Path or binary file
        Of any of :data:`FORMATS`.

    Raises
    ------
    PictureError
        It is none, or shows nothing (:exc:`Nothing`), or is larger than is read.
    OSError
        The file cannot be read.
    """
    name = file if isinstance(file, Path) else "The picture"
    grey = _grey(load(file, "L", WORKING))
    ink = np.abs(grey - _paper(grey))
    if grey.shape == (SIDE, SIDE) and ink.any() and _paper(grey) == 0:
        return grey
    if (drawn := normalise(ink, data)) is None:
        raise Nothing(f"{name} shows nothing: all of it is as its edges are")
    return drawn


def square(file: Path | BinaryIO, side: int, *, colour: bool) -> npt.NDArray[np.uint8]:
    """Read a picture as a square: its middle, scaled to ``(side, side, channels)``.

    Without colour it has one channel. Where it is transparent it is black.

    Raises
    ------
    PictureError, OSError
        As :func:`load`.
    """
    mode = "RGB" if colour else "L"
    image = load(file, mode, side)
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"),
                                      image.convert("RGBA"))
    fitted = ImageOps.fit(image.convert(mode), (side, side), Image.Resampling.BILINEAR)
    return np.array(fitted).reshape(side, side, -1)


def load(file: Path | BinaryIO, mode: str, side: int) -> Image.Image:
    """Read the first image in a file, and turn it as the camera was held.

    Its mode is any that Pillow has for pixels of 8 bits, or F, from 0 to 255, if it is grey and has
    16. It may be transparent.

    Parameters
    ----------
    mode : str
        L or RGB: what is needed of it.
    side : int
        A JPEG is decoded at a half, a quarter or an eighth of its size, not below ``side``.

    Raises
    ------
    PictureError
        It is none, is damaged, or has more than 12.5 million pixels (WebP half as many, a JPEG
        that is decoded in one go 67 million), or 128 MiB.
    OSError
        The file cannot be read.
    """
    name = file if isinstance(file, Path) else "The picture"
    with (regular.open_file(file, MAX_BYTES) if isinstance(file, Path) else nullcontext(file)
          as content, warnings.catch_warnings(action="ignore")):
        try:
            with Image.open(content, formats=FORMATS) as image:
                _check(image, mode, side)
                image.load()
                known = _known(image)
                ImageOps.exif_transpose(known, in_place=True)
                return known
        except _Refused as refused:
            raise PictureError(f"{name} {refused}") from None
        except UnidentifiedImageError:
            raise PictureError(f"{name} holds no picture: give a PNG or a JPEG file") from None
        except Image.DecompressionBombError:
            raise PictureError(f"{name} has more than {MAX_PIXELS:,} pixels: make it smaller"
                               ) from None
        except Exception as error:    # Readers of damaged files raise what they like.
            if isinstance(error, OSError) and error.errno:
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
            raise PictureError(f"{name} is damaged: {reason:.200}") from None


class _Refused(Exception):
    """What is wrong with a picture, without its name."""


def _check(image: ImageFile, mode: str, side: int) -> None:
    """Have a JPEG made smaller; refuse what takes too much memory or time."""
    most = MAX_WEBP if image.format == "WEBP" else MAX_PIXELS
    if image.format in ("JPEG", "MPO"):
        if (scans := _scans(image)) > MAX_SCANS:
            raise _Refused(f"goes through its pixels more than {MAX_SCANS} times: save it anew")
        if scans == 1:
            most = MAX_PHOTO
    if image.width * image.height > most:
        raise _Refused(f"has {image.width} x {image.height} pixels, more than {most:,}: make it "
                       "smaller")
    image.draft(mode, (side, side))
    if image.width * image.height > MAX_PIXELS:    # A long one: both of its sides are halved.
        raise _Refused(f"has {image.width} x {image.height} pixels, more than {MAX_PIXELS:,}: "
                       "make it smaller")


def _scans(image: ImageFile) -> int:
    """Count how often a JPEG goes through its pixels. If it does twice it keeps them all."""
    assert image.fp is not None
    place = image.fp.tell()
    image.fp.seek(0)
    content = image.fp.read()
    image.fp.seek(place)
    scans, at = 0, len(SOI)
    for _ in range(MAX_SEGMENTS):
        marker = MARKER.search(content, at)
        if marker is None or marker[0] == EOI:
            return scans
        scans += marker[0] == SOS
        at = marker.end() + int.from_bytes(content[marker.end():marker.end() + 2])
    return MAX_SCANS + 1


def _known(image: ImageFile) -> Image.Image:
    """Bring pixels of 16 bits into the range of those of 8; refuse what has no known grey."""
    wide = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    if wide:
        values = np.asarray(image).astype(np.float32)
        values /= 256
        known = Image.fromarray(np.minimum(values, 255, out=values))
        known.getexif().update(image.getexif())
        return known
    if image.mode in ("I", "F"):
        raise _Refused(f"has pixels of 32 bits, mode {image.mode}, which have no known range: "
                       "save it with 8 or 16")
    if image.mode == "LAB":    # Pillow reads it, and makes nothing else of it.
        raise _Refused("has colours in CIELAB, which are not read: save it in RGB")
    return image


def _grey(image: Image.Image) -> Picture:
    """Make a picture small, and grey from 0 to 1."""
    factor = max(1, max(image.size) // WORKING)
    if image.has_transparency_data:
        small = np.asarray(image.convert("LA").reduce(factor), np.float32) / np.float32(255)
        ink, alpha = small[..., 0] * small[..., 1], small[..., 1]
        on_white, on_black = ink + (1 - alpha), ink
        contrasts = [np.abs(each - _paper(each)).max() for each in (on_white, on_black)]
        return on_white if 2 * contrasts[0] >= contrasts[1] else on_black
    grey = image if image.mode == "F" else image.convert("L")
    return np.asarray(grey.reduce(factor), np.float32) / np.float32(255)


def _paper(grey: Picture) -> float:
    """Find the tone along the edges: the middle one, which is always one that is there."""
    edges = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return float(np.partition(edges, len(edges) // 2)[len(edges) // 2])


def normalise(ink: Picture, data: str) -> Picture | None:
    """Bring ink on any canvas into the form of a data set; None if there is none.

    As MNIST was made (LeCun et al., 1998, section III-A), the longer side of what is drawn becomes
    20 pixels, and its centre of mass the centre of 28 x 28. The images of ``digits`` have no
    margin, and a height and width of 8 pixels before they are scaled up. Specks of dust are left
    out.

    Parameters
    ----------
    ink : float array of shape ``(height, width)``
        More is more ink.
    """
    ink = _without_specks(np.where(ink > NOISE * ink.max(), ink, 0))
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    cut = ink[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1] / ink.max()
    if data == "digits":
        return _scale(_scale(_centred(_fit(cut, SIDE), SIDE), (8, 8), Image.Resampling.BOX),
                      (SIDE, SIDE), Image.Resampling.BILINEAR)
    return _centred(_fit(cut, BOX), SIDE)


def _without_specks(ink: Picture) -> Picture:
    """Take away what hangs together, but has next to no ink compared with what has the most."""
    strokes, count = ndimage.label(ink, np.ones((3, 3)))
    mass = np.bincount(strokes.ravel(), ink.ravel(), count + 1)
    speck = mass < SPECK * mass.max()
    return np.where(speck[strokes], np.float32(0), ink)


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
