"""List the runs of a folder, one a line: ``python -m sw.listing``."""

import html
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .golden import regular
from .golden.errors import UserError
from .golden.tensors import atomic_write
from .terminal.command import Parser, command, one_line
from .training.asked.columns import TableConfig
from .training.asked.config import Config, DeepConfig
from .training.asked.configs import load
from .training.asked.effort import RunError
from .training.asked.stages import OnChipConfig

__all__ = ["Listed", "find", "main", "page", "table"]

WAYS = {Config: "hybrid", OnChipConfig: "on-chip", TableConfig: "table"}
UNKNOWN = "-"
LONGEST = 40    # Characters of a value.


@dataclass(frozen=True)
class Listed:
    """What a line says of a run; numbers are None where they are not known."""

    run: str
    way: str = UNKNOWN
    data: str = UNKNOWN
    network: str = UNKNOWN
    accuracy: float | None = None    # In per cent of the test images, or rows.
    seconds: float | None = None     # Of all trainings.
    builds: str = UNKNOWN            # Board, logic cells, inferences a second of the engine.
    when: float = 0                  # Seconds since 1970: finished, or begun; 0 if not known.
    state: str = "unfinished"

    @property
    def words(self) -> list[str]:
        """Its line, in the order of :data:`HEADING`: all but the last are short."""
        known = [self.run, _date(self.when), self.way, self.data, self.network,
                 UNKNOWN if self.accuracy is None else f"{self.accuracy:.2f}",
                 UNKNOWN if self.seconds is None else f"{self.seconds:,.0f}", self.builds]
        return [*map(_short, known), one_line(self.state)]


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem; }}
  table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
  th, td {{ text-align: left; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid #eaeef2; }}
</style>
<h1>{title}</h1>
<table>
{lines}
</table>
</html>
"""
HEADING = ["run", "when", "way", "data", "network", "accuracy, %", "seconds", "builds", ""]
# Columns to sort by: the best, or the newest, first; of equals the newest.
SORTS = {
    "when": lambda run: (-run.when,),
    "accuracy": lambda run: (run.accuracy is None, -(run.accuracy or 0), -run.when),
    "seconds": lambda run: (run.seconds is None, run.seconds or 0, -run.when),
    "data": lambda run: (run.data, -run.when), "way": lambda run: (run.way, -run.when),
    "network": lambda run: (run.network, -run.when),
}


def find(folder: Path) -> list[Listed]:
    """Return the runs in a folder, in no order; one that cannot be read says so.

    Raises
    ------
    RunError
        There is no such folder, or no run in it.
    """
    if not folder.is_dir():
        raise RunError(f"{folder} must be a folder with runs, and is not there: train one with "
                       "python -m sw.train")
    found = [_read(path.parent) for path in folder.glob("*/config.json")]
    if not found:
        raise RunError(f"{folder} must hold a run, and holds none: train one with "
                       "python -m sw.train")
    return found


def _read(folder: Path) -> Listed:
    metrics = folder / "metrics.json"
    try:
        when = (metrics if metrics.exists() else folder / "config.json").stat().st_mtime
        config = load(folder / "config.json")
        way = config.model if isinstance(config, DeepConfig) else WAYS.get(type(config), UNKNOWN)
        data = config.name if isinstance(config, TableConfig | DeepConfig) else (
            f"{config.data}, {config.task}")
        found: dict[str, Any] = regular.read_json(metrics) if metrics.exists() else {}
        return Listed(folder.name, way, data, _network(found), _first(found.get("accuracy")),
                      _total(found.get("seconds")), _builds(folder), when,
                      "" if found else "unfinished")
    except (UserError, OSError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        return Listed(folder.name, state=f"cannot be read: {error}")


def _network(metrics: dict[str, Any]) -> str:
    return str(metrics.get("network", {}).get("shape", UNKNOWN))


def _first(accuracies: Any) -> float | None:
    """Return the first accuracy, which is that of the network for hardware."""
    return next((float(value) for value in (accuracies or {}).values()), None)


def _total(seconds: Any) -> float | None:
    return sum(map(float, seconds.values())) if seconds else None


def _builds(folder: Path) -> str:
    found = []
    for path in sorted(folder.glob("build/*/report.json")):
        try:
            report = regular.read_json(path)
            found.append(f"{report['board']} {report['logic_cells'][0]:,} cells "
                         f"{report['inferences_per_second_layers']:,}/s")
        except (OSError, ValueError, LookupError, TypeError):
            continue    # Of an older version, or unfinished.
    return "; ".join(found) or UNKNOWN


def _rows(runs: Sequence[Listed], sort: str) -> list[list[str]]:
    return [HEADING] + [run.words for run in sorted(runs, key=SORTS[sort])]


def table(runs: Sequence[Listed], sort: str) -> str:
    """Line runs up, sorted by one of :data:`SORTS`."""
    rows = _rows(runs, sort)
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(f"{word:<{width}}" for word, width in zip(row, widths)).rstrip()
                     for row in rows)


def page(runs: Sequence[Listed], sort: str, title: str) -> str:
    """Return the same as one page of HTML, which loads nothing."""
    cells = ["th", *["td"] * len(runs)]    # The heading comes first.
    lines = "\n".join(
        f"<tr>{''.join(f'<{cell}>{html.escape(word)}</{cell}>' for word in row)}</tr>"
        for cell, row in zip(cells, _rows(runs, sort), strict=True))
    return PAGE.format(title=html.escape(title), lines=lines)


def _date(when: float) -> str:
    try:
        return f"{datetime.fromtimestamp(when):%Y-%m-%d %H:%M}" if when else UNKNOWN
    except (ValueError, OverflowError, OSError):    # A file system takes years that nothing shows.
        return UNKNOWN


def _short(word: str) -> str:
    line = one_line(word)
    return line if len(line) <= LONGEST else f"{line[:LONGEST - 3]}..."


@command()
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m sw.listing", description="List the runs of a folder: how they "
                    "were trained, on what, and what came of it.")
    parser.add_argument("folder", metavar="DIR", type=Path, nargs="?", default=Path("runs"),
                        help="folder that holds runs (default: %(default)s)")
    parser.add_argument("--sort", choices=SORTS, default="when",
                        help="the newest, the most accurate, ... first (default: %(default)s)")
    parser.add_argument("--html", metavar="FILE", type=Path,
                        help="write the list into FILE, as a page for a browser")
    args = parser.parse_args(argv)
    found = find(args.folder)
    if args.html:
        title = f"Runs in {args.folder}"
        atomic_write(args.html, page(found, args.sort, title).encode(errors="replace"))
        print(args.html)
    else:
        print(table(found, args.sort))
    return 0


if __name__ == "__main__":
    sys.exit(main())
