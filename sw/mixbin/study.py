"""Searches against rivals at equal cost, over three seeds: ``python -m sw.mixbin.study``.

Works as :mod:`sw.paper` does, in the same folder of results, if there is one.
"""

import statistics
import sys
from pathlib import Path
from typing import Any

from ..claims import pieces
from ..claims.figures import page
from ..claims.measure import Results, measure
from ..claims.mixbin import BUDGET, MASKS, RANDOM, SUBSETS
from ..claims.study import HIDDEN
from ..golden import markdown
from ..golden.network import atomic_write
from ..paper import command

__all__ = ["main", "tabulate"]

Found = dict[str, Any]    # What a trained mask came to: see sw.claims.mixbin.

LABELS = {
    "full": "full precision",
    "published": "HyBNN's mask: the encoder in full precision",
    "encfc-binary": "all that is fully connected is binary",
    "leading": "the first layers in full precision",
    "sensitive": "ranked once, by harm",
    "binary": "all binary",
}


def tabulate(folder: Path, results: Results) -> str:
    """Write ``mixbin.md`` and ``figures/mixbin.png``; give the text of the former."""
    text = "\n\n".join([_goals(results), _masks(results), _whole(results), _transfer(results)])
    atomic_write(folder / "mixbin.md", (text + "\n").encode())
    draw(folder, results)
    return text


def _goals(results: Results) -> str:
    hybnn = measure(results["ten ours"], "binary", str(HIDDEN)).mean
    ours = measure(results["mixbin final shrink"], "test").mean
    on, anew = _wins(results, "on"), _wins(results, "anew")
    seeds = len(results["ten ours"])
    at_budget, worst = _gaps(results)
    return markdown.table(["goal", "measured", "holds"], [
        [f"ten digits at {BUDGET:.0%}: at most 1 point below HyBNN",
         f"{ours:.2f} %, HyBNN {hybnn:.2f} %", _yes(ours >= hybnn - 1)],
        [f"better than the best of {RANDOM} random masks, in 2 of 3 seeds",
         f"in {on} of {seeds} as the search leaves it, in {anew} of {seeds} by the mask alone",
         _yes(3 * on >= 2 * seeds)],
        ["whole layers: within 0.3 points of the best of all 64 masks",
         f"{at_budget:.2f} points at {BUDGET:.0%}, at the worst of its costs {worst:.2f}",
         _yes(at_budget <= 0.3)]])


def _yes(holds: bool) -> str:
    return "yes" if holds else "**no**"


def _wins(results: Results, way: str) -> int:
    """Count the seeds in which a search's test accuracy is above that of the best random mask."""
    return sum(searched[way]["test"] > best["test"]
               for searched, best in zip(results["mixbin search shrink"], _best(results)))


def _best(results: Results) -> list[Found]:
    """Give, for each seed, the random mask that the held-out images choose."""
    found = [results[f"mixbin random {number}"] for number in range(RANDOM)]
    return [max(seed, key=lambda one: one["held"]) for seed in zip(*found, strict=True)]


def _subsets(results: Results) -> list[dict[str, Found]]:
    """Give, for each seed, what all 64 choices of layers come to."""
    parts = [results[f"mixbin subsets {part}"] for part in range(SUBSETS)]
    return [{point["mask"]: point for part in seed for point in part["points"]}
            for seed in zip(*parts, strict=True)]


def _gaps(results: Results) -> tuple[float, float]:
    """Say how far the search over whole layers stays below the best choice of the same cost.

    Both are judged by the same brief training: at the budget, and at the worst of the costs on the
    way of the search; means over the seeds.
    """
    at_budget, worst = [], []
    for truth, searched in zip(_subsets(results), results["mixbin search layers"]):
        gaps = {point["cost"]: _gap(truth, point) for point in searched["path"]}
        at_budget.append(next(gap for cost, gap in gaps.items() if cost <= BUDGET))
        worst.append(max(gaps.values()))
    return statistics.mean(at_budget), statistics.mean(worst)


def _gap(truth: dict[str, Found], point: Found) -> float:
    best = max(one["held"] for one in truth.values() if one["cost"] <= point["cost"])
    return float(best - truth[point["mask"]]["held"])


