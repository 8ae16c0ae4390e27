"""SD-BNN's ResNet-20 on CIFAR-10, beside the plain sign: ``python -m sw.experiments.cifar``.

Trains each arm, a binarizer and a seed, on all training images, with one thread, and tests it
once. What an arm came to is a file in ``docs/measured/cifar``; a finished arm is not trained again,
and one that was broken off goes on from its last whole epoch. Several processes may share the work,
each with ``--arms`` of its own. The table says which seeds it is of.
"""

import os
import sys
from pathlib import Path

from ..terminal.command import command
from . import flags

__all__ = ["main"]

NAME, PAGE = "sw.experiments.cifar", Path("docs/results.md")


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    parser = flags.parser(NAME, "Train SD-BNN's ResNet-20 on CIFAR-10, and with the plain sign.",
                          PAGE, data=False, device=False)
    parser.add_argument("--data-dir", metavar="DIR", type=Path,
                        default=os.environ.get("HYBNN_DATA"),
                        help="look for CIFAR-10's batches in DIR, or a folder cifar-10 in it "
                             "(default: $HYBNN_DATA)")
    parser.add_argument("--arms", metavar="ARM", nargs="+",
                        help="train these now, as sign:0 or sd:2 (default: all, seed by seed)")
    arguments = parser.parse_args(argv)
    # Later than the flags: torch, and all that is trained with it.
    from .tabulated.cifar_table import study
    return study(NAME, PAGE, arguments)


if __name__ == "__main__":
    sys.exit(main())
