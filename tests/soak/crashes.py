"""``kill -9`` at random moments, full disks and folders that cannot be written.

Lost is a half-written file under the name of a whole one, a command that does not go on after it
was killed, or one whose result is not that of a run nobody killed, byte for byte. On a full disk
and in a folder that takes no new file, lost is anything but one line and exit code 2.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
import safetensors.numpy
import sklearn.datasets  # noqa: F401  # Here, so that it is there before a process begins.
from numpy.random import Generator
from PIL import Image

from hw import build
from sw import pretrain, train
from sw.export import __main__ as export
from sw.federated import __main__ as federated
from sw.federated import client_app, server_app, simulation  # noqa: F401
from sw.federated.settings import Settings
from sw.golden import regular
from sw.golden.codes import load_codes
from sw.golden.network import Network, random_network
from sw.golden.split import Split
from sw.mixbin import __main__ as mixbin
from sw.mixbin.mask import Mask
from sw.models.autoencoder import Encoder
from sw.models.checkpoint import load_checkpoint
from sw.training import run as runs
from sw.training import settling
from sw.training.asked.config import Config
from sw.training.asked.configs import load as load_config
from sw.training.asked.effort import Effort
from sw.training.asked.pretraining import CONFIG, Pretraining

from . import Row, share, workplace

__all__ = ["JOBS", "Job", "run"]

KILLS = 60            # Of a soak, over all commands.
PATIENCE = 300.0      # Seconds that a command may take which is not killed.
DISK = 2_000          # Bytes that a file may have on a disk that is full.
TINY = Config(hidden=(16,), effort=Effort(2, 100, 4, 64, 2), device="cpu")

# A fork of a process that has used torch's threads may hang; a clean one is forked again and again.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.soak.crashes"])


@dataclass(frozen=True)
class Job:
    """A command that can be killed.

    Attributes
    ----------
    call : callable
        Runs it, or goes on with it, in a folder; gives its exit code.
    is_whole : callable
        Says whether all that a folder holds is whole.
    result : callable
        Gives what must be the same for all runs, from a finished one's folder; None if it is not
        finished.
    """

    name: str
    call: Callable[[Path], int]
    is_whole: Callable[[Path], bool]
    result: Callable[[Path], object]


def _train(folder: Path) -> int:
    resume = (folder / "config.json").exists()
    with (mock.patch.object(settling, "config_of", lambda arguments: TINY),
          mock.patch.object(runs, "SAVE_EVERY", 0.0)):
        return train.main(["--resume" if resume else "--out", str(folder)])


def _federate(folder: Path) -> int:
    if (folder / "federation.json").exists():
        return federated.main(["--resume", str(folder)])
    return federated.main(["--task", "0v1", "--hidden", "16", "--rounds", "6", "--out", str(folder),
                           "--encoder", str(folder.parent / "encoder.safetensors")])


def _choose(folder: Path) -> int:
    if (folder / "mixbin.json").exists():
        return mixbin.main(["--resume", str(folder)])
    flags = ("--data digits --keep hidden,readout --groups 1 --budget 0.3 --step 0.4 --images 100 "
             "--fine-tuning 100 --epochs 1").split()
    return mixbin.main([*flags, "--encoder", str(folder.parent / "large.safetensors"),
                        "--out", str(folder)])


def _build(folder: Path) -> int:
    return build.main(["--board", "icestick", "--fold", "1x20", "--out", str(folder),
                       "--network", str(folder.parent / "network.safetensors")])


def _pretrain(folder: Path) -> int:
    with mock.patch.object(runs, "SAVE_EVERY", 0.0):
        if (folder / CONFIG).exists():
            return pretrain.main(["--resume", str(folder), "--workers", "0"])
        flags = "--side 8 --bits 12 --width 2 --batch 8 --epochs 6 --device cpu --workers 0".split()
        return pretrain.main([*flags, "--images", str(folder.parent / "pictures"),
                              "--out", str(folder)])


def _export(folder: Path) -> int:
    return export.main([str(folder.parent / "trained"), "--to", str(folder)])


READERS: dict[str, Callable[[Path], object]] = {
    "config.json": load_config, CONFIG: Pretraining.load,
    "checkpoint.safetensors": load_checkpoint,
    "encoder.safetensors": Encoder.load, "network.safetensors": Network.load,
    "codes.safetensors": load_codes, "metrics.json": lambda path: json.loads(path.read_text()),
    "federation.json": lambda path: Settings.load(path.parent),
    "federation.safetensors": load_checkpoint,
    "mixbin.json": lambda path: json.loads(path.read_text()), "mask.json": Mask.load,
    "start.safetensors": Encoder.load, "search.safetensors": load_checkpoint,
    "stack.safetensors": safetensors.numpy.load_file, "split.json": Split.load,
    "curve.md": Path.read_text, "figures": lambda path: list(map(_picture, path.glob("[!.]*"))),
}
NEEDED = "encoder.safetensors", "network.safetensors", "codes.safetensors"
OF_MIXBIN = "mask.json", "stack.safetensors", "split.json", *NEEDED[1:]


def _picture(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()


def _run_is_whole(folder: Path, needed: tuple[str, ...] = NEEDED,
                  config: str = "config.json") -> bool:
    try:
        for path in folder.glob("[!.]*"):
            READERS[path.name](path)
    except Exception:    # Of whatever kind: it was not whole.
        return False
    return (not (folder / "metrics.json").exists()
            or all((folder / name).exists() for name in (config, *needed)))


def _run_result(folder: Path, needed: tuple[str, ...] = NEEDED) -> object:
    if not (folder / "metrics.json").exists():
        return None
    metrics = json.loads((folder / "metrics.json").read_text())
    return ({name: value for name, value in metrics.items() if name != "seconds"},
            *((folder / name).read_bytes() for name in needed))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"


def _export_is_whole(folder: Path) -> bool:
    try:
        for path in folder.glob("[!.]*"):
            (onnx.load if path.suffix == ".onnx" else regular.read_json)(path)
    except Exception:    # Of whatever kind: it was not whole.
        return False
    return True


def _export_result(folder: Path) -> object:
    files = [folder / name for name in ("encoder.onnx", "network.onnx", "vectors.json")]
    return [_sha256(file) for file in files] if files[-1].exists() else None


def _build_is_whole(folder: Path) -> bool:
    if not (folder / "report.json").exists():
        return True    # Then nobody takes it for a build.
    report = json.loads((folder / "report.json").read_text())
    return (report["bitstream_sha256"] == _sha256(folder / "top.bin")
            and report["network_sha256"] == _sha256(folder / "network.safetensors"))


def _build_result(folder: Path) -> object:
    if not (folder / "report.json").exists():
        return None
    report = json.loads((folder / "report.json").read_text())
    return {name: value for name, value in report.items() if name != "seconds"}


JOBS = (Job("sw.train", _train, _run_is_whole, _run_result),
        Job("sw.federated", _federate, _run_is_whole, _run_result),
        Job("sw.mixbin", _choose, partial(_run_is_whole, needed=OF_MIXBIN),
            partial(_run_result, needed=OF_MIXBIN)),
        Job("sw.pretrain", _pretrain,
            partial(_run_is_whole, needed=NEEDED[:1], config=CONFIG),
            partial(_run_result, needed=NEEDED[:1])),
        Job("sw.export", _export, _export_is_whole, _export_result),
        Job("hw.build", _build, _build_is_whole, _build_result))


def _begin(call: Callable[[Path], int], folder: Path, prepare: Callable[[], object] | None) -> None:
    """Run a command in this process, which was made for it; what it says goes to a file."""
    os.setsid()
    said = os.open(folder.parent / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(said, 1)
    os.dup2(said, 2)
    if prepare:
        prepare()
    sys.exit(call(folder))


def _start(call: Callable[[Path], int], folder: Path,
           prepare: Callable[[], object] | None = None) -> ForkServerProcess:
    process = PROCESSES.Process(target=_begin, args=(call, folder, prepare))
    process.start()
    return process


def _finish(job: Job, folder: Path) -> None:
    """Let a command come to its end."""
    end = time.monotonic() + PATIENCE
    while job.result(folder) is None and time.monotonic() < end:
        process = _start(job.call, folder)
        process.join(end - time.monotonic())
        process.kill()
        if process.exitcode and job.name != "hw.build":
            return
        # Tools of a build that was killed may be at work, which a build waits for nobody to end.
        time.sleep(0.2)


def _prepare(folder: Path, job: Job) -> Path:
    Encoder(40, 2).save(folder / "encoder.safetensors")
    Encoder(200, 32).save(folder / "large.safetensors")
    random_network((20, 9, 3)).save(folder / "network.safetensors")
    (folder / "pictures").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / "pictures" / f"{number}.png")
    if job.name == "sw.export":
        _start(_train, folder / "trained").join(PATIENCE)
    return folder


def _kill(job: Job, process: ForkServerProcess, rng: Generator) -> None:
    with contextlib.suppress(ProcessLookupError):
        # A build's tools die with it, or go on without it.
        (os.killpg if job.name == "hw.build" and rng.random() < 0.5 else os.kill)(
            process.pid, signal.SIGKILL)
    process.join()


def _kills(job: Job, count: int, rng: Generator) -> Row:
    """Kill a command so many times, over as many runs as that takes."""
    lost, killed, finished, why = 0, 0, 0, []
    with workplace() as folder:
        parent = _prepare(folder, job)
        # One run that nobody kills says how long it takes, and what comes of it.
        begun = time.monotonic()
        _finish(job, parent / "alone")
        expected, seconds = job.result(parent / "alone"), time.monotonic() - begun
        assert expected is not None, (parent / "said").read_text()
        folder = parent / "killed"
        while killed < count:
            process = _start(job.call, folder)
            time.sleep(rng.uniform(0, seconds))
            if process.is_alive():
                _kill(job, process, rng)
                killed += 1
                if not job.is_whole(folder):
                    lost += 1
                    why.append("not whole")
            if killed == count or job.result(folder) is not None:
                if not _has_begun(job, folder):
                    shutil.rmtree(folder, ignore_errors=True)
                _finish(job, folder)
                if job.result(folder) != expected:
                    lost += 1
                    why.append((parent / "said").read_text().strip()[-150:])
                finished += 1
                if job.result(folder) is not None:
                    shutil.rmtree(folder)
            elif not _has_begun(job, folder):
                shutil.rmtree(folder, ignore_errors=True)
    return Row(f"kill -9: {job.name}", killed, lost,
               "; ".join([f"{finished:,} runs came to their end", *why]))


def _has_begun(job: Job, folder: Path) -> bool:
    """Return whether there is something to go on with. A build goes on in any folder."""
    needed = {"sw.train": "config.json", "sw.federated": "federation.json",
              "sw.mixbin": "mixbin.json", "sw.pretrain": CONFIG, "sw.export": "",
              "hw.build": ""}
    return (folder / needed[job.name]).exists()


def _fill_disk() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (DISK, DISK))


def _lock(folder: Path, locked: bool) -> bool:
    """Let nothing new into a folder, or let it in again; say whether that could be done."""
    if os.getuid():
        folder.chmod(0o555 if locked else 0o755)
        return True
    # Modes do not bind root.
    chattr = shutil.which("chattr")
    return chattr is not None and subprocess.run(
        [chattr, "+i" if locked else "-i", folder], capture_output=True, check=False
    ).returncode == 0


def _is_refused(process: ForkServerProcess, parent: Path) -> bool:
    """Return whether a command ended with one line and exit code 2."""
    process.join(PATIENCE)
    lines = (parent / "said").read_text().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    return process.exitcode == 2 and len(errors) == 1 and lines[-1:] == errors


def _disks(jobs: Sequence[Job]) -> list[Row]:
    full, locked = Row("disk full", 0, 0), Row("folder that takes no new file", 0, 0)
    for job in jobs:
        with workplace() as folder:
            parent = _prepare(folder, job)
            (parent / "said").touch()
            full.tried += 1
            full.lost += not _is_refused(_start(job.call, parent / "run", _fill_disk), parent)
            full.lost += not job.is_whole(parent / "run") or job.result(parent / "run") is not None
            if _lock(parent, True):
                locked.tried += 1
                locked.lost += not _is_refused(_start(job.call, parent / "new"), parent)
                _lock(parent, False)
    return [full, locked] if locked.tried else [full]


def run(scale: float) -> list[Row]:
    """Kill every command, then take its disk away."""
    rng = np.random.default_rng(round(1e6 * scale))
    # The last take ten seconds of a CPU and more, which a test has not.
    jobs = JOBS if scale >= 0.1 else JOBS[:3]
    return [*(_kills(job, share(KILLS, scale / len(jobs)), rng) for job in jobs), *_disks(jobs)]
