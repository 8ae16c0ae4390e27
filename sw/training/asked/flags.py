"""What the command lines of all that trains have in common. Needs no torch."""

import argparse
from pathlib import Path

__all__ = ["add_flags", "read_widths", "widths"]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Let a command line say with which seed a new run is made, and where."""
    parser.add_argument("--seed", metavar="N", type=int, default=0,
                        help="let all randomness derive from N (default: %(default)s)")
    parser.add_argument("--out", metavar="DIR", type=Path,
                        help="write the run into the new folder DIR (default: one in runs/, named "
                             "by time)")


def read_widths(text: str) -> tuple[int, ...] | None:
    """Read widths such as ``128-64``; None if it does not hold any.

    >>> read_widths("128-64"), read_widths("12x")
    ((128, 64), None)
    """
    words = text.split("-")
    if not all(word.isascii() and word.isdigit() and len(word) <= 5 for word in words):
        return None
    return tuple(map(int, words))


def widths(text: str) -> tuple[int, ...]:
    """Read the widths that a flag gives, as argparse wants it."""
    if (found := read_widths(text)) is None:
        raise argparse.ArgumentTypeError(f"must be widths such as 128 or 128-64, not {text!r}")
    return found
