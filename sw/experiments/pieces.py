"""The reproduction in pieces, each of which is done once for each seed and leaves one JSON file."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..golden import regular
from ..training.asked.effort import RunError
from .effort import Study, write_json
from .trained import (
    baselines,
    consecutive,
    cost,
    encoders,
    federations,
    heads,
    parts_of_sdbnn,
    searches,
)

__all__ = ["ABLATION", "MIXBIN", "PIECES", "STAGES", "TOGETHER", "Piece", "Stage", "do", "path",
           "read"]

Work = Callable[[Study], dict[str, Any]]


@dataclass(frozen=True)
class Piece:
    """What is done once for each seed.

    Attributes
    ----------
    group : str
        What its seconds are counted with.
    subject : str
        What it is of, within the group; may be empty.
    alone : bool
        It measures seconds, so that nothing else may run beside it.
    """

    group: str
    subject: str
    work: Work
    alone: bool = False

    @property
    def name(self) -> str:
        """Its key in results, and but for the spaces the name of its file."""
        return f"{self.group} {self.subject}".strip()


Stage = dict[str, Piece]    # By name.


def _stage(*pieces: Piece) -> Stage:
    return {piece.name: piece for piece in pieces}


# On which the paper's claims and our goals rest; the other encoders come after.
FIRST = ("ours", "letters", "published", "fashion")
REST = tuple(name for name in encoders.ENCODERS if name not in FIRST)


def _train(names: tuple[str, ...]) -> list[Piece]:
    return [Piece("encoder", name, partial(encoders.train, name=name)) for name in names]


def _heads(names: tuple[str, ...]) -> list[Piece]:
    return [*(Piece("ten", name, partial(heads.ten, name=name)) for name in names),
            *(Piece("five", name, partial(heads.five, name=name))
              for name in names if name in heads.FIVE)]


def _together(names: tuple[str, ...]) -> list[Piece]:
    return [Piece("together", "centralised", partial(federations.centralised, name="ours")),
            *(Piece("together", arm, partial(federations.learn, name="ours", arm=arm))
              for arm in names)]


def _unlike() -> list[Piece]:
    return [Piece("unlike", f"{sites} {codec}",
                  partial(federations.unlike, name="ours", sites=sites, codec=codec))
            for sites in federations.SITES for codec in federations.IN_PAPER]


def _masks() -> list[Piece]:
    """Return the masks that are not searched for, each trained."""
    makers: dict[str, searches.Maker] = {
        **{f"random {number}": partial(searches.drawn, number=number)
           for number in range(searches.RANDOM)},
        **{f"whole {number}": partial(searches.whole, number=number)
           for number in range(len(searches.WHOLE))},
        **{f"mask {name}": make for name, make in searches.MASKS.items()}}
    return [Piece("mixbin", subject, partial(searches.train_mask, make=make))
            for subject, make in makers.items()]


# A stage needs the files of those before it.
STAGES: list[Stage] = [
    _stage(*_train(FIRST)),
    _stage(
        *_heads(FIRST),
        *(Piece("consecutive", f"{name} {method}",
                partial(consecutive.consecutive, name=name, method=method))
          for name, method in consecutive.PAIRS),
        *(Piece("cnn", reading, partial(baselines.cnn, reading=reading))
          for reading in baselines.READINGS),
        *_together(federations.IN_PAPER),
        *(Piece("pixels", reading, partial(baselines.pixels, reading=reading))
          for reading in baselines.READINGS)),
    _stage(*_train(REST)),
    _stage(*_heads(REST)),
    _stage(Piece("cost", "", partial(cost.cost, name="ours"), alone=True)),
]
ABLATION: list[Stage] = [
    _stage(*_train(("fashion",))),
    _stage(*(Piece("arm", name, partial(parts_of_sdbnn.learn, name=name))
             for name in parts_of_sdbnn.ARMS)),
]
TOGETHER: list[Stage] = [_stage(*_train(("ours",))),
                         _stage(*_together(tuple(federations.ARMS)), *_unlike())]
MIXBIN: list[Stage] = [
    _stage(*_train(("ours", "fashion"))),
    _stage(Piece("ten", "ours", partial(heads.ten, name="ours")),
           *(Piece("mixbin", f"search {name}", partial(searches.search, name=name))
             for name in searches.SEARCHES)),
    _stage(*(Piece("mixbin", f"final {name}", partial(searches.final, name=name))
             for name in ("shrink", "encfc-binary")),
           *_masks(), Piece("mixbin", "longer", searches.longer),
           Piece("mixbin", "transfer", searches.transfer),
           *(Piece("mixbin", f"subsets {part}", partial(searches.subsets, part=part))
             for part in range(searches.SUBSETS))),
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
    result = PIECES[name].work(study)
    write_json(path(study.folder, name, study.seed), {
        **result, "wall_seconds": time.perf_counter() - begun,
        "cpu_seconds": time.process_time() - begun_cpu})
    return name


def read(folder: Path, n_seeds: int, stages: list[Stage] = STAGES,
         ) -> dict[str, list[dict[str, Any]]]:
    """Read all pieces: by name, a result for each seed."""
    return {name: [_read(path(folder, name, seed)) for seed in range(n_seeds)]
            for stage in stages for name in stage}


def _read(file: Path) -> dict[str, Any]:
    with suppress(ValueError):
        if isinstance(result := regular.read_json(file), dict):
            return result
    raise RunError(f"{file} is damaged: delete it, and the same command does this piece again")