def _masks(results: Results) -> str:
    def row(label: str, found: list[Found]) -> list[str]:
        share = {key: f"{100 * measure(found, key).mean:.1f} %" for key in ("cost", "host")}
        return [label, share["cost"], share["host"], str(measure(found, "held")),
                str(measure(found, "test"))]

    def of(search: str, way: str) -> list[Found]:
        return [result[way] for result in results[f"mixbin search {search}"]]

    random = [one for number in range(RANDOM) for one in results[f"mixbin random {number}"]]
    masks = {name: row(LABELS[name], results[f"mixbin mask {name}"]) for name in MASKS}
    return markdown.table(["MNIST, ten classes, 10,000 images", "cost", "of it on the host",
                     "held-out", "test"], [
        masks["full"], masks["published"], masks["encfc-binary"],
        row("MixBin-style, shrinking", of("shrink", "on")),
        row("the same mask, trained anew", of("shrink", "anew")),
        row("MixBin-style, growing", of("grow", "on")),
        row("the same mask, trained anew", of("grow", "anew")),
        row(f"random: the best of {RANDOM} on held-out images", _best(results)),
        row(f"random: all {RANDOM}", random),
        row("random, trained on as many images as a search", results["mixbin longer"]),
        masks["leading"], masks["sensitive"],
        row("pruned instead: groups are dropped", of("pruned", "on")),
        row("MixBin-style, shrinking further", of("to 5 %", "on")), masks["binary"]])


def _whole(results: Results) -> str:
    labels = {"shrink": f"MixBin-style at {BUDGET:.0%}", "encfc-binary": LABELS["encfc-binary"]}
    hybnn = measure(results["ten ours"], "binary", str(HIDDEN))
    rows = [["HyBNN as published: encoder frozen, without labels", "99.0 %", str(hybnn)]]
    for name, label in labels.items():
        found = results[f"mixbin final {name}"]
        rows.append([label, f"{100 * measure(found, 'cost').mean:.1f} %",
                     str(measure(found, "test"))])
    return markdown.table(["MNIST, ten classes, all images", "cost", "test"], rows)


def _transfer(results: Results) -> str:
    theirs = [result["anew"] for result in results["mixbin search fashion"]]
    return markdown.table(["Fashion-MNIST", "test"], [
        ["mask found on it", str(measure(theirs, "test"))],
        ["mask found on MNIST", str(measure(results["mixbin transfer"], "test"))]])


def draw(folder: Path, results: Results) -> None:
    """Draw accuracy against cost: all choices of layers, the searches, and HyBNN's mask."""
    with page(folder, "mixbin") as axes:
        points = [one for seed in _subsets(results) for one in seed.values()]
        axes.scatter([100 * one["cost"] for one in points], [one["held"] for one in points], s=6,
                     color="lightgrey", label="all 64 choices of layers, trained briefly")
        ways = {"MixBin-style, over groups": ("to 5 %", "shrink"), "pruned": ("pruned",)}
        for (label, names), marker in zip(ways.items(), "os"):
            found = [result["on"] for name in names for result in results[f"mixbin search {name}"]]
            axes.plot(*_sorted(found), marker, label=label)
        random = [one for number in range(RANDOM) for one in results[f"mixbin random {number}"]]
        axes.plot(*_sorted(random), ".", label="random, over groups")
        for name, marker in ("published", "*"), ("encfc-binary", "D"), ("full", "^"):
            axes.plot(*_sorted(results[f"mixbin mask {name}"]), marker, label=LABELS[name])
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g} %")
        axes.set_xlabel("cost, (FLOPs + BOPs / 64) / FLOPs of the stack")
        axes.set_ylabel("held-out accuracy, %")
        axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))


def _sorted(found: list[Found]) -> tuple[list[float], list[float]]:
    found = sorted(found, key=lambda one: one["cost"])
    return [100 * one["cost"] for one in found], [one["held"] for one in found]


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    return command("sw.mixbin.study", "Compare searches for masks with their rivals.",
                   pieces.MIXBIN, tabulate, argv)


if __name__ == "__main__":
    sys.exit(main())
