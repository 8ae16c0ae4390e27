"""The run that a study keeps in a folder: begun, gone on with, or finished."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...training import run
from ...training.asked.configs import load
from ...training.asked.effort import RunError

__all__ = ["resumed"]


def resumed(folder: Path, config: Any, is_same: Callable[[Any], bool]) -> run.Run[Any] | None:
    """Return the run in ``folder``, which is begun if there is none; None if it is finished.

    Raises
    ------
    RunError
        There is one whose config ``is_same`` denies.
    """
    if not (folder / "config.json").exists():
        return run.create(folder, config)
    if not is_same(load(folder / "config.json")):
        raise RunError(f"{folder} is another run: give another --out")
    return None if (folder / "metrics.json").exists() else run.reopen(folder)
