"""Files as they should be: regular, and not larger than what their reader can be given.

Whatever a user names may be a named pipe that nobody writes, a device without an end, or a sparse
file of a terabyte. Every reader of a file begins here, and says how many bytes it takes.
"""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from .errors import UserError

__all__ = ["MAX_JSON", "FileRefused", "open_file", "read_bytes", "read_json", "read_text"]

MAX_JSON = 1 << 24     # Bytes: the history of a federation of the most rounds is half of it.
UNSAID = 1 << 16       # Bytes of a file whose size is not known before it is read, as in /proc.

KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket",
         stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


class FileRefused(UserError, OSError):
    """What has this name is not read; the message says in one sentence why."""


def open_file(path: Path, budget: int) -> BinaryIO:
    """Open a regular file of at most ``budget`` bytes.

    Nothing else is opened, not even for a moment: a pipe would wait for its writer, and a board may
    start anew when its port is opened.

    Raises
    ------
    FileRefused
        It is no regular file, or larger.
    OSError
        It is not there, is a folder, or may not be read.
    """
    _check(path, os.stat(path), budget)
    # Without waiting, and looked at again: it may have become a pipe in between.
    file = open(path, "rb", opener=lambda name, flags: os.open(
        name, flags | getattr(os, "O_NONBLOCK", 0)))
    try:
        _check(path, os.fstat(file.fileno()), budget)
    except BaseException:
        file.close()
        raise
    return file


def read_bytes(path: Path, budget: int) -> bytes:
    """Read a regular file of at most ``budget`` bytes; raise as :func:`open_file` does."""
    with open_file(path, budget) as file:
        expected = max(os.fstat(file.fileno()).st_size, min(budget, UNSAID))
        content = file.read(expected + 1)
    if len(content) > expected:
        raise FileRefused(f"{path} grows while it is read: try again when it is whole")
    return content


def read_text(path: Path, budget: int) -> str:
    """Read a regular file of UTF-8; :exc:`ValueError` if it is not, else as :func:`open_file`."""
    return read_bytes(path, budget).decode()


def read_json(path: Path, budget: int = MAX_JSON) -> Any:
    """Read what a file of JSON holds, of at most 16 MiB unless another budget is given.

    Raises
    ------
    ValueError
        It is no JSON, or deeper than can be read.
    FileRefused, OSError
        As :func:`open_file`.
    """
    content = read_bytes(path, budget)
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _check(path: Path, found: os.stat_result, budget: int) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise FileRefused(f"{path} must be a file, not {kind}: write into one what it gives")
    if found.st_size > budget:
        raise FileRefused(f"{path} must have at most {budget:,} bytes, not {found.st_size:,}: is "
                          "it the right file?")
