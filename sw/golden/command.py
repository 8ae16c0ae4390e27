"""Command lines that say what is wrong in one line."""

import argparse
import sys
from typing import NoReturn

__all__ = ["INTERRUPTED", "Parser", "fail"]

INTERRUPTED = 130    # Exit code after Ctrl-C, as shells have it.


class Parser(argparse.ArgumentParser):
    """Without the lines of usage before the error: ``--help`` has them."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (see --help)\n")


def fail(error: Exception) -> int:
    """Print what ``error`` says, but its first line only; give the exit code for it.

    >>> fail(LookupError("Unknown board 'icestik'"))
    2
    """
    print(f"error: {next(iter(str(error).splitlines()), repr(error))}", file=sys.stderr)
    return 2
