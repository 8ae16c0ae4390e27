"""What the commands of this room share: pieces are done by processes, then tabulated."""

import argparse
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch
from tqdm import tqdm

from ..golden import regular
from ..golden.errors import UserError
from ..training.asked.effort import RunError
from ..training.run import choose_device
from . import pieces
from .effort import REHEARSAL, Plan, Study, write_json
from .tabulated import publishing
from .tabulated.measure import Results

RESULTS = "pieces", "codes", "encoders"    # Folders of what was done.
PROCESSES = 2    # Each on one thread: the models are too small to share out.


def reproduce(plan: Plan, folder: Path, data_dir: Path | None, device: str,
              stages: list[pieces.Stage]) -> None:
    """Do what is not yet done of all pieces."""
    choose_device(device)
    is_new = _claim(folder, plan)
    try:
        _work(plan, folder, data_dir, device, stages)
    except UserError:
        if is_new:
            _unclaim(folder)
        raise


def _work(plan: Plan, folder: Path, data_dir: Path | None, device: str,
          stages: list[pieces.Stage]) -> None:
    studies = [Study(folder, data_dir, device, plan, seed) for seed in range(plan.seeds)]
    jobs = [[(study, name) for name in stage for study in studies] for stage in stages]
    left = [[job for job in stage if not pieces.path(folder, job[1], job[0].seed).exists()]
            for stage in jobs]
    n_all, n_left = sum(map(len, jobs)), sum(map(len, left))
    # glibc would give each large tensor back to the kernel, and have it zeroed at the next step:
    # an eighth of the time.
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(1 << 30))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(1 << 31))
    with tqdm(total=n_all, initial=n_all - n_left, unit=" pieces", disable=None) as bar:
        for stage in filter(None, left):
            # What measures seconds is alone.
            n_processes = 1 if pieces.PIECES[stage[0][1]].alone else PROCESSES
            # Spawned: a fork of a process that has used torch's threads may hang.
            with multiprocessing.get_context("spawn").Pool(n_processes, _begin) as pool:
                for name in pool.imap_unordered(pieces.do, stage):
                    bar.set_description(name)
                    bar.update()


def _begin() -> None:
    """Prepare a process: one thread, and Ctrl-C left to its parent, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)


def _claim(folder: Path, plan: Plan) -> bool:
    """Make the folder this plan's, or refuse one that holds the results of another; tell whether it
    was nobody's."""
    path = folder / "plan.json"
    is_new = not path.exists()
    if not is_new and _read_plan(path) != asdict(plan):
        raise RunError(f"{folder} holds results of another plan; --out needs another folder")
    for name in RESULTS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    if is_new:
        write_json(path, asdict(plan))
    return is_new


def _unclaim(folder: Path) -> None:
    """Take a folder without results back, so that it is in no other plan's way."""
    if any(any((folder / name).iterdir()) for name in RESULTS):
        return
    (folder / "plan.json").unlink()
    for each in (*(folder / name for name in RESULTS), folder):
        with suppress(OSError):    # It was there, and holds something else.
            each.rmdir()


def _read_plan(path: Path) -> object:
    try:
        return regular.read_json(path)
    except ValueError:
        raise RunError(f"{path} is damaged: what is beside it is of no known plan; --out needs "
                       "another folder") from None


def study(name: str, stages: list[pieces.Stage], page: Path,
          tabulate: Callable[[Path, Results], str], arguments: argparse.Namespace) -> int:
    """Do all pieces of a command's stages, tabulate them, and put the tables into its page."""
    try:
        plan, folder = REHEARSAL if arguments.small else Plan(), arguments.out
        begun = time.monotonic()
        reproduce(plan, folder, arguments.data_dir, arguments.device, stages)
        found = pieces.read(folder, plan.seeds, stages)
        try:
            tables = tabulate(folder, found)
        except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
            raise RunError(f"A piece in {folder / 'pieces'} has not the results that it must have, "
                           f"{type(error).__name__}: {error}; delete it, and the same command does "
                           "it again") from error
        publishing.rewrite(tables, name, page, arguments)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on from here") from None
    print(tables)
    print(f"\n{folder} in {(time.monotonic() - begun) / 60:.1f} minutes")
    return 0
