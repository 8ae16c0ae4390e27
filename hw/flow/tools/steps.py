"""Runs the tools of a build one after the other, and shows which is at work and for how long."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from hw.flow.tools import toolchain
from hw.flow.tools.toolchain import ToolFailed

__all__ = ["LOG", "Show", "Steps", "run"]

LOG = "build.log"     # What the tools print.
TIM = "top.tim"       # What nextpnr says meanwhile.
ROUTES = re.compile(r"^Info: (Routing\.\.$|Running router)", re.MULTILINE)
PAUSE = 0.2           # Seconds between two looks.
FULL = 1 << 20        # Bytes: with less room a tool may well fail for want of it.

Show = Callable[[str], None]    # Is told what is at work, several times a second.


class Steps:
    """Says when each step begins, in a line each; on a terminal a clock runs below them."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._bar = tqdm(bar_format="          {desc}: {elapsed} so far", disable=None, leave=False)
        self._step = ""

    def __call__(self, step: str) -> None:
        if step != self._step:
            self._bar.clear()
            print(f"  {time.monotonic() - self._begun:6.1f} s  {step}", flush=True)
            self._bar.set_description_str(step, refresh=False)
            self._step = step
        self._bar.refresh()

    def close(self) -> None:
        """Take the clock away."""
        self._bar.close()


def run(commands: Sequence[tuple[Sequence[str], str]], folder: Path, show: Show) -> None:
    """Run the tools in ``folder``; what they print goes to :data:`LOG` there.

    Each command has the name of its tool in front, and with it comes the name of the file that it
    must make, or nothing.

    Raises
    ------
    ToolFailed
        One of them fails, or makes no such file.
    OSError
        One of them cannot be started.
    """
    with (folder / LOG).open("wb") as log:
        for (tool, *arguments), product in commands:
            begun = log.tell()
            code = _follow([toolchain.find(tool), *arguments], folder, log,
                           lambda tool=tool: show(_step(tool, folder)))
            said = (folder / LOG).read_bytes()[begun:].decode(errors="replace")
            log.seek(0, 2)
            if code:
                why = toolchain.reason(said, code)
            elif product and not ((folder / product).is_file()
                                  and (folder / product).stat().st_size):
                why = f"it ended without an error, but made no {product}"
            else:
                continue
            disk = "; the disk is full" if shutil.disk_usage(folder).free < FULL else ""
            raise ToolFailed(f"{why} ({tool}, {_step(tool, folder)}{disk})")


def _follow(command: list[str], folder: Path, log, look: Callable[[], None]) -> int:
    """Run a program, and look several times a second until it ends; return its exit code."""
    look()    # First: a quick tool on a busy computer is a step further when it is seen.
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
                               stderr=subprocess.STDOUT)
    try:
        while True:
            look()
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(PAUSE)
                look()
                return code
    finally:
        process.kill()
        process.wait()


def _step(tool: str, folder: Path) -> str:
    """Name what a tool does; nextpnr's own log tells when it begins to route."""
    if not tool.startswith("nextpnr"):
        return "synthesis" if tool == "yosys" else "packing"
    said = (folder / TIM).read_text(errors="replace") if (folder / TIM).exists() else ""
    return "routing" if ROUTES.search(said) else "placement"
