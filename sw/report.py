"""Show a finished run on one page: ``python -m sw.report RUN`` writes ``RUN/report.html``.

The page is a single file that needs nothing but a browser.
"""

import argparse
import sys
from pathlib import Path

from .terminal.command import Parser, command

__all__ = ["main"]


@command("there is no report")
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    parser = Parser(prog="python -m sw.report", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a finished run")
    parser.add_argument("--data-dir", metavar="DIR", type=Path,
                        help="folder of the data set's files (default: the run's)")
    arguments = parser.parse_args(argv)
    from .export.page import report  # Here: --help need not wait for torch.

    print(f"open it in a browser: {report(arguments.run, arguments.data_dir)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
