"""The table of what each part of SD-BNN adds, on Fashion-MNIST."""

import math
from pathlib import Path

from ...golden.network import atomic_write
from ...terminal import markdown
from ..trained.parts_of_sdbnn import ARMS
from .measure import Measure, Results, measure

__all__ = ["tabulate"]


def tabulate(folder: Path, results: Results) -> str:
    """Write ``ablation.md``, a row for each arm and a sentence, and give its text."""
    rows = [[name, *(str(measure(results[f"arm {name}"], kind)) for kind in ("head", "cnn"))]
            for name in ARMS]
    text = markdown.table(["Fashion-MNIST, ten classes, %", "HyBNN's head", "binary CNN"], rows)
    text += "\n\n" + verdict(*(measure(results[f"arm {name}"], "cnn")
                               for name in (next(iter(ARMS)), [*ARMS][-1])))
    atomic_write(folder / "ablation.md", (text + "\n").encode())
    return text


def verdict(sign: Measure, sd: Measure) -> str:
    """Return whether SD-BNN is better than the sign on the binary CNN, by a standard error or more.

    >>> print(verdict(Measure([80.0, 82.0]), Measure([84.0, 86.0])))
    On the binary CNN, SD-BNN is better than the plain sign by 4.00 points; a standard error of this
    difference is 1.41.
    >>> print(verdict(Measure([80.0, 82.0]), Measure([80.5, 82.5])))
    On the binary CNN, SD-BNN is not better than the plain sign: the difference is +0.50 points, and
    its standard error 1.41.
    """
    gain = sd.mean - sign.mean
    error = math.sqrt(sum(each.deviation ** 2 / len(each.values) for each in (sign, sd)))
    if gain >= error:
        return ("On the binary CNN, SD-BNN is better than the plain sign by "
                f"{gain:.2f} points; a standard error of this\ndifference is {error:.2f}.")
    return ("On the binary CNN, SD-BNN is not better than the plain sign: the difference is "
            f"{gain:+.2f} points, and\nits standard error {error:.2f}.")
