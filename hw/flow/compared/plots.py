"""Pictures of what an engine costs and gives."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from hw.flow.report import Report
from hw.plan import plans
from hw.plan.cost import Cost
from hw.plan.plans import Plan
from sw.golden.errors import UserError
from sw.golden.stages import Signature

__all__ = ["PlotError", "draw_boards", "draw_floorplan", "draw_front"]


TILE = 8    # Logic cells in a tile, in every family.


class PlotError(UserError):
    """A picture cannot be drawn; the message says why and what to do."""


class Placed(Protocol):
    """What there must be of a cell to draw it: see :class:`hw.floorplan.Cell`."""

    x: int
    y: int
    z: int
    is_ram: bool
    part: str


def draw_front(choices: list[tuple[Plan, Cost]], chosen: Plan, signature: Signature, *,
               title: str, clock: float, logic_cells: int, block_rams: int, link_rate: float,
               file: Path) -> None:
    """Draw inferences per second against logic cells, and block RAMs, for every choice.

    What the part has, and what the link can carry, are lines across. The format is that of the
    file's suffix.

    Raises
    ------
    PlotError
        Without matplotlib, or if it cannot write such a file.
    """
    # Half a second that only a picture is worth.
    figure, left, right = _page((12, 5), 2)
    figure.suptitle(title)
    rates = [clock / plans.period(plan, signature) for plan, _ in choices]
    at = [plan for plan, _ in choices].index(chosen)
    for axes, what, there, taken in [
            (left, "logic cells", logic_cells, [price.logic_cells for _, price in choices]),
            (right, "block RAMs", block_rams, [price.block_rams for _, price in choices])]:
        axes.plot(taken, rates, "o", color="tab:blue", markersize=4, label="foldings")
        axes.plot(taken[at], rates[at], "o", color="tab:orange", markersize=10, zorder=3,
                  label=f"what is built: {chosen}")
        axes.axvline(there, color="tab:red", linestyle="--", label="what the part has")
        axes.axhline(link_rate, color="tab:gray", linestyle=":", label="what the link carries")
        _scale(axes, f"{what}, predicted", [*taken, there])
    left.set_ylabel("inferences a second")
    left.legend()
    _save(figure, file)


def _scale(axes, label: str, values: list[int]) -> None:
    """Let both axes grow by factors, with room for these values; a hard-wired engine takes no block
    RAM."""
    from matplotlib.ticker import FixedLocator

    axes.set(xlabel=label, yscale="log")
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0.8 * min(values) or -0.3, 1.25 * max(values))
    axes.xaxis.set_major_locator(FixedLocator([0, *(digit * 10 ** power for power in range(7)
                                                    for digit in (1, 2, 5))]))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3, which="both")


def draw_boards(measured: list[dict], file: Path) -> None:
    """Draw what the layers of each design of ``hw.bench boards`` do in a second, as bars.

    A dot is what the link carries. Designs that could not be built are left out.
    """
    rows = [row for row in measured if "failed" not in row]
    figure, axes = _page((8, 1 + 0.26 * len(rows)))
    rates = [1e6 * row["clock_mhz"] / row["cycles"] for row in rows]
    families = sorted({row["family"] for row in rows})
    bars = axes.barh(range(len(rows)), rates, color=[
        f"C{families.index(row['family'])}" for row in rows])
    axes.bar_label(bars, [f"{rate:,.0f}/s, {row['logic_cells']:,} cells"
                          for rate, row in zip(rates, rows)], fontsize=7, padding=3)
    axes.plot([row["link_rate"] for row in rows], range(len(rows)), "o", color="black",
              markersize=3, label="what the link carries")
    axes.set_yticks(range(len(rows)), [f"{row['board']}  {row['shape']}" for row in rows],
                    fontsize=8)
    axes.set(xscale="log", xlabel="inferences a second")
    axes.set_xlim(1e3, 100 * max(rates))
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1))
    _save(figure, file)


def draw_floorplan(cells: Sequence[Placed], report: Report, file: Path) -> None:
    """Draw each cell where it lies, in the colour of the module that it is from.

    A logic cell is an eighth of its tile, a block RAM a framed tile.
    """
    counts = Counter(cell.part for cell in cells if not cell.is_ram)
    rams = Counter(cell.part for cell in cells if cell.is_ram)
    across, up = ([getattr(cell, axis) for cell in cells] for axis in "xy")
    wide, high = max(across) - min(across) + 1, max(up) - min(up) + 1
    scale = 5.5 / max(wide, high)
    figure, axes = _page((scale * wide + 3, scale * high + 0.6))
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Patch, Rectangle

    legend = []
    for number, part in enumerate(sorted(counts | rams, key=lambda part: -counts[part])):
        color = f"C{number}"
        mine = [cell for cell in cells if cell.part == part]
        for is_ram, style in [(False, {"linewidth": 0}),
                              (True, {"linewidth": 1, "edgecolor": "black"})]:
            axes.add_collection(PatchCollection([
                Rectangle((cell.x + 0.06, cell.y + 0.05), 0.88, 0.9) if is_ram else
                Rectangle((cell.x + 0.06, cell.y + 0.04 + 0.92 * cell.z / TILE), 0.88, 0.8 / TILE)
                for cell in mine if cell.is_ram == is_ram], facecolor=color, **style))
        words = [f"{counts[part]:,}"] + [f"{rams[part]} block RAMs"] * (part in rams)
        legend.append(Patch(color=color, label=f"{part}: {', '.join(words)}"))
    axes.set(xlim=(min(across) - 0.2, max(across) + 1.2), ylim=(min(up) - 0.2, max(up) + 1.2),
             aspect="equal", xticks=[], yticks=[], facecolor="0.95",
             title=f"{report.network} on {report.board}, {report.folding}: "
                   "{:,} of {:,} logic cells".format(*report.logic_cells))
    axes.title.set_fontsize(9)
    axes.spines[:].set_visible(False)
    axes.legend(handles=legend, frameon=False, fontsize=8, loc="upper left",
                bbox_to_anchor=(1, 1), title="logic cells by module of hw", title_fontsize=8)
    _save(figure, file)


def _page(size: tuple[float, float], columns: int = 1):
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise PlotError("A picture needs matplotlib. Try: pip install matplotlib") from None
    figure = Figure(figsize=size, layout="constrained")
    return figure, *figure.subplots(1, columns, sharey=True, squeeze=False)[0]


def _save(figure, file: Path) -> None:
    if not file.suffix:
        raise PlotError(f"The picture needs a suffix such as {file}.png, .svg or .pdf")
    try:
        figure.savefig(file, dpi=150)
    except (OSError, ValueError) as error:
        raise PlotError(f"The picture cannot be written to {file}: {error}") from None
