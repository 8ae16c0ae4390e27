"""Faults and load, by the million: ``python -m tests.soak``. The tests run the same on a few.

Each module is one subject and has a function ``run(scale)`` that gives :class:`Row` s; scale 1 is a
soak, and the tests take some thousandths of it.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

__all__ = ["Row", "do", "merged", "share", "workplace"]


@dataclass
class Row:
    """What one promise was put to.

    Attributes
    ----------
    what : str
    tried, lost : int
        How often, and how often it was broken.
    said : str
        What else there is to say, in a few words.
    """

    what: str
    tried: int
    lost: int
    said: str = ""

    @property
    def held(self) -> int:
        return self.tried - self.lost


def share(count: int, scale: float, least: int = 1) -> int:
    """Return so many of ``count`` as a scale asks for.

    >>> share(1000, 0.25), share(3, 0.1)
    (250, 1)
    """
    return max(least, round(count * scale))


@contextmanager
def workplace() -> Iterator[Path]:
    """Return a folder for a while. It is not in /tmp: YoWASP's tools have one of their own."""
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="build", prefix="soak-") as name:
        yield Path(name).resolve()


def do(subject: str, scale: float) -> tuple[list[Row], float]:
    """Do one subject; return its rows, and the seconds that it took.

    One that breaks off counts as lost, and leaves the others what they found.
    """
    begun = time.monotonic()
    try:
        rows = import_module(f"tests.soak.{subject}").run(scale)
    except Exception as error:    # Of whatever kind.
        rows = [Row(subject, 1, 1, f"it broke off: {type(error).__name__}: {error}"[:300])]
    return rows, time.monotonic() - begun


def merged(new: str, text: str) -> str:
    """Put a table's rows in the place of those of the same name in the table that a text begins
    with, and behind it what is not there yet.

    >>> print(merged("| what | lost |\\n| a | 0 |",
    ...              "\\n| what | lost |\\n| a | 1 |\\n| b | 0 |\\n\\nEnd"))
    | what | lost |
    | a | 0 |
    | b | 0 |
    >>> print(merged("| what | lost |\\n| c | 0 |", "\\n| what | lost |\\n| a | 1 |\\n\\nEnd"))
    | what | lost |
    | a | 1 |
    | c | 0 |
    """
    def name(line: str) -> str:
        return line.split(" | ")[0]

    old = [line for line in text.strip().partition("\n\n")[0].splitlines() if line[:1] == "|"]
    rows = {name(line): line for line in new.splitlines()}
    kept = [rows.pop(name(line), line) for line in old]
    return "\n".join([*kept, *rows.values()])
