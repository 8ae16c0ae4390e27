"""Reproduce HyBNN's claims, and go beyond them: ``python -m sw.experiments.paper``.

Each piece of the work leaves a file in the folder of results; what is there is not done again.
"""

import sys
from pathlib import Path

from ..terminal.command import command
from . import flags

__all__ = ["main"]

NAME, PAGE = "sw.experiments.paper", Path("docs/results.md")


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    arguments = flags.read(NAME, "Reproduce HyBNN's claims, and go beyond them.", PAGE, argv)
    # Later than the flags: torch, and all that is trained with it.
    from . import pieces
    from .reproduction import study
    from .tabulated import figures, table
    from .tabulated.measure import Results

    def tabulate(folder: Path, results: Results) -> str:
        figures.draw(folder, results)
        return table.write(folder, results)

    return study(NAME, pieces.STAGES, PAGE, tabulate, arguments)


if __name__ == "__main__":
    sys.exit(main())
