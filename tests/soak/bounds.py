"""The lowest versions that ``pyproject.toml`` allows work together: a subset of the tests on them.

torch stays as it is: its lower bound is another download of hundreds of megabytes.
"""

import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from . import Row

__all__ = ["run"]

ROOT = Path(__file__).parents[2]
EXTRAS = "hw,sim,plot,dev"
TESTS = ("tests/golden", "tests/hw/test_accelerator.py", "tests/hw/plan/test_folding.py",
         "tests/hw/test_patch.py", "tests/hw/blocks/test_uart.py", "sim/test_link.py")


def run(scale: float) -> list[Row]:
    """Install the lowest versions into an environment of their own; in a soak alone."""
    if scale < 1:
        return []
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "bin", "python")
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
        subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(python), "--resolution",
                        "lowest-direct", f"{ROOT}[{EXTRAS}]"], check=True)
        result = subprocess.run([str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider",
                                 *TESTS], cwd=ROOT, text=True, capture_output=True, check=False)
    counts = {word: int(number) for number, word in
              re.findall(r"(\d+) (passed|failed|errors?)", result.stdout)}
    passed = counts.pop("passed", 0)
    lost = sum(counts.values()) or int(result.returncode != 0)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", result.stdout, re.MULTILINE)
    return [Row("lowest versions allowed: tests", passed + lost, lost,
                "; ".join([f"{EXTRAS}; not torch, which is {version('torch')}", *failed]))]
