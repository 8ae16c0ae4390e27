"""Reproduce HyBNN's claims, and go beyond them: ``python -m sw.paper --data-dir DIR``.

Each piece of the work leaves a file in the folder of results; what is there is not done again.
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

import torch
from tqdm import tqdm

from .claims import figures, pieces, table
from .claims.study import REHEARSAL, Plan, Study, write_json
from .data import DataError
from .export import ExportError
from .run import RunError, choose_device
from .train import CommandParser, UsageError

PROCESSES = 2    # Each on one thread: the models are too small to share out.


def reproduce(plan: Plan, folder: Path, data_dir: Path | None, device: str) -> None:
    """Do what is not yet done of all pieces, and draw and tabulate the whole."""
    choose_device(device)
    _claim(folder, plan)
    studies = [Study(folder, data_dir, device, plan, seed) for seed in range(plan.seeds)]
    jobs = [[(study, name) for name in stage for study in studies] for stage in pieces.STAGES]
    left = [[job for job in stage if not pieces.path(folder, job[1], job[0].seed).exists()]
            for stage in jobs]
    n_all, n_left = sum(map(len, jobs)), sum(map(len, left))
    # glibc would give each large tensor back to the kernel, and have it zeroed at the next step:
    # an eighth of the time.
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(1 << 30))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(1 << 31))
    with tqdm(total=n_all, initial=n_all - n_left, unit=" pieces", disable=None) as bar:
        for stage in filter(None, left):
            n_processes = 1 if stage is left[-1] else PROCESSES
            # Spawned: a fork of a process that has used torch's threads may hang.
            with multiprocessing.get_context("spawn").Pool(n_processes, _begin) as pool:
                for name in pool.imap_unordered(pieces.do, stage):
                    bar.set_description(name)
                    bar.update()


def _begin() -> None:
    """Prepare a process: one thread, and Ctrl-C left to its parent, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)


def _claim(folder: Path, plan: Plan) -> None:
    """Make the folder this plan's, or refuse one that holds the results of another."""
    path = folder / "plan.json"
    for name in "pieces", "codes", "encoders":
        (folder / name).mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_json(path, asdict(plan))
    elif json.loads(path.read_text()) != asdict(plan):
        raise RunError(f"{folder} holds results of another plan; --out needs another folder")


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="python -m sw.paper",
                           description="Reproduce HyBNN's claims, and go beyond them.")
    add = parser.add_argument
    add("--data-dir", metavar="DIR", type=Path, default=os.environ.get("HYBNN_DATA"),
        help="look for IDX files in DIR or DIR/NAME (default: $HYBNN_DATA, then download)")
    add("--out", metavar="DIR", type=Path, default=Path("results"),
        help="write into DIR, or go on with what is there (default: %(default)s)")
    add("--readme", metavar="FILE", type=Path,
        help="put the tables between the markers of this file (default: README.md, if all is done)")
    add("--device", metavar="DEVICE", default="auto",
        help="train on cpu, cuda, or auto: cuda where there is one (default: %(default)s)")
    add("--small", action="store_true",
        help="rehearse with two seeds and few images, in a minute; the numbers mean nothing")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    try:
        arguments = _parser().parse_args(argv)
        plan, folder = REHEARSAL if arguments.small else Plan(), arguments.out
        begun = time.monotonic()
        reproduce(plan, folder, arguments.data_dir, arguments.device)
        results = pieces.read(folder, plan.seeds)
        figures.draw(folder, results)
        tables = table.write(folder, results)
        readme = arguments.readme or (None if arguments.small else Path("README.md"))
        if readme is not None:
            table.rewrite(readme, tables)
    except (UsageError, RunError, DataError, ExportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    print(tables)
    print(f"\n{folder} in {(time.monotonic() - begun) / 60:.1f} minutes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
