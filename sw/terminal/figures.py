"""Figures that a command leaves in its folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["page"]


@contextmanager
def page(folder: Path, name: str, columns: int = 1, **options: Any) -> Iterator[Any]:
    """Return axes to draw into, several if there are ``columns``; then write the figure.

    It is ``folder/figures/name.png``; ``options`` are those of matplotlib's ``subplots``.
    """
    import matplotlib
    matplotlib.use("agg")    # No window, wherever this runs.
    from matplotlib import pyplot

    (folder / "figures").mkdir(exist_ok=True)
    figure, axes = pyplot.subplots(1, columns, **{"figsize": (7, 4), **options},
                                   layout="constrained")
    yield axes
    for each in figure.axes:
        each.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "figures" / f"{name}.png", dpi=150)
    pyplot.close(figure)
