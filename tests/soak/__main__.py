"""Bad input, faults and load: ``python -m tests.soak`` prints one table.

All subjects, two at a time; a subject alone with ``--only``.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from sw.terminal import markdown
from sw.terminal.command import INTERRUPTED, Parser, fail

from . import Row, do, merged
from .link import residual

# The longest first.
SUBJECTS = ("longrun", "crashes", "files", "nofiles", "exchange", "link", "guided", "wires",
            "bounds", "builds", "exporters", "numbers", "graphs", "networks", "stages", "unknown")
HEADING = ["what", "tried", "held", "lost", "seconds", ""]


def table(found: dict[str, tuple[list[Row], float]]) -> str:
    """Make the table; a subject's seconds stand in its first row."""
    lines = []
    for subject in SUBJECTS:
        rows, seconds = found.get(subject, ([], 0.0))
        lines += [[row.what, f"{row.tried:,}", f"{row.held:,}", str(row.lost),
                   "" if number else f"{seconds:.0f}", row.said]
                  for number, row in enumerate(rows)]
    return markdown.table(HEADING, lines)


def residuals() -> str:
    """Say what no million of frames can show."""
    figures = ", ".join(f"{residual(rate):.0e} at {rate:g}" for rate in (1e-4, 1e-3, 1e-2))
    return ("A million frames cannot measure what the checks let through. An answer of the board "
            "whose bits flip at random becomes another class with a right CRC-16 and the right "
            f"sequence number with probability {figures}. The CRC-32 of a request of 200 bits "
            "finds all errors of up to 5 bits, and misses one in 4,000,000,000 of the others.")


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 when nothing is lost, 1 otherwise."""
    parser = Parser(prog="python -m tests.soak", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="SUBJECT", nargs="+", choices=SUBJECTS, default=SUBJECTS,
                        help=f"some of: {', '.join(SUBJECTS)} (default: all)")
    parser.add_argument("--scale", metavar="S", type=float, default=1.0,
                        help="do S times as much (default: %(default)s)")
    parser.add_argument("--readme", metavar="FILE", type=Path,
                        help="put the table between the markers of this file; with --only, these "
                             "rows into the one that is there")
    arguments = parser.parse_args(argv)
    found: dict[str, tuple[list[Row], float]] = {}
    try:
        # A process each: what one leaves in memory, Atheris would count as its own.
        with (ProcessPoolExecutor(2, get_context("spawn"), max_tasks_per_child=1) as pool,
              tqdm(total=len(arguments.only), unit=" subjects", disable=None) as bar):
            doing = {subject: pool.submit(do, subject, arguments.scale)
                     for subject in SUBJECTS if subject in arguments.only}
            for subject, future in doing.items():
                found[subject] = future.result()
                bar.update()
        text = table(found)
        if arguments.readme:
            before = arguments.readme.read_text().partition("<!-- make soak writes from here -->")
            whole = text if {*arguments.only} == {*SUBJECTS} else merged(text, before[2])
            markdown.rewrite(arguments.readme, f"{whole}\n\n{residuals()}", "make soak")
    except (OSError, markdown.MarkerError) as error:
        return fail(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    print(text)
    return int(any(row.lost for rows, _ in found.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
