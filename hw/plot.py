"""Pictures of what an engine costs and gives."""

from pathlib import Path

from hw.cost import Cost
from hw.folding import Plan

__all__ = ["PlotError", "draw_front"]


class PlotError(Exception):
    """A picture cannot be drawn; the message says why and what to do."""


def draw_front(choices: list[tuple[Plan, Cost]], chosen: Plan, shape: tuple[int, ...], *,
               title: str, clock: float, logic_cells: int, link_rate: float, file: Path) -> None:
    """Draw inferences per second against logic cells, for every choice.

    What the part has, and what the link can carry, are lines across. The format is that of the
    file's suffix.

    Raises
    ------
    PlotError
        Without matplotlib, or if it cannot write such a file.
    """
    if not file.suffix:
        raise PlotError(f"The picture needs a suffix such as {file}.png, .svg or .pdf")
    try:
        # Half a second that only a picture is worth.
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogLocator
    except ImportError:
        raise PlotError("A picture needs matplotlib. Try: pip install matplotlib") from None
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    cells = [price.logic_cells for _, price in choices]
    rates = [clock / plan.period(shape) for plan, _ in choices]
    axes.plot(cells, rates, "o-", color="tab:blue", markersize=4, label="foldings")
    at = [plan for plan, _ in choices].index(chosen)
    axes.plot(cells[at], rates[at], "o", color="tab:orange", markersize=10, zorder=3,
              label=f"what is built: {chosen}")
    axes.axvline(logic_cells, color="tab:red", linestyle="--", label="what the part has")
    axes.axhline(link_rate, color="tab:gray", linestyle=":", label="what the link carries")
    axes.set(title=title, xlabel="logic cells, predicted", ylabel="inferences a second",
             xscale="log", yscale="log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter("")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    try:
        figure.savefig(file, dpi=150)
    except (OSError, ValueError) as error:
        raise PlotError(f"The picture cannot be written to {file}: {error}") from None
