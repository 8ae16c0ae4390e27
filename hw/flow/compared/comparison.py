"""Many networks, and other makers' engines, built and lined up."""

import shutil
import statistics
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tqdm import tqdm

import boards
from hw.flow import clocking
from hw.flow.building import BuildError, build, clocks, resources
from hw.flow.built import Built, BuiltError
from hw.flow.choosing import choose, default_clock
from hw.flow.compared import one_layer
from hw.flow.compared.cases import CLOCKED, SHAPE, TRAINED, Case, network_of
from hw.flow.report import Report, Resources
from hw.flow.tools import toolchain
from hw.plan import plans
from hw.plan.cost import FABRICS
from hw.plan.plans import Plan
from sw.golden import regular
from sw.golden.network import Layer, Network, random_network
from sw.golden.stages import Signature
from sw.terminal import markdown

__all__ = ["clock_rows", "fitted", "form_rows", "hits", "is_of", "readme_table",
           "replacing", "rows", "table"]


def measure(case: Case, out: Path) -> dict:
    """Build a case, and place it with each of its seeds; what was done before is read."""
    network, board = network_of(case.signature), boards.find(case.board)
    first = out / case.folder / "seed-1"
    if not is_of(first, network, case.plan):
        try:
            # What was placed of another network would be taken for this one's.
            for other in first.parent.glob("seed-*"):
                shutil.rmtree(other)
            build(network, board, case.plan, first, clock=default_clock(board, case.plan),
                  seed=1, must_meet=False)
        except (BuildError, BuiltError) as error:
            return {"board": case.board, "shape": str(case.signature), "folding": str(case.plan),
                    "failed": str(error)}
    report = Report.from_json(regular.read_json(first / "report.json"))
    placed: list[Report | Resources] = [report, *(place_again(first, board, seed)
                        for seed in range(2, case.n_seeds + 1))]
    price = plans.price(case.plan, network, board.family)
    return {
        "board": case.board, "family": board.family, "shape": str(case.signature),
        "folding": str(case.plan),
        "logic_cells": statistics.median_low(each.logic_cells[0] for each in placed),
        "board_cells": board.logic_cells, "predicted_cells": price.logic_cells,
        "block_rams": report.block_rams[0], "predicted_rams": price.block_rams,
        "cycles": plans.period(case.plan, case.signature),
        "link_rate": report.inferences_per_second_link,
        "fmax_mhz": [each.fmax_mhz for each in placed], "clock_mhz": report.clock_mhz,
    }


def is_of(folder: Path, network: Network, plan: Plan) -> bool:
    """Return whether a folder holds a build of this network and plan."""
    try:
        built = Built.load(folder)
    except BuiltError:
        return False
    return built.network.to_bytes() == network.to_bytes() and built.plan == plan


def place_again(first: Path, board: boards.Board, seed: int) -> Resources:
    """Place and route with another seed what a build has synthesised; return cells, RAMs, Fmax.

    What was placed before is read; its folder is there whole or not at all.

    Raises :exc:`ToolFailed`.
    """
    folder = first.with_name(f"seed-{seed}")
    if not (folder / "top.report.json").exists():
        with replacing(folder) as new:
            _place(first, new, seed)
    return resources(folder, board)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of ``folder``, whole, if nothing is raised."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=folder.parent, prefix="placing-"))
    try:
        yield new
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _place(first: Path, folder: Path, seed: int) -> None:
    for file in first.glob("top.*"):
        if (file.suffix in (".json", ".pcf", ".lpf", ".cst", ".py")
                and file.name != "top.report.json"):
            shutil.copy(file, folder)
    # Of the tools alone the one that places; the first build has called the others.
    script = "\n".join(line.replace("--seed 1 ", f"--seed {seed} ")
                       for line in (first / "build_top.sh").read_text().splitlines()
                       if not line.startswith('"$') or line.startswith('"$NEXTPNR'))
    toolchain.run(["sh", "-c", script], folder, f"{first.parent}, seed {seed}: nextpnr")


