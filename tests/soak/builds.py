"""The same network, board and tools give the same bitstream, byte for byte, wherever it is built.

Lost is a pair of clean clones whose bitstreams differ, or a report without versions, seed, hashes.

A build that is killed, or whose disk is full, leaves the one before: lost is a folder that holds
neither that nor the new one, byte for byte, or that lacks a file of the user's own.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.random import Generator

from hw.flow.built import Built, BuiltError
from sw.golden.network import random_network

from . import Row, share, workplace

__all__ = ["run"]

ROOT = Path(__file__).parents[2]
SHAPES = [(20, 9, 3), (200, 128, 10)]    # The smaller alone in the tests.
KILLS = 40
DISKS = 10
PATIENCE = 600.0      # Seconds for a build.
SAYS = {"versions", "seed", "network_sha256", "bitstream_sha256", "folding", "clock_mhz"}


def _build(checkout: Path, shape: tuple[int, ...]) -> dict:
    """Build in a checkout; return the report, with the bitstream in it."""
    random_network(shape).save(checkout / "network.safetensors")
    # Other hashes in Python, another place: nothing may depend on them.
    environment = {**os.environ, "PYTHONPATH": str(checkout),
                   "PYTHONHASHSEED": str(len(checkout.name))}
    subprocess.run([sys.executable, "-m", "hw.build", "--board", "icestick", "--network",
                    "network.safetensors", "--out", "made"], cwd=checkout, env=environment,
                   check=True, capture_output=True)
    report = json.loads((checkout / "made" / "report.json").read_text())
    return report | {"bitstream": (checkout / "made" / report["bitstream"]).read_bytes()}


def _clone(to: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(to)], check=True)
    return to


def _start(folder: Path, seed: int, disk: int | None = None) -> subprocess.Popen:
    """Begin a build of the network with this seed in ``folder/out``."""
    network = folder / f"network-{seed}.safetensors"
    random_network(SHAPES[0], seed=seed).save(network)
    return subprocess.Popen(
        [sys.executable, "-m", "hw.build", "--board", "icestick", "--network", network,
         "--out", folder / "out"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True, preexec_fn=disk and (lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (disk, disk))))


def _held(out: Path) -> str:
    """Return the hash of the bitstream in a folder, or what is wrong there."""
    try:
        report = Built.load(out).report
    except BuiltError as error:
        return str(error)
    found = sha256((out / "top.bin").read_bytes()).hexdigest()
    is_whole = found == report.bitstream_sha256 and (out / "top.v").read_text() == "mine"
    return found if is_whole else "not whole"


def _prepare(folder: Path) -> tuple[list[str], float]:
    """Leave a build of seed 1; return the hashes of two, and the seconds that one takes."""
    hashes = []
    for seed in (2, 1):
        shutil.rmtree(folder / "out", ignore_errors=True)
        (folder / "out").mkdir()
        (folder / "out" / "top.v").write_text("mine")
        begun = time.monotonic()
        assert _start(folder, seed).wait(PATIENCE) == 0
        hashes.insert(0, _held(folder / "out"))
    assert hashes[0] != hashes[1]
    return hashes, time.monotonic() - begun


def _killed(folder: Path, count: int, rng: Generator) -> Row:
    """Kill builds at random moments, with their tools or without; each begins over the last."""
    row, done = Row("kill -9: hw.build over a build", count, 0), 0
    hashes, seconds = _prepare(folder)
    now = 0
    for _ in range(count):
        process = _start(folder, 2 - now)
        time.sleep(rng.uniform(0, seconds))
        (os.killpg if rng.random() < 0.5 else os.kill)(process.pid, signal.SIGKILL)
        process.communicate()
        held = _held(folder / "out")
        done += held == hashes[1 - now]
        if held not in hashes:
            row.lost += 1
            row.said = held[-150:]
            hashes, seconds = _prepare(folder)
            held = hashes[0]
        now = hashes.index(held)
    row.said = f"{done} had come to their end {row.said}".strip()
    return row


def _full(folder: Path, count: int, rng: Generator) -> Row:
    """Build where no file may become longer than so much, and look at what is left."""
    row = Row("disk full: hw.build over a build", count, 0)
    (good, _), _ = _prepare(folder)
    for _ in range(count):
        process = _start(folder, 2, disk=int(2 ** rng.uniform(10, 20)))
        _, said = process.communicate(timeout=PATIENCE)
        if process.returncode != 2 or said.count("\n") != 1 or _held(folder / "out") != good:
            row.lost += 1
            row.said = f"{process.returncode}: {said[-150:]}"
    return row


def run(scale: float) -> list[Row]:
    """Build each network in two clones; kill builds, and fill their disk."""
    rng = np.random.default_rng(round(1e6 * scale))
    with workplace() as folder:
        rows = [_killed(folder, share(KILLS, scale), rng), _full(folder, share(DISKS, scale), rng)]
    return [_clones(scale), *rows]


def _clones(scale: float) -> Row:
    """Build each network in two clones."""
    row = Row("bitstream of two clean clones", 0, 0)
    with workplace() as folder:
        clones = [_clone(folder / name) for name in ("one", "another-one")]
        for shape in SHAPES[:share(len(SHAPES), scale)]:
            one, other = (_build(clone, shape) for clone in clones)
            del one["seconds"], other["seconds"]
            row.tried += 1
            row.lost += one != other or not SAYS <= one.keys()
            row.said = f"sha256 {one['bitstream_sha256'][:16]}"
    return row
