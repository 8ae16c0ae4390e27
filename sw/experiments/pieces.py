"""The reproduction in pieces, each of which is done once for each seed and leaves one JSON file."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..golden import regular
from ..training.effort import RunError
from . import baselines, consecutive, cost, encoders, heads
from . import federations as together
from . import parts_of_sdbnn as arms
from . import searches as mixbin
from .effort import Study, write_json

__all__ = ["ABLATION", "MIXBIN", "STAGES", "TOGETHER", "do", "path", "read"]

Piece = Callable[[Study], dict[str, Any]]

# On which the paper's claims and our goals rest; the other encoders come after.
FIRST = ("ours", "letters", "published", "fashion")
REST = tuple(name for name in encoders.ENCODERS if name not in FIRST)


def _train(names: tuple[str, ...]) -> dict[str, Piece]:
    return {f"encoder {name}": partial(encoders.train, name=name) for name in names}


def _heads(names: tuple[str, ...]) -> dict[str, Piece]:
    return {**{f"ten {name}": partial(heads.ten, name=name) for name in names},
            **{f"five {name}": partial(heads.five, name=name)
               for name in names if name in heads.FIVE}}


def _together(names: tuple[str, ...]) -> dict[str, Piece]:
    return {"together centralised": partial(together.centralised, name="ours"),
            **{f"together {arm}": partial(together.learn, name="ours", arm=arm) for arm in names}}


# A stage needs the files of those before it.
STAGES: list[dict[str, Piece]] = [
    _train(FIRST),
    {
        **_heads(FIRST),
        **{f"consecutive {name} {method}": partial(consecutive.consecutive, name=name,
                                                   method=method)
           for name, method in consecutive.PAIRS},
        **{f"cnn {reading}": partial(baselines.cnn, reading=reading)
           for reading in baselines.READINGS},
        **_together(together.IN_PAPER),
        **{f"pixels {reading}": partial(baselines.pixels, reading=reading)
           for reading in baselines.READINGS},
    },
    _train(REST),
    _heads(REST),
    {"cost": partial(cost.cost, name="ours")},    # Alone: it measures seconds.
]
ABLATION: list[dict[str, Piece]] = [
    {"encoder fashion": partial(encoders.train, name="fashion")},
    {f"arm {name}": partial(arms.learn, name=name) for name in arms.ARMS},
]
TOGETHER: list[dict[str, Piece]] = [
    {"encoder ours": partial(encoders.train, name="ours")},
    _together(tuple(together.ARMS)),
]
MIXBIN: list[dict[str, Piece]] = [
    {**_train(("ours", "fashion"))},
    {"ten ours": partial(heads.ten, name="ours"),
     **{f"mixbin search {name}": partial(mixbin.search, name=name) for name in mixbin.SEARCHES}},
    {**{f"mixbin final {name}": partial(mixbin.final, name=name)
        for name in ("shrink", "encfc-binary")},
     **{f"mixbin random {number}": partial(mixbin.train_mask, name=f"random {number}")
        for number in range(mixbin.RANDOM)},
     **{f"mixbin whole {number}": partial(mixbin.train_mask, name=f"whole {number}")
        for number in range(len(mixbin.WHOLE))},
     **{f"mixbin mask {name}": partial(mixbin.train_mask, name=name) for name in mixbin.MASKS},
     "mixbin longer": mixbin.longer,
     "mixbin transfer": mixbin.transfer,
     **{f"mixbin subsets {part}": partial(mixbin.subsets, part=part)
        for part in range(mixbin.SUBSETS)}},
]
PIECES = {name: piece for stage in STAGES + ABLATION + TOGETHER + MIXBIN
          for name, piece in stage.items()}


def path(folder: Path, name: str, seed: int) -> Path:
    """Return the file that a piece leaves."""
    return folder / "pieces" / f"{name.replace(' ', '-')}-{seed}.json"


def do(job: tuple[Study, str]) -> str:
    """Do a piece and leave its result, with the seconds it took; return its name."""
    study, name = job
    begun, begun_cpu = time.perf_counter(), time.process_time()
    result = PIECES[name](study)
    write_json(path(study.folder, name, study.seed), {
        **result, "wall_seconds": time.perf_counter() - begun,
        "cpu_seconds": time.process_time() - begun_cpu})
    return name


def read(folder: Path, n_seeds: int, stages: list[dict[str, Piece]] = STAGES,
         ) -> dict[str, list[dict[str, Any]]]:
    """Read all pieces: by name, a result for each seed."""
    return {name: [_read(path(folder, name, seed)) for seed in range(n_seeds)]
            for stage in stages for name in stage}


def _read(file: Path) -> dict[str, Any]:
    with suppress(ValueError):
        if isinstance(result := regular.read_json(file), dict):
            return result
    raise RunError(f"{file} is damaged: delete it, and the same command does this piece again")
