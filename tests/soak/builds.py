"""The same network, board and tools give the same bitstream, byte for byte, wherever it is built.

Lost is a pair of clean clones whose bitstreams differ, or a report without versions, seed, hashes.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from sw.golden.network import random_network

from . import Row, share, workplace

__all__ = ["run"]

ROOT = Path(__file__).parents[2]
SHAPES = [(20, 9, 3), (200, 128, 10)]    # The smaller alone in the tests.
SAYS = {"versions", "seed", "network_sha256", "bitstream_sha256", "folding", "clock_mhz"}


def _build(checkout: Path, shape: tuple[int, ...]) -> dict:
    """Build in a checkout; give the report, with the bitstream in it."""
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


def run(scale: float) -> list[Row]:
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
    return [row]
