"""HyBNN's Figure 7 with what is really sent, and unlike clients: two tables and a picture."""

from itertools import accumulate
from pathlib import Path
from typing import Any

from ...golden.network import atomic_write
from ...terminal import markdown
from ...terminal.figures import page
from ..trained.federations import ARMS, IN_PAPER, SITES, after_each_round, bytes_a_round
from .measure import Results, mean, measure

__all__ = ["tabulate"]

AFTER = 10    # Rounds, by which a federation should have caught up (paper: under 20 epochs).


def tabulate(folder: Path, results: Results) -> str:
    """Write ``together.md`` and ``figures/together.png``; return the text of the former."""
    last = len(after_each_round(results, "centralised")) - 1
    after = min(AFTER - 1, last)
    rows = []
    for arm in ("centralised", *ARMS):
        accuracies = after_each_round(results, arm)
        sent = f"{bytes_a_round(results, arm):,.0f}" if arm in ARMS else "-"
        rows.append([arm, *(str(accuracies[at]) for at in (0, after, last)), sent])
    text = markdown.table(["five tasks of MNIST, three clients, %", "after round 1",
                           f"after round {after + 1}", f"after round {last + 1}",
                           "bytes a round, all clients, both ways"], rows)
    text += f"\n\n{_unlike(results)}\n\n{_hours(results):.2f} CPU hours, encoders included."
    atomic_write(folder / "together.md", (text + "\n").encode())
    draw(folder, results)
    return text


def _unlike(results: Results) -> str:
    found = [[sites, *(str(measure(results[f"unlike {sites} {codec}"], round))
                       for codec in IN_PAPER for round in ("kept", "last"))] for sites in SITES]
    return markdown.table(
        ["unlike clients of MNIST, %", *(f"{codec}, {round}" for codec in IN_PAPER
                                         for round in ("round kept", "last round"))], found)


def _hours(results: Results) -> float:
    return sum(float(one["cpu_seconds"]) for seeds in results.values() for one in seeds) / 3600


def draw(folder: Path, results: Results) -> None:
    """Draw accuracy against rounds and against bytes."""
    with page(folder, "together", 2, figsize=(10, 4), sharey=True) as (by_round, by_bytes):
        for number, arm in enumerate(("centralised", *ARMS)):
            curve = [accuracy.mean for accuracy in after_each_round(results, arm)]
            by_round.plot(range(1, len(curve) + 1), curve, color=f"C{number}", label=arm)
            if arm in ARMS:
                sent = mean([row for result in results[f"together {arm}"]
                             for row in result["bytes"]])
                by_bytes.plot(list(accumulate(sent)), curve, color=f"C{number}")
        _label(by_round, by_bytes)


def _label(by_round: Any, by_bytes: Any) -> None:
    by_round.set_xlabel("epoch, or round of one epoch")
    by_round.set_ylabel("test accuracy, %, mean of the five tasks")
    by_round.xaxis.get_major_locator().set_params(integer=True)
    by_round.set_ylim(bottom=98)
    by_round.legend(frameon=False)
    by_bytes.set_xlabel("bytes sent so far, all clients, both ways")
    by_bytes.set_xscale("log")
