"""The paper's Figures 4 to 7 from our runs, and one of our own."""

import statistics
from pathlib import Path
from typing import Any

from ...terminal.figures import page
from ..effort import TASKS
from ..trained.federations import IN_PAPER, after_each_round
from .measure import Results, mean
from .table import lengths

__all__ = ["draw"]

LABELS = [f"{a} or {b}" for a, b in TASKS]


def draw(folder: Path, results: Results) -> None:
    """Draw all figures."""
    for name, paint in PAINTERS.items():
        with page(folder, name) as axes:
            paint(axes, results)


def _bars(axes: Any, groups: dict[str, list[list[float]]]) -> None:
    """Draw a bar for each task and group, with the standard deviation of the seeds."""
    width = 0.8 / len(groups)
    for number, (label, rows) in enumerate(groups.items()):
        places = [task + (number - (len(groups) - 1) / 2) * width for task in range(len(TASKS))]
        bars = axes.bar(places, mean(rows), width * 0.94, label=label,
                        yerr=[statistics.stdev(column) for column in zip(*rows, strict=True)])
        axes.bar_label(bars, fmt="%.1f", fontsize=7, padding=2)
    axes.set_xticks(range(len(TASKS)), LABELS)
    axes.set_ylabel("test accuracy, %")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=len(groups), frameon=False,
                fontsize="small")


def _five(results: Results, piece: str, key: str) -> list[list[float]]:
    return [result[key] for result in results[piece]]


def _figure4(axes: Any, results: Results) -> None:
    _bars(axes, {"binary CNN, sign as in HyBNN": _five(results, "cnn naive", "five"),
                 "the same, pixels thresholded at 0.5": _five(results, "cnn fair", "five")})
    axes.set_title("Figure 4: the baseline, a binary CNN on pixels", loc="left")


def _figure5(axes: Any, results: Results) -> None:
    for name, style in ("published", ":"), ("ours", "-"):
        for number, label in enumerate(LABELS):
            curve = mean([result["curves"][number] for result in results[f"five {name}"]])
            axes.plot(range(1, len(curve) + 1), curve, style, color=f"C{number}",
                      label=label if name == "ours" else None)
    axes.set_xlabel("epoch")
    axes.set_ylabel("test accuracy, %")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.set_title("Figure 5: HyBNN; dotted with BinPlay's encoder, solid with ours", loc="left")


def _figure6(axes: Any, results: Results) -> None:
    _bars(axes, {"binary CNN, sign as in HyBNN": _five(results, "cnn naive", "five"),
                 "HyBNN, BinPlay's encoder": _five(results, "five published", "binary"),
                 "HyBNN, our encoder": _five(results, "five ours", "binary")})
    axes.set_title("Figure 6: HyBNN and its baseline", loc="left")


def _figure7(axes: Any, results: Results) -> None:
    for arm in ("centralised", *IN_PAPER):
        curve = [accuracy.mean for accuracy in after_each_round(results, arm)]
        label = f"three clients, {arm}" if arm in IN_PAPER else arm
        axes.plot(range(1, len(curve) + 1), curve, label=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch, or round of one epoch")
    axes.set_ylabel("test accuracy, %, mean of the five tasks")
    # A tenth of a per cent is noise, and shall look like it.
    axes.set_ylim(min(99, axes.get_ylim()[0]), 100)
    axes.legend(frameon=False)
    axes.set_title("Figure 7: federated and centralised HyBNN", loc="left")


def _lengths(axes: Any, results: Results) -> None:
    found = lengths(results)
    axes.errorbar([n_bits for n_bits, _ in found], [accuracy.mean for _, accuracy in found],
                  [accuracy.deviation for _, accuracy in found], fmt="o-", capsize=3)
    axes.set_xlabel("bits of a code")
    axes.set_ylabel("test accuracy, %, ten classes")
    axes.set_title("Accuracy against the length of the code", loc="left")


PAINTERS = {"figure-4": _figure4, "figure-5": _figure5, "figure-6": _figure6,
            "figure-7": _figure7, "lengths": _lengths}
