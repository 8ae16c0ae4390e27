"""The table of drawn shapes: one row for a kind of images, all seeds of it."""

import os
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import rmtree
from statistics import mean
from typing import Any

from ...golden import regular
from ...images.names import SIDE
from ...terminal import markdown
from ...training import onchip
from ...training.asked.stages import signature
from ...training.onchip import Inputs
from ..trained import drawn
from .publishing import publish, spread
from .resumed import resumed

__all__ = ["SEEDS", "study", "tabulate"]

SEEDS = (0, 1, 2)
EACH = 200           # Images of a shape.
SIZE, PIXELS = "medium", 8
HEADING = ["shapes", "drawn with a side of", "trained on", "tested on", "network", "seeds",
           "test images, %", "training, minutes"]


def study(name: str, page: Path, arguments: Namespace) -> int:
    """Train what is not trained yet, and write the table; see the command."""
    seeds = SEEDS[:2] if arguments.small else SEEDS
    images = {}
    for kind in drawn.KINDS:
        folder = _folder(arguments.out, kind)
        _write(folder, kind, 5 if arguments.small else EACH)
        images[kind] = onchip.of_folder(str(folder), SIDE, colour=False, limit=None)
    for seed in seeds:
        for kind, inputs in images.items():
            _train(arguments, kind, seed, inputs)
    publish(tabulate(arguments.out, images), arguments.out / "shapes.md", name, page, arguments)
    return 0


def _write(folder: Path, kind: str, each: int) -> None:
    """Write the images of a kind, all of them or none, unless they are there."""
    if folder.exists():
        return
    unfinished = folder.with_name(f".{kind}")
    rmtree(unfinished, ignore_errors=True)
    drawn.write(unfinished, kind, each, seed=0)
    os.replace(unfinished, folder)


def _train(arguments: Namespace, kind: str, seed: int, inputs: Inputs) -> None:
    """Train a network on a kind of images, unless that is done."""
    config = onchip.decide(SIZE, inputs, kind, None, "all", pixels=PIXELS, binarizer="sign",
                           seed=seed, device=arguments.device,
                           epochs=2 if arguments.small else None, augment=None, threads=2)
    if begun := resumed(_run(arguments.out, kind, seed), config, lambda found: found == config):
        onchip.train(begun, inputs)


def tabulate(out: Path, images: Mapping[str, Inputs]) -> str:
    """Return the table of what is trained so far; accuracies as mean ± standard deviation."""
    return markdown.table(HEADING, [*_rows(out, images)])


def _rows(out: Path, images: Mapping[str, Inputs]) -> Iterator[list[str]]:
    for kind, inputs in images.items():
        folders = [folder for seed in SEEDS
                   if ((folder := _run(out, kind, seed)) / "metrics.json").exists()]
        if not folders:
            continue
        found: list[dict[str, Any]] = [regular.read_json(each / "metrics.json")
                                       for each in folders]
        shape = signature(SIZE, SIDE, 1, PIXELS, inputs.n_classes)
        yield [kind, str(drawn.KINDS[kind][0]), f"{len(inputs.train):,}", f"{len(inputs.test):,}",
               str(shape), str(len(folders)),
               spread([each["accuracy"][onchip.PHASE] for each in found]),
               f"{mean(each['seconds'][onchip.PHASE] for each in found) / 60:.0f}"]


def _folder(out: Path, kind: str) -> Path:
    return out / "shapes" / kind


def _run(out: Path, kind: str, seed: int) -> Path:
    return out / "shapes" / f"{kind}-{seed}"