def rows(cases: list[Case], out: Path, jobs: int) -> Iterator[dict]:
    """Measure all cases, several at a time, with a progress bar."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from tqdm(pool.map(lambda case: measure(case, out), cases), total=len(cases),
                        unit="design", disable=None)


def fitted(measured: list[dict], family: str) -> dict[str, float]:
    """Fit the cells of each part of an accelerator to what was placed, see :mod:`hw.plan.cost`.

    Relative errors count, and a little the distance from the coefficients of today, so that a part
    that hardly occurs keeps its own.
    """
    placed = [row for row in measured if row.get("family") == family]
    signatures = [Signature.parse(row["shape"]) for row in placed]
    made = [(signature.widths, plans.parse(row["folding"], signature))
            for row, signature in zip(placed, signatures)]
    today = FABRICS[family].cells
    counts = np.array([[FABRICS[family].counts(*each)[0][name] for name in today]
                       for each in made])
    cells = np.array([row["logic_cells"] for row in placed])
    prior = np.array(list(today.values()))
    weight = 0.04 / np.maximum(prior, 0.1)
    found, *_ = np.linalg.lstsq(
        np.vstack([counts / cells[:, None], np.diag(weight)]),
        np.concatenate([np.ones(len(cells)), weight * prior]))
    return {name: round(float(value), 2) for name, value in zip(today, found)}


def table(measured: list[dict]) -> str:
    """Line up the measured designs."""
    wide = max(18, *(len(row["shape"]) for row in measured))
    lines = [f"board             {'network':{wide}} folding        cells  predicted  RAMs  cycles"
             "   Fmax, median (least)  inferences/s"]
    for row in measured:
        shape = f"{row['shape']:{wide}}"
        if "failed" in row:
            lines.append(f"{row['board']:17} {shape} {row['folding']:12} {row['failed'][:60]}")
            continue
        error = row["predicted_cells"] / row["logic_cells"] - 1
        fmax = statistics.median(row["fmax_mhz"])
        wrong = "" if row["predicted_rams"] == row["block_rams"] else f"({row['predicted_rams']})"
        lines.append(
            f"{row['board']:17} {shape} {row['folding']:13} {row['logic_cells']:6,}  "
            f"{error:+8.1%}  {row['block_rams']:4}{wrong}  {row['cycles']:6}  {fmax:9.1f} "
            f"({min(row['fmax_mhz']):.1f})  {1e6 * fmax / row['cycles']:14,.0f}")
    return "\n".join(lines)


def hits(measured: list[dict], family: str) -> str:
    """Say of how many designs the cells were predicted within a tenth, and the RAMs exactly."""
    placed = [row for row in measured if row.get("family") == family]
    near = sum(abs(row["predicted_cells"] - row["logic_cells"]) <= 0.1 * row["logic_cells"]
               for row in placed)
    exact = sum(row["predicted_rams"] == row["block_rams"] for row in placed)
    return (f"{family}: of {len(placed)} designs, cells within 10 % of {near}, block RAMs exact of "
            f"{exact}")


def readme_table(measured: list[dict]) -> str:
    """Make the README's table of boards."""
    rows = []
    for row in measured:
        fmax = statistics.median(row["fmax_mhz"])
        rows.append([
            f"`{row['board']}`", row["shape"], row["folding"],
            f"{row['logic_cells']:,} of {row['board_cells']:,}", f"{row['predicted_cells']:,}",
            str(row["block_rams"]), f"{fmax:.1f} ({min(row['fmax_mhz']):.1f})",
            f"{row['clock_mhz']:g}", str(row["cycles"]),
            f"{1e6 * row['clock_mhz'] / row['cycles']:,.0f}"])
    return markdown.table(["board", "network", "folding", "logic cells", "predicted",
                           "block RAMs", "Fmax, MHz: median (least)", "clock, MHz", "cycles",
                           "inferences/s"], rows)


def clock_rows(out: Path) -> Iterator[list[str]]:
    """Build the trained network for each part with its usual clock and with the best; what was
    built before is read."""
    network = network_of(SHAPE)
    for name in tqdm(CLOCKED, unit="board", disable=None):
        board = boards.find(name)
        plan = choose(network, board, None)
        usual, folder = default_clock(board, plan), out / "clocks" / name
        if not is_of(folder, network, plan):
            clocking.build(network, board, plan, folder, clock=usual, seed=1, always=True)
        report = Built.load(folder).report
        before = clocks(board, usual)[0].output / 1e6
        yield [f"`{name}`", str(plan), f"{before:g}", f"{report.clock_mhz:g}",
               f"{report.clock_mhz / before - 1:+.0%}", f"{report.fmax_mhz:.1f}",
               f"{report.inferences_per_second_layers:,}"]


def one_layers() -> dict[str, Layer]:
    """The layers that are made in several ways."""
    return {"64x64, random weights": random_network((64, 64, 10), seed=1).layers[0],
            "200x128, trained on digits": Network.load(TRAINED).layers[0]}


def form_rows(out: Path) -> Iterator[list[str]]:
    """Count what each form of each layer takes of an ECP5, after synthesis."""
    jobs = [(name, layer, form) for name, layer in one_layers().items()
            for form in one_layer.FORMS]
    for name, layer, form in tqdm(jobs, unit="design", disable=None):
        cells = one_layer.cells(form, layer, out / "rivals" / f"{name.split(',')[0]}-{form}")
        yield [name, form, f"{cells:,.0f}", f"{cells / layer.weights.size:.2f}"]
