"""What networks on the chip learn: ``python -m sw.experiments.onchip``.

Trains each size on MNIST, and the medium one on Fashion-MNIST, with three seeds, as
``python -m sw.train --on-chip`` does, each in a run folder of its own. A finished run is not
trained again, and one that was broken off goes on. The table says how many seeds it is of.
"""

import sys
from argparse import Namespace
from pathlib import Path

from ..terminal.command import command
from . import flags

__all__ = ["main"]

NAME, PAGE = "sw.experiments.onchip", Path("docs/results.md")


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    arguments: Namespace = flags.read(NAME, "Train networks on the chip, of three sizes.", PAGE,
                                      argv)
    # Later than the flags: torch, and all that is trained with it.
    from .tabulated.onchip_table import study
    return study(NAME, PAGE, arguments)


if __name__ == "__main__":
    sys.exit(main())
