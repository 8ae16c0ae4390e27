"""What a binary network learns of tables: ``python -m sw.experiments.tables``.

Trains on four tables, five times each with other rows to test on, as ``python -m sw.train --table``
does without further flags. Beside it stands scikit-learn's random forest on the same rows. A run
that is finished is not trained again, and one that was broken off goes on.
"""

import sys
from argparse import Namespace
from pathlib import Path

from ..terminal.command import command
from . import flags

__all__ = ["main"]

NAME, PAGE = "sw.experiments.tables", Path("docs/results.md")


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    arguments: Namespace = flags.read(NAME, "Train on four tables, beside a random forest.", PAGE,
                                      argv, data=False)
    # Later than the flags: torch, and all that is trained with it.
    from .tabulated.tables_table import study
    return study(NAME, PAGE, arguments)


if __name__ == "__main__":
    sys.exit(main())
