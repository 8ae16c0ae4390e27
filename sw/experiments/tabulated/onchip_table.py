"""The table of networks on the chip: one row for a size and a data set, all seeds of it."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from ...golden import regular
from ...golden.stages import Signature
from ...images.names import SIDE
from ...terminal import markdown
from ...training import onchip, run
from ...training.asked.configs import load
from ...training.asked.effort import RunError
from ...training.asked.stages import OnChipConfig, signature
from .publishing import publish, spread

__all__ = ["CASES", "SEEDS", "study", "tabulate"]

# Seed by seed, so that a study that was broken off has something to say of each.
CASES = (("small", "mnist"), ("medium", "mnist"), ("large", "mnist"), ("medium", "fashion-mnist"))
SEEDS = (0, 1, 2)
PIXELS = 8    # Bits of one.
HEADING = ["size", "network", "data", "weights, bits", "multiply-accumulates", "seeds",
           "test images, %", "training, minutes"]


@dataclass(frozen=True)
class _Trained:
    """What one run came to."""

    config: OnChipConfig
    metrics: dict[str, Any]


def study(name: str, page: Path, arguments: Namespace) -> int:
    """Train what is not trained yet, and write the tables; see the command."""
    cases = [("small", "digits")] if arguments.small else [*CASES]
    seeds = SEEDS[:2] if arguments.small else SEEDS
    wanted = [(seed, *case) for seed in seeds for case in cases]
    for each in wanted:
        _train(arguments, *each)
    publish(tabulate(arguments.out, cases), arguments.out / "on-chip.md", name, page, arguments)
    return 0


def _train(arguments: Namespace, seed: int, size: str, data: str) -> None:
    folder = _folder(arguments.out, size, data, seed)
    if (folder / "config.json").exists():
        found = load(folder / "config.json")
        shape = str(signature(size, SIDE, 1, PIXELS, 10))
        if not isinstance(found, OnChipConfig) or found.signature != shape:
            raise RunError(f"{folder} is another run: give another --out")
        if not (folder / "metrics.json").exists():
            begun = run.reopen(folder)
            onchip.train(begun, *onchip.load(begun.config))
        return
    data_dir = str(arguments.data_dir) if arguments.data_dir else None
    inputs = onchip.of_data_set(data, data_dir, "ten")
    config = onchip.decide(size, inputs, data, data_dir, "ten", pixels=PIXELS, binarizer="sign",
                           seed=seed, device=arguments.device,
                           epochs=2 if arguments.small else None, augment=None, threads=1)
    onchip.train(run.create(folder, config), inputs)


def tabulate(out: Path, cases: list[tuple[str, str]]) -> str:
    """Return the table of what is trained so far; accuracies as mean ± standard deviation."""
    return markdown.table(HEADING, [*_rows(out, cases)])


def _rows(out: Path, cases: list[tuple[str, str]]) -> Iterator[list[str]]:
    for size, data in cases:
        found = [*_finished(out, size, data)]
        if not found:
            continue
        shape = Signature.parse(found[0].config.signature)
        accuracies = [each.metrics["accuracy"][onchip.PHASE] for each in found]
        minutes = mean(each.metrics["seconds"][onchip.PHASE] for each in found) / 60
        yield [size, str(shape), data, f"{shape.n_weights:,}", f"{shape.n_macs:,}",
               str(len(found)), spread(accuracies), f"{minutes:.0f}"]


def _finished(out: Path, size: str, data: str) -> Iterator[_Trained]:
    for seed in SEEDS:
        folder = _folder(out, size, data, seed)
        if (folder / "metrics.json").exists():
            config = load(folder / "config.json")
            assert isinstance(config, OnChipConfig)    # Checked before it was trained.
            yield _Trained(config, regular.read_json(folder / "metrics.json"))


def _folder(out: Path, size: str, data: str, seed: int) -> Path:
    return out / "on-chip" / f"{data}-{size}-{seed}"
