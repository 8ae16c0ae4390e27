"""Draw HyBNN's Figure 7 with what is really sent: ``python -m sw.together --data-dir DIR``.

Works as :mod:`sw.paper` does, in the same folder of results, if there is one.
"""

import statistics
import sys
from pathlib import Path
from typing import Any

from .claims import pieces
from .claims.measure import Measure, Results
from .claims.table import markdown
from .claims.together import ARMS
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
    text = markdown(["five tasks of MNIST, three clients, %", "after round 1",
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
    rows = [row for result in results[f"together {arm}"] for row in result[key]]
    return [statistics.mean(column) for column in zip(*rows, strict=True)]


def draw(folder: Path, results: Results) -> None:
    """Draw accuracy against rounds and against bytes."""
    import matplotlib
    matplotlib.use("agg")    # No window, wherever this runs.
    from matplotlib import pyplot

    (folder / "figures").mkdir(exist_ok=True)
    figure, (by_round, by_bytes) = pyplot.subplots(1, 2, figsize=(10, 4), sharey=True,
                                                   layout="constrained")
    for number, arm in enumerate(("centralised", *ARMS)):
        curve = _curve(results, arm, "curves")
        by_round.plot(range(1, len(curve) + 1), curve, color=f"C{number}", label=arm)
        if arm in ARMS:
            by_bytes.plot(_running(_curve(results, arm, "bytes")), curve, color=f"C{number}")
    _label(by_round, by_bytes)
    figure.savefig(folder / "figures" / "together.png", dpi=150)
    pyplot.close(figure)


def _running(numbers: list[float]) -> list[float]:
    """Add up.

    >>> _running([1, 2, 3])
    [1, 3, 6]
    """
    return [sum(numbers[:end]) for end in range(1, len(numbers) + 1)]


def _label(by_round: Any, by_bytes: Any) -> None:
    by_round.set_xlabel("epoch, or round of one epoch")
    by_round.set_ylabel("test accuracy, %, mean of the five tasks")
    by_round.xaxis.get_major_locator().set_params(integer=True)
    by_round.set_ylim(bottom=98)
    by_round.legend(frameon=False)
    by_bytes.set_xlabel("bytes sent so far, all clients, both ways")
    by_bytes.set_xscale("log")
    for axes in by_round, by_bytes:
        axes.spines[["top", "right"]].set_visible(False)


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    return command("sw.together", "Draw Figure 7 with what is really sent.", pieces.TOGETHER,
                   tabulate, argv)


if __name__ == "__main__":
    sys.exit(main())
