"""Decision trees for a board, beside its networks: ``python -m sw.experiments.trees``.

Boosts as many trees as an icestick's block RAM holds, on images of one bit a pixel, and writes
them for ``python -m hw.bench front``. Their depth was not chosen on test images: of the images to
train on, some train trees of each depth, and others say which are best. Then all train.
"""

import sys
from argparse import Namespace
from pathlib import Path

from ..terminal.command import command
from . import flags

__all__ = ["main"]

NAME, PAGE = "sw.experiments.trees", Path("docs/results.md")


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    arguments: Namespace = flags.read(NAME, "Boost decision trees that fit an icestick.", PAGE,
                                      argv, device=False)
    # Later than the flags: scikit-learn, and all that reads images.
    from .boosting import study
    return study(NAME, PAGE, arguments)


if __name__ == "__main__":
    sys.exit(main())
