"""What each part of SD-BNN adds, on Fashion-MNIST: ``python -m sw.experiments.ablation``.

Works as :mod:`sw.experiments.paper` does, in the same folder of results, if there is one.
"""

import sys
from pathlib import Path

from ..terminal.command import command
from . import flags

__all__ = ["main"]

NAME, PAGE = "sw.experiments.ablation", Path("docs/results.md")


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    arguments = flags.read(NAME, "Show what each part of SD-BNN adds.", PAGE, argv)
    # Later than the flags: torch, and all that is trained with it.
    from . import pieces
    from .reproduction import study
    from .tabulated.ablation_table import tabulate
    return study(NAME, pieces.ABLATION, PAGE, tabulate, arguments)


if __name__ == "__main__":
    sys.exit(main())
