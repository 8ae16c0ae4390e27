"""Tables of finished runs: how accuracies are written, and where a table goes."""

from argparse import Namespace
from pathlib import Path
from statistics import mean, stdev

from ...golden.network import atomic_write
from ...terminal import markdown

__all__ = ["publish", "rewrite", "spread"]


def spread(values: list[float]) -> str:
    """Return mean ± standard deviation; of one value, the value.

    >>> spread([97.0, 99.0]), spread([98.0])
    ('98.00 ± 1.41', '98.00')
    """
    return f"{mean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def publish(text: str, file: Path, name: str, page: Path, arguments: Namespace) -> None:
    """Write a table into ``file``, print it, and put it into its page, see :func:`rewrite`."""
    atomic_write(file, (text + "\n").encode())
    print(text)
    rewrite(text, name, page, arguments)


def rewrite(text: str, name: str, page: Path, arguments: Namespace) -> None:
    """Put what the command ``name`` makes between its markers: of the page that is asked for, else
    of ``page``, but for a rehearsal."""
    if arguments.readme or not arguments.small:
        markdown.rewrite(arguments.readme or page, text, name)
