"""Images of ten shapes, drawn at random: what a newcomer's own folder may hold."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["KINDS", "NAMES", "write"]

FINER = 8    # Drawn larger, then made smaller, which makes edges grey.
Corners = list[tuple[float, float]]


def _star(corners: int, inner: float = 1.0) -> Corners:
    """Return the corners of a regular polygon, or with ``inner`` less than 1 of a star."""
    turns = 2 * corners if inner < 1 else corners
    return [((1 if inner == 1 or at % 2 == 0 else inner) * math.cos(2 * math.pi * at / turns),
             (1 if inner == 1 or at % 2 == 0 else inner) * math.sin(2 * math.pi * at / turns))
            for at in range(turns)]


POLYGONS: dict[str, Corners] = {
    "triangle": _star(3), "square": _star(4), "pentagon": _star(5), "star": _star(5, 0.4),
    "bar": [(-1, -0.2), (1, -0.2), (1, 0.2), (-1, 0.2)],
    "cross": [(-1, -0.3), (-0.3, -0.3), (-0.3, -1), (0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3),
              (0.3, 0.3), (0.3, 1), (-0.3, 1), (-0.3, 0.3), (-1, 0.3)],
    "ell": [(-0.7, -1), (-0.1, -1), (-0.1, 0.4), (0.8, 0.4), (0.8, 1), (-0.7, 1)],
}
# How large and how far from its middle the hole is that is cut out of a disc.
DISCS = {"disc": (0.0, 0.0), "ring": (0.6, 0.0), "crescent": (0.8, 0.45)}
NAMES = tuple(sorted([*POLYGONS, *DISCS]))
# Side, greatest turn to either hand, and whether ground and shape have any grey, one or the other
# the lighter.
KINDS = {"plain": (28, math.pi / 10, False), "hard": (48, math.pi, True)}


def write(folder: Path, kind: str, each: int, seed: int) -> None:
    """Write so many PNG files of each shape, in a folder of its name; always the same.

    A shape is anywhere, has a radius of 22 to 42 per cent of the side, and noise upon it. If it is
    ``plain`` it is white on black and nearly upright; if ``hard`` it has any angle and any two
    greys.
    """
    rng = np.random.default_rng(seed)
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        for at, image in enumerate(_draw(name, kind, each, rng)):
            image.save(folder / name / f"{at:04}.png")


def _draw(name: str, kind: str, number: int, rng: np.random.Generator) -> Iterator[Image.Image]:
    side, most, is_grey = KINDS[kind]
    for _ in range(number):
        ground, colour = _greys(rng) if is_grey else (0, 255)
        shape = _shape(name, side * FINER, rng, rng.uniform(-most, most), ground, colour)
        small = np.asarray(shape.resize((side, side), Image.Resampling.BOX), np.float64)
        noisy = small + rng.normal(0, rng.uniform(0, 20), small.shape)
        yield Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def _greys(rng: np.random.Generator) -> tuple[int, int]:
    """Return two greys that are not too near."""
    while True:
        ground, colour = map(int, rng.integers(0, 256, 2))
        if abs(ground - colour) >= 60:
            return ground, colour


def _shape(name: str, size: int, rng: np.random.Generator, turn: float, ground: int,
           colour: int) -> Image.Image:
    radius = rng.uniform(0.22, 0.42) * size
    x, y = (float(rng.uniform(radius, size - radius)) for _ in range(2))
    cos, sin = math.cos(turn), math.sin(turn)
    image = Image.new("L", (size, size), ground)
    pen = ImageDraw.Draw(image)

    def circle(x: float, y: float, radius: float, fill: int) -> None:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)

    if name in POLYGONS:
        pen.polygon([(x + radius * (a * cos - b * sin), y + radius * (a * sin + b * cos))
                     for a, b in POLYGONS[name]], fill=colour)
        return image
    hole, off = DISCS[name]
    circle(x, y, radius, colour)
    if hole:
        circle(x + off * radius * cos, y + off * radius * sin, hole * radius, ground)
    return image
