"""The table of drawn shapes: one row for a kind of images, all seeds of it."""

import os
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from statistics import mean
from typing import Any

from ...golden import regular
from ...images.names import SIDE
from ...terminal import markdown
from ...training import onchip, run
from ...training.asked.configs import load
from ...training.asked.effort import RunError
from ...training.asked.stages import OnChipConfig
from ..trained import drawn
from .publishing import publish, spread

__all__ = ["SEEDS", "study", "tabulate"]

SEEDS = (0, 1, 2)
EACH = 200           # Images of a shape.
SIZE, PIXELS = "medium", 8
HEADING = ["shapes", "drawn with a side of", "trained on", "tested on", "network", "seeds",
           "test images, %", "training, minutes"]


def study(name: str, page: Path, arguments: Namespace) -> int:
    """Train what is not trained yet, and write the table; see the command."""
    seeds = SEEDS[:2] if arguments.small else SEEDS
    for kind in drawn.KINDS:
        _write(_folder(arguments.out, kind), kind, 5 if arguments.small else EACH)
    for seed in seeds:
        for kind in drawn.KINDS:
            _train(arguments, kind, seed)
    publish(tabulate(arguments.out), arguments.out / "shapes.md", name, page, arguments)
    return 0


def _write(folder: Path, kind: str, each: int) -> None:
    """Write the images of a kind, all of them or none, unless they are there."""
    if folder.exists():
        return
    unfinished = folder.with_name(f".{kind}")
    rmtree(unfinished, ignore_errors=True)
    drawn.write(unfinished, kind, each, seed=0)
    os.replace(unfinished, folder)


def _train(arguments: Namespace, kind: str, seed: int) -> None:
    """Train a network on a kind of images, unless that is done."""
    folder, images = _run(arguments.out, kind, seed), _folder(arguments.out, kind)
    inputs = onchip.of_folder(str(images), SIDE, colour=False, limit=None)
    config = onchip.decide(SIZE, inputs, kind, None, "all", pixels=PIXELS, binarizer="sign",
                           seed=seed, device=arguments.device,
                           epochs=2 if arguments.small else None, augment=None, threads=2)
    if (folder / "config.json").exists():
        if load(folder / "config.json") != config:
            raise RunError(f"{folder} is another run: give another --out")
        begun = None if (folder / "metrics.json").exists() else run.reopen(folder)
    else:
        begun = run.create(folder, config)
    if begun:
        onchip.train(begun, inputs)


def tabulate(out: Path) -> str:
    """Return the table of what is trained so far; accuracies as mean ± standard deviation."""
    return markdown.table(HEADING, [*_rows(out)])


def _rows(out: Path) -> Iterator[list[str]]:
    for kind, (side, _, _) in drawn.KINDS.items():
        folders = [folder for seed in SEEDS
                   if ((folder := _run(out, kind, seed)) / "metrics.json").exists()]
        if not folders:
            continue
        found: list[dict[str, Any]] = [regular.read_json(each / "metrics.json")
                                       for each in folders]
        config = load(folders[0] / "config.json")
        assert isinstance(config, OnChipConfig)    # Checked before it was trained.
        inputs = onchip.of_folder(str(_folder(out, kind)), SIDE, colour=False, limit=None)
        yield [kind, str(side), f"{len(inputs.train):,}", f"{len(inputs.test):,}",
               config.signature, str(len(folders)),
               spread([each["accuracy"][onchip.PHASE] for each in found]),
               f"{mean(each['seconds'][onchip.PHASE] for each in found) / 60:.0f}"]


def _folder(out: Path, kind: str) -> Path:
    return out / "shapes" / kind


def _run(out: Path, kind: str, seed: int) -> Path:
    return out / "shapes" / f"{kind}-{seed}"
