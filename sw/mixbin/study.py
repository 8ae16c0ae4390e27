"""Searches against rivals, at equal cost, over three seeds: ``python -m sw.mixbin.study``."""

import sys
from pathlib import Path

from ..claims import pieces
from ..claims.measure import Results
from ..paper import command


def tabulate(folder: Path, results: Results) -> str:
    return ""


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    return command("sw.mixbin.study", "Compare searches for masks with their rivals.",
                   pieces.MIXBIN, tabulate, argv)


if __name__ == "__main__":
    sys.exit(main())
