"""All commands under one name: ``hybnn train`` is ``python -m sw.train``."""

import argparse
import sys
from collections.abc import Sequence

from .command import Parser, command
from .commands import COMMANDS, run

__all__ = ["main"]


def _listed() -> str:
    width = max(map(len, COMMANDS))
    return "commands:\n" + "\n".join(f"  {name:<{width}}  {does}"
                                     for name, (_, does) in COMMANDS.items())


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit code of the command that was called."""
    parser = Parser(prog="hybnn", epilog=_listed(), usage="hybnn [-h] COMMAND ...",
                    description="HyBNN's commands; each explains its flags with --help.",
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", metavar="COMMAND", help="one of those below")
    parser.add_argument("arguments", metavar="...", nargs=argparse.REMAINDER, help="its arguments")
    args = parser.parse_args(argv)
    return run(args.command, args.arguments)


if __name__ == "__main__":
    sys.exit(main())
