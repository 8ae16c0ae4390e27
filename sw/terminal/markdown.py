"""Tables in Markdown, and where a command puts them: between its markers in a file."""

from pathlib import Path

from ..golden import regular
from ..golden.errors import UserError
from ..golden.tensors import atomic_write

__all__ = ["BEGIN", "END", "MarkerError", "rewrite", "table"]

BEGIN, END = "<!-- {} writes from here -->", "<!-- {} writes to here -->"
MAX_BYTES = 1 << 24    # Of a file.


class MarkerError(UserError):
    """A file lacks a command's markers; the message says which."""


def table(heading: list[str], rows: list[list[str]]) -> str:
    """Make a table.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    return "\n".join(f"| {' | '.join(row)} |"
                     for row in [heading, ["---"] * len(heading), *rows])


def rewrite(path: Path, tables: str, command: str) -> None:
    """Put the tables that a command made between its markers in a file of at most 16 MiB.

    Raises
    ------
    MarkerError
        The markers are not there, once and in order; the file is left alone.
    """
    begin, end = BEGIN.format(command), END.format(command)
    text = regular.read_text(path, MAX_BYTES)
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise MarkerError(f"{path} must have the markers {begin!r} and {end!r}, once and in order")
    before, after = text.split(begin)[0], text.split(end)[1]
    atomic_write(path, f"{before}{begin}\n\n{tables}\n\n{end}{after}".encode())
