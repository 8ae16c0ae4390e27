"""A Verilog test bench of ours around a design, compiled; no Python runs while it does."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim import simulator

__all__ = ["BYTE", "IDLE", "RESET", "WAIT", "WIRES", "Bench", "build"]

HERE = Path(__file__).parent
BYTES, WIRES = HERE / "bytes.v", HERE / "wires.v"
BYTE, WAIT, RESET, IDLE = (kind << 8 for kind in range(4))    # Words of bytes.v.
DEADLINE = 1200.0    # Seconds.


@dataclass(frozen=True)
class Bench:
    """A program that reads words and writes numbers."""

    command: tuple[str, ...]

    def run(self, words: np.ndarray) -> np.ndarray:
        """Return the numbers, int64, that the bench writes when it reads ``words``.

        Raises
        ------
        RuntimeError
            It wrote what is no number: a signal is unknown.
        """
        with tempfile.TemporaryDirectory() as folder:
            source, sink = Path(folder, "source"), Path(folder, "sink")
            words.astype(words.dtype.newbyteorder("<")).tofile(source)
            subprocess.run([*self.command, f"+source={source}", f"+sink={sink}"], check=True,
                           stdout=subprocess.DEVNULL, timeout=DEADLINE)
            lines = sink.read_bytes()
        if lines.strip(b"0123456789\n"):
            raise RuntimeError("A signal is unknown")
        return np.array(lines.split(), np.int64)


def build(verilog: str, name: str = "verilator", bench: Path = BYTES) -> Bench:
    """Compile a design and the bench around it, or take what an earlier call compiled."""
    found = simulator.find(name)
    key = hashlib.sha256(f"{found.version} {bench.read_text()} {verilog}".encode()).hexdigest()[:20]
    cache = Path(os.environ.get("HYBNN_CACHE", "build/sim")).resolve()
    program = cache / f"soak-{name}-{key}"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as folder:
            (Path(folder) / "design.v").write_text(verilog)
            shutil.copy(bench, folder)
            _compile(found, Path(folder), bench.name)
            os.replace(Path(folder) / "program", program)
    return Bench((str(program),) if name == "verilator" else ("vvp", str(program)))


def _compile(found: simulator.Simulator, folder: Path, bench: str) -> None:
    if found.name == "verilator":
        command = ["verilator", "--binary", *found.options[:4], "-O3", "-CFLAGS",
                   "-O2 -std=c++20 -fcoroutines", "--top", "bench", "-Mdir", ".", "-o", "program"]
    else:
        command = ["iverilog", "-g2012", "-s", "bench", "-o", "program"]
    result = subprocess.run([*command, "design.v", bench], cwd=folder, text=True, check=False,
                            capture_output=True, env={**os.environ, **found.environment})
    if result.returncode:
        raise simulator.SimulationFailed(f"{found.name} could not build {bench}:\n"
                                         f"{result.stderr[-2000:]}")
