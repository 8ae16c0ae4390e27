"""The commands of hw start where there is no POSIX."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = [f"hw.{path.stem}" for path in sorted((ROOT / "hw").glob("*.py"))
            if "def main(" in path.read_text()]


def test_all_are_found():
    assert COMMANDS == ["hw.bench", "hw.build", "hw.core", "hw.floorplan", "hw.load", "hw.patch"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_starts_without_posix(command):
    # Libraries know themselves on which system they are.
    program = ("import sys, filelock, serial, numpy\n"
               "for name in ('fcntl', 'termios', 'pty', 'resource'):\n"
               "    sys.modules[name] = None\n"
               f"import {command}")
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, text=True, check=False,
                            capture_output=True)
    assert (result.returncode, result.stderr) == (0, "")
