"""What a small network learns of a folder of images: ``python -m sw.experiments.shapes``.

Draws 2,000 images of ten shapes, in two kinds, and trains on each as does ``python -m sw.train
--images`` without further flags. A run that is finished is not trained again, and one that was
broken off goes on.
"""

import sys
from argparse import Namespace
from pathlib import Path

from ..terminal.command import command
from . import flags

__all__ = ["main"]

NAME, PAGE = "sw.experiments.shapes", Path("docs/results.md")


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    arguments: Namespace = flags.read(NAME, "Draw folders of ten shapes, and train on them.", PAGE,
                                      argv, data=False)
    # Later than the flags: torch, and all that is trained with it.
    from .tabulated.shapes_table import study
    return study(NAME, PAGE, arguments)


if __name__ == "__main__":
    sys.exit(main())
