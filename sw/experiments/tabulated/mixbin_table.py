"""Tables of searches for masks against their rivals, at equal cost, over the seeds."""

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...golden.network import atomic_write
from ...terminal import markdown
from ...terminal.figures import page
from ..effort import HIDDEN
from ..trained.searches import BUDGET, MASKS, RANDOM, SUBSETS, WHOLE
from .measure import Results, measure

__all__ = ["tabulate"]

Found = dict[str, Any]    # What a trained mask came to: see sw.experiments.trained.searches.

LABELS = {
    "full": "full precision",
    "published": "HyBNN's mask: the encoder in full precision",
    "encfc-binary": "all that is fully connected is binary",
    "leading": "the first layers in full precision",
    "sensitive": "ranked once, by harm",
    "binary": "all binary",
}


def tabulate(folder: Path, results: Results) -> str:
    """Write ``mixbin.md`` and ``figures/mixbin.png``; return the text of the former."""
    text = "\n\n".join([_goals(results), _masks(results), _whole(results), _transfer(results)])
    atomic_write(folder / "mixbin.md", (text + "\n").encode())
    draw(folder, results)
    return text


def _goals(results: Results) -> str:
    hybnn = measure(results["ten ours"], "binary", str(HIDDEN)).mean
    ours = measure(results["mixbin final shrink"], "test").mean
    on, anew = _wins(results, "on"), _wins(results, "anew")
    seeds = len(results["ten ours"])
    return markdown.table(["goal", "measured", "holds"], [
        [f"ten digits at {BUDGET:.0%}: at most 1 point below HyBNN",
         f"{ours:.2f} %, HyBNN {hybnn:.2f} %", _yes(ours >= hybnn - 1)],
        [f"better than the best of {RANDOM} random masks, in 2 of 3 seeds",
         f"in {on} of {seeds} as the search leaves it, in {anew} of {seeds} by the mask alone",
         _yes(3 * on >= 2 * seeds)],
        *_layers(results)])


def _yes(holds: bool) -> str:
    return "yes" if holds else "**no**"


def _wins(results: Results, way: str) -> int:
    """Count the seeds in which a search's test accuracy is above that of the best random mask."""
    return sum(searched[way]["test"] > best["test"]
               for searched, best in zip(results["mixbin search shrink"], _best(results)))


def _best(results: Results) -> list[Found]:
    """Return, for each seed, the random mask that the held-out images choose."""
    found = [results[f"mixbin random {number}"] for number in range(RANDOM)]
    return [max(seed, key=lambda one: one["held"]) for seed in zip(*found, strict=True)]


def _subsets(results: Results) -> list[dict[str, Found]]:
    """Return, for each seed, what all 64 choices of layers come to."""
    parts = [results[f"mixbin subsets {part}"] for part in range(SUBSETS)]
    return [{point["mask"]: point for part in seed for point in part["points"]}
            for seed in zip(*parts, strict=True)]


def _layers(results: Results) -> list[list[str]]:
    """Compare the search over whole layers with the best choice of layers that costs no more.

    One training is a throw of dice, and the best of many throws lies above what its mask is worth.
    So the best is the mask with the best mean over the seeds; that of each seed is told beside it.
    """
    whole = [results[f"mixbin whole {number}"] for number in range(len(WHOLE))]
    found = [next(point for point in searched["path"] if point["cost"] <= BUDGET)
             for searched in results["mixbin search layers"]]
    mine = [next(seeds[seed] for seeds in whole if seeds[seed]["mask"] == point["mask"])
            for seed, point in enumerate(found)]
    best = max(whole, key=lambda seeds: _mean(seeds, "held"))
    gap = _mean(best, "held") - _mean(mine, "held")
    lucky = _mean([max(seed, key=lambda one: one["held"]) for seed in zip(*whole)], "held")
    on_test = _mean(best, "test") - _mean(mine, "test")
    return [[f"whole layers at {BUDGET:.0%}: at most 0.3 points below the best of the {len(whole)} "
             "masks that meet it",
             f"{gap:.2f} points on held-out images, {on_test:.2f} on the test's; "
             f"{lucky - _mean(mine, 'held'):.2f} below the best of each seed", _yes(gap <= 0.3)],
            ["whole layers at every cost on the way: the same, of all 64 masks, trained briefly",
             f"{_worst(results):.2f} points at the worst", _yes(_worst(results) <= 0.3)]]


def _mean(found: list[Found], key: str) -> float:
    return statistics.mean(float(one[key]) for one in found)


def _worst(results: Results) -> float:
    """Return the most points, in the mean of the seeds, that a search's mask is below the best."""
    seeds = _subsets(results)
    truth = {mask: _mean([seed[mask] for seed in seeds], "held") for mask in seeds[0]}
    costs = {mask: point["cost"] for mask, point in seeds[0].items()}
    return max(max(truth[mask] for mask in truth if costs[mask] <= point["cost"])
               - truth[point["mask"]]
               for searched in results["mixbin search layers"] for point in searched["path"])


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
    """Draw error against cost, of all that was trained on the same images."""
    def all_of(names: Iterable[str]) -> list[Found]:
        return [result for name in names for result in results[f"mixbin {name}"]]

    searched = {name: [result["on"] for result in all_of([f"search {name}"])]
                for name in ("shrink", "to 5 %", "pruned")}
    series = [
        ("random groups", ".", all_of(f"random {number}" for number in range(RANDOM))),
        ("whole layers, all choices within the budget", "x",
         all_of(f"whole {number}" for number in range(len(WHOLE)))),
        ("MixBin-style search, over groups", "o", searched["shrink"] + searched["to 5 %"]),
        ("groups pruned", "s", searched["pruned"]),
        *((LABELS[name], marker, all_of([f"mask {name}"]))
          for name, marker in [("published", "*"), ("encfc-binary", "D"), ("full", "^")])]
    with page(folder, "mixbin") as axes:
        for label, marker, found in series:
            axes.loglog([100 * one["cost"] for one in found], [100 - one["held"] for one in found],
                        marker, label=label, alpha=0.7)
        axes.set_xticks([2, 5, 10, 20, 50, 100])
        axes.set_yticks([1, 2, 3, 5, 10, 20])
        axes.minorticks_off()
        axes.xaxis.set_major_formatter("{x:g} %")
        axes.yaxis.set_major_formatter("{x:g} %")
        axes.set_xlabel("cost, (FLOPs + BOPs / 64) / FLOPs of the stack")
        axes.set_ylabel("held-out error")
        axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
