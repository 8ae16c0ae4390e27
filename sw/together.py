"""Draw HyBNN's Figure 7 with what is really sent: ``python -m sw.together --data-dir DIR``.

Works as :mod:`sw.paper` does, in the same folder of results, if there is one.
"""

import statistics
import sys
from itertools import accumulate
from pathlib import Path
from typing import Any

from .claims import pieces
from .claims.figures import mean, page
from .claims.measure import Measure, Results
from .claims.together import ARMS
from .golden import markdown
from .golden.network import atomic_write
from .paper import command

__all__ = ["main"]

AFTER = 10    # Rounds, by which a federation should have caught up (paper: under 20 epochs).


def tabulate(folder: Path, results: Results) -> str:
    """Write ``together.md`` and ``figures/together.png``; give the text of the former."""
    last = len(_curve(results, "centralised", "curves")) - 1
    after = min(AFTER - 1, last)
    rows = []
    for arm in ("centralised", *ARMS):
        sent = "-"
        if arm in ARMS:
            sent = f"{statistics.mean(_curve(results, arm, 'bytes')):,.0f}"
        rows.append([arm, *(str(_seeds(results, arm, at)) for at in (0, after, last)), sent])
    text = markdown.table(["five tasks of MNIST, three clients, %", "after round 1",
                     f"after round {after + 1}", f"after round {last + 1}",
                     "bytes a round, all clients, both ways"], rows)
    atomic_write(folder / "together.md", (text + "\n").encode())
    draw(folder, results)
    return text


def _seeds(results: Results, arm: str, at: int) -> Measure:
    """Give each seed's mean over the tasks, after a round counted from 0."""
    return Measure([statistics.mean(curve[at] for curve in result["curves"])
                    for result in results[f"together {arm}"]])


def _curve(results: Results, arm: str, key: str) -> list[float]:
    """Give the mean over seeds and tasks, round by round."""
    return mean([row for result in results[f"together {arm}"] for row in result[key]])


def draw(folder: Path, results: Results) -> None:
    """Draw accuracy against rounds and against bytes."""
    with page(folder, "together", 2, figsize=(10, 4), sharey=True) as (by_round, by_bytes):
        for number, arm in enumerate(("centralised", *ARMS)):
            curve = _curve(results, arm, "curves")
            by_round.plot(range(1, len(curve) + 1), curve, color=f"C{number}", label=arm)
            if arm in ARMS:
                so_far = list(accumulate(_curve(results, arm, "bytes")))
                by_bytes.plot(so_far, curve, color=f"C{number}")
        _label(by_round, by_bytes)


def _label(by_round: Any, by_bytes: Any) -> None:
    by_round.set_xlabel("epoch, or round of one epoch")
    by_round.set_ylabel("test accuracy, %, mean of the five tasks")
    by_round.xaxis.get_major_locator().set_params(integer=True)
    by_round.set_ylim(bottom=98)
    by_round.legend(frameon=False)
    by_bytes.set_xlabel("bytes sent so far, all clients, both ways")
    by_bytes.set_xscale("log")


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    return command("sw.together", "Draw Figure 7 with what is really sent.", pieces.TOGETHER,
                   tabulate, argv)


if __name__ == "__main__":
    sys.exit(main())
