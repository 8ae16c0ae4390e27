"""Reproduce HyBNN's claims, and go beyond them: ``python -m sw.experiments.paper --data-dir DIR``.

Each piece of the work leaves a file in the folder of results; what is there is not done again.
"""

import sys
from pathlib import Path

from ..terminal.command import command
from . import figures, pieces, table
from .measure import Results
from .reproduction import study


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    def tabulate(folder: Path, results: Results) -> str:
        figures.draw(folder, results)
        return table.write(folder, results)

    return study("sw.experiments.paper", "Reproduce HyBNN's claims, and go beyond them.",
                 pieces.STAGES, Path("docs/results.md"), tabulate, argv)


if __name__ == "__main__":
    sys.exit(main())
