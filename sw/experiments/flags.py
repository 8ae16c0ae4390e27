"""The flags of the commands of this room, read before what takes long is imported."""

import argparse
import os
from pathlib import Path

from ..terminal.command import Parser

__all__ = ["parser", "read"]


def read(name: str, description: str, page: Path, argv: list[str] | None, *,
         data: bool = True, device: bool = True) -> argparse.Namespace:
    """Read the flags of the command of this name, see :func:`parser`."""
    return parser(name, description, page, data=data, device=device).parse_args(argv)


def parser(name: str, description: str, page: Path, *, data: bool = True,
           device: bool = True) -> Parser:
    """Return what reads the flags of the command of this name, whose tables belong into ``page``.

    Without ``data`` it takes no data sets that must be downloaded; without ``device`` it trains
    nothing that another processor would.
    """
    found = Parser(prog=f"python -m {name}", description=description)
    add = found.add_argument
    if data:
        add("--data-dir", metavar="DIR", type=Path, default=os.environ.get("HYBNN_DATA"),
            help="look for IDX files in DIR or DIR/NAME (default: $HYBNN_DATA, then download)")
    add("--out", metavar="DIR", type=Path, default=Path("results"),
        help="write into DIR, or go on with what is there (default: %(default)s)")
    add("--readme", metavar="FILE", type=Path,
        help=f"put the tables between the markers of this file (default: {page}, if all is done)")
    if device:
        add("--device", metavar="DEVICE", default="auto",
            help="train on cpu, cuda, or auto: cuda where there is one (default: %(default)s)")
    add("--small", action="store_true",
        help="rehearse with two seeds and few images, in a minute; the numbers mean nothing")
    return found
