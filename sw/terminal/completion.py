"""Print what makes a shell complete commands and flags: ``hybnn completion bash``.

Use it with ``eval "$(hybnn completion bash)"``, or write it to where the shell looks for such
files.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .command import Described, Parser, called_as, command, describing
from .commands import COMMANDS, run

__all__ = ["main", "script"]

SHELLS = "bash", "zsh"


def script(shell: str) -> str:
    """Return the completion script; what is a path completes to files."""
    # Imported here: whoever reads --help needs none.
    import shtab

    with called_as("hybnn"):
        whole = Parser()
        commands = whole.add_subparsers(metavar="COMMAND")
        for name, (_, does) in COMMANDS.items():
            parser = commands.add_parser(name, help=does, add_help=False, parents=_parsers(name))
            for action in parser._actions:
                if action.type is Path:
                    action.complete = (  # type: ignore[attr-defined]
                        shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE)
    text: str = shtab.complete(whole, shell)
    return text


def _parsers(name: str) -> list[Parser]:
    """Return a command's parser, or none if its extra is not installed."""
    try:
        with describing():
            run(name, [])
    except Described as described:
        return [described.parser]
    except ModuleNotFoundError:
        pass
    return []


@command()
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="hybnn completion", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shell", choices=SHELLS, help="the shell that it is for")
    print(script(parser.parse_args(argv).shell))
    return 0


if __name__ == "__main__":
    sys.exit(main())
