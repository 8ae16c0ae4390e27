"""From the results of all pieces to tables in Markdown: every number comes from a run."""

from pathlib import Path
from typing import Any

from ...golden.network import atomic_write
from ...models.encoding import BATCH
from ...terminal import markdown
from ..effort import HIDDEN, write_json
from ..pieces import PIECES
from ..trained.consecutive import PAIRS
from ..trained.encoders import ENCODERS
from ..trained.heads import WIDE
from .measure import Measure, Results, least, measure
from .verdicts import Row, claims, goals

__all__ = ["lengths", "write"]

NONE = "-"

ENCODER_NAMES = {
    "ours": "ours: batch norm, sign, two distorted views",
    "signs": "batch norm, sign; reconstruction alone",
    "coins": "Bernoulli VAE, straight through, fair-coin KL",
    "published": "BinPlay's code matching, sign of the embedding",
    "letters": "ours, trained on EMNIST letters alone",
}


def write(folder: Path, results: Results) -> str:
    """Write ``results.json``, all of it, and ``table.md``; return the latter."""
    parts = [
        _rows("claim", "paper", claims(results)), _rows("beyond the paper, %", "goal",
                                                        goals(results)),
        _encoders(results), _baselines(results), _widths(results), _lengths(results),
        _consecutive(results), _cost(results), _seconds(results)]
    tables = "\n\n".join(parts)
    write_json(folder / "results.json", results)
    atomic_write(folder / "table.md", (tables + "\n").encode())
    return tables


def _rows(what: str, paper: str, rows: list[Row]) -> str:
    return markdown.table([what, paper, "ours", "holds", "why"], [
        [row.claim, row.paper, row.ours, "yes" if row.holds else "**no**", row.why]
        for row in rows])


def _encoders(results: Results) -> str:
    rows = []
    for name, label in ENCODER_NAMES.items():
        trained, heads = results[f"encoder {name}"], results[f"five {name}"]
        rows.append([label, str(trained[0]["epochs"]), str(measure(heads, "binary")),
                     f"{least(heads, 'binary'):.2f}",
                     str(measure(results[f"ten {name}"], "binary", str(HIDDEN))),
                     f"{measure(trained, 'squared_error').mean:.1f}",
                     f"{measure(trained, 'constant_bits').mean:.0f}"])
    return markdown.table(["encoder, MNIST", "epochs", "five tasks", "worst task",
                     f"ten classes, {HIDDEN} hidden bits", "squared error", "constant bits"],
                    rows)


def _baselines(results: Results) -> str:
    five, ten = results["five ours"], results["ten ours"]
    rows = [["ours", _five(five, "binary"), _ten(ten, "binary")],
            ["its full-precision twin, on the same codes", _five(five, "twin"),
             _ten(ten, "twin")]]
    for reading, label in ("fair", "threshold 0.5"), ("naive", "sign as in HyBNN"):
        for kind, what in ("cnn", "binary CNN"), ("pixels", "binary network"):
            found = results[f"{kind} {reading}"]
            rows.append([f"{what} on pixels, {label}", _five(found, "five"), _ten(found, "ten")])
    return markdown.table(["MNIST", "five tasks", "ten classes"], rows)


def _five(results: list[dict[str, Any]], key: str) -> str:
    return str(measure(results, key))


def _ten(results: list[dict[str, Any]], key: str, hidden: int = HIDDEN) -> str:
    """Return the accuracy on all ten classes, if it was asked for; the CNN has no hidden width."""
    found = results[0].get(key, {})
    if isinstance(found, float):
        return str(measure(results, key))
    return str(measure(results, key, str(hidden))) if str(hidden) in found else NONE


def _widths(results: Results) -> str:
    names = {"ours": "MNIST", "fashion": "Fashion-MNIST",
             "letters": "MNIST, encoder trained on letters"}
    widths = (HIDDEN, WIDE)
    return markdown.table(
        ["ten classes", *(f"{width} hidden bits" for width in widths),
         *(f"twin, {width}" for width in widths)],
        [[label, *(_ten(results[f"ten {name}"], key, width)
                   for key in ("binary", "twin") for width in widths)]
         for name, label in names.items()])


def lengths(results: Results) -> list[tuple[int, Measure]]:
    """Return the accuracy on all ten digits for each length of a code."""
    names = sorted((source.n_bits, name) for name, source in ENCODERS.items()
                   if source.kind == "length")
    return [(n_bits, measure(results[f"ten {name}"], "binary", str(HIDDEN)))
            for n_bits, name in names]


def _lengths(results: Results) -> str:
    found, epochs = lengths(results), results["encoder 200 bits"][0]["epochs"]
    return markdown.table(
        ["bits of a code", *(str(n_bits) for n_bits, _ in found)],
        [[f"ten classes, MNIST; encoder of half the width, {epochs} epochs",
          *(str(accuracy) for _, accuracy in found)]])


# Hsu et al. 2018, split MNIST, after the last task: task, domain, class.
PUBLISHED = {
    "published: naive (Adam)": (93.46, 55.16, 19.71),
    "published: rehearsal, compressed memory": (99.57, 97.11, 95.59),
    "published: generative replay (DGR)": (99.47, 95.74, 91.24),
    "published: replay through feedback (RtF)": (99.66, 97.31, 92.56),
}


def _consecutive(results: Results) -> str:
    scenarios = ("task", "domain", "class")
    rows = [["a network for each task, 0 bytes",
             str(measure(results["five ours"], "binary")), NONE, NONE]]
    for name, method in PAIRS:
        found = results[f"consecutive {name} {method}"]
        of = ", encoder trained on letters" if name == "letters" else ""
        rows.append([f"{method}, {found[0]['bytes']} bytes{of}",
                     *(str(measure(found, scenario)) for scenario in scenarios)])
    rows += [[label, *map(str, numbers)] for label, numbers in PUBLISHED.items()]
    return markdown.table(["five tasks in turn", *scenarios], rows)


def _cost(results: Results) -> str:
    cost = results["cost"][0]
    times = [f"{name}: {alone:.2f} ms alone, {batch:.3f} ms in a batch of {BATCH}"
             for name in cost["milliseconds"]
             for alone, batch in [(measure(results["cost"], "milliseconds", name, number).mean
                                   for number in ("1", str(BATCH)))]]
    return markdown.table(
        ["cost of an image", "multiply-accumulates", "bytes of weights", "time, one CPU core"],
        [["encoder, full precision", f"{cost['encoder_macs']:,}", f"{cost['encoder_bytes']:,}",
          "; ".join(times)],
         [f"binary network 200-{HIDDEN}-2", f"{cost['binary_macs']:,}",
          f"{cost['binary_bytes']:,}", f"{cost['cycles']} cycles of the accelerator"]])


def _seconds(results: Results) -> str:
    groups: dict[str, float] = {}
    for name, piece in results.items():
        group = PIECES[name].group
        groups[group] = groups.get(group, 0) + sum(result["cpu_seconds"] for result in piece)
    groups["all"] = sum(groups.values())
    return markdown.table(["CPU minutes, all seeds", *groups],
                    [["one core", *(f"{seconds / 60:.1f}" for seconds in groups.values())]])
