"""Build many networks, and other makers' engines, and line them up: ``python -m hw.bench``."""

import argparse
import json
import random
import statistics
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

import boards
from hw import folding, rivals
from hw.build import BuildError, build, choose
from hw.cost import FABRICS, parts
from hw.folding import Plan, candidates
from hw.toolchain import ToolFailed, ToolNotFound
from sw.golden.command import INTERRUPTED, Parser, fail
from sw.golden.network import Layer, Network, atomic_write, random_network

__all__ = ["Case", "main"]

Shape = tuple[int, ...]

SHAPES: list[Shape] = [(200, 128, 10), (200, 128, 2), (64, 64, 10), (200, 64, 32, 10)]
SEEDS = (1, 2, 3, 4, 5)
# One of each family. A part that is nearly full is packed more tightly, and so tells less.
COST_BOARDS = ("ice40_hx8k_b_evn", "ulx3s_25f", "tang_nano_9k")


@dataclass(frozen=True)
class Case:
    """One design to build, with every seed."""

    board: str
    shape: Shape
    plan: Plan
    seeds: tuple[int, ...] = SEEDS

    @property
    def folder(self) -> Path:
        return Path(self.board, "-".join(map(str, self.shape)), str(self.plan))


def of_boards() -> list[Case]:
    """The networks of the README on every board that they fit."""
    cases = []
    for name in boards.NAMES:
        board = boards.find(name)
        for shape in SHAPES:
            try:
                cases.append(Case(name, shape, choose(random_network(shape, seed=1), board, None)))
            except BuildError:
                continue
    return cases


def of_costs(kind: str, number: int) -> list[Case]:
    """Random shapes and foldings on one board of each family, others for each ``kind``."""
    cases = []
    for name in COST_BOARDS:
        board = boards.find(name)
        draw = random.Random(f"{kind} {name}")
        chosen: list[Case] = []
        while len(chosen) < number:
            shape = (*(draw.choice([draw.randint(8, 64), draw.randint(65, 256)])
                       for _ in range(draw.choice([2, 2, 2, 3, 4]))), draw.randint(2, 20))
            plan = draw.choice(list(candidates(shape)))
            price = FABRICS[board.family].cost(shape, plan)
            if price.fits(int(0.6 * min(board.logic_cells, 8000)), board.block_rams):
                chosen.append(Case(name, shape, plan, seeds=(1,)))
        cases += chosen
    return cases


def measure(case: Case, out: Path) -> dict:
    """Build a case with each of its seeds; what was built before is read."""
    network, board = random_network(case.shape, seed=1), boards.find(case.board)
    reports = []
    for seed in case.seeds:
        folder = out / case.folder / f"seed-{seed}"
        report = folder / "report.json"
        if not report.exists():
            try:
                build(network, board, case.plan, folder, clock=board.clock, seed=seed)
            except BuildError as error:
                if not report.exists():
                    return {"board": case.board, "shape": case.shape, "folding": str(case.plan),
                            "failed": str(error)}
        reports.append(json.loads(report.read_text()))
    price = FABRICS[board.family].price(network, case.plan)
    cells = statistics.median_low(report["logic_cells"][0] for report in reports)
    return {
        "board": case.board, "family": board.family, "shape": case.shape,
        "folding": str(case.plan),
        "logic_cells": cells, "predicted_cells": price.logic_cells,
        "block_rams": reports[0]["block_rams"][0], "predicted_rams": price.block_rams,
        "cycles": case.plan.period(case.shape),
        "fmax_mhz": [report["fmax_mhz"] for report in reports],
        "clock_mhz": reports[0]["clock_mhz"],
    }


def rows(cases: list[Case], out: Path, jobs: int) -> Iterator[dict]:
    """Measure all cases, several at a time, with a progress bar."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from tqdm(pool.map(lambda case: measure(case, out), cases), total=len(cases),
                        unit="design", disable=None)


def fitted(measured: list[dict], family: str) -> dict[str, float]:
    """Fit the cells of each part of an accelerator to what was placed, see :mod:`hw.cost`.

    Relative errors count, and a little the distance from the coefficients of today, so that a part
    that hardly occurs keeps its own.
    """
    placed = [row for row in measured if row.get("family") == family]
    plans = [(row["shape"], folding.parse(row["folding"], row["shape"])) for row in placed]
    today = FABRICS[family].cells
    counts = np.array([[parts(*plan)[name] for name in today] for plan in plans])
    cells = np.array([row["logic_cells"] for row in placed])
    prior = np.array(list(today.values()))
    weight = 0.04 / np.maximum(prior, 0.1)
    found, *_ = np.linalg.lstsq(
        np.vstack([counts / cells[:, None], np.diag(weight)]),
        np.concatenate([np.ones(len(cells)), weight * prior]))
    return {name: round(float(value), 2) for name, value in zip(today, found)}


def table(measured: list[dict]) -> str:
    """Line up the measured designs."""
    lines = ["board             network            folding        cells  predicted  RAMs  cycles"
             "   Fmax, median (least)  inferences/s"]
    for row in measured:
        shape = "-".join(map(str, row["shape"]))
        if "failed" in row:
            lines.append(f"{row['board']:17} {shape:18} {row['folding']:12} {row['failed'][:60]}")
            continue
        error = row["predicted_cells"] / row["logic_cells"] - 1
        fmax = statistics.median(row["fmax_mhz"])
        wrong = "" if row["predicted_rams"] == row["block_rams"] else f"({row['predicted_rams']})"
        lines.append(
            f"{row['board']:17} {shape:18} {row['folding']:13} {row['logic_cells']:6,}  "
            f"{error:+8.1%}  {row['block_rams']:4}{wrong}  {row['cycles']:6}  {fmax:9.1f} "
            f"({min(row['fmax_mhz']):.1f})  {1e6 * fmax / row['cycles']:14,.0f}")
    return "\n".join(lines)


TRAINED = Path(__file__).parents[1] / "sim/data/digits.network.safetensors"


def of_rivals() -> dict[str, Layer]:
    """The layers that are made in several ways; the behavioural form of the large one takes hours.
    """
    return {"64x64, random weights": random_network((64, 64, 10), seed=1).layers[0],
            "200x128, trained on digits": Network.load(TRAINED).layers[0]}


def rival_table(out: Path) -> str:
    """Line up what each form of each layer takes of an ECP5, after synthesis."""
    lines = ["layer                        form           cells  cells per synapse"]
    for name, layer in of_rivals().items():
        for form in rivals.FORMS:
            cells = rivals.cells(form, layer, out / "rivals" / f"{name.split(',')[0]}-{form}")
            lines.append(f"{name:27}  {form:12} {cells:7,}  {cells / layer.weights.size:17.2f}")
    return "\n".join(lines)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a positive whole number, not {text!r}")
    return int(text)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m hw.bench", description=__doc__)
    parser.add_argument("which", nargs="?", choices=("boards", "fit", "unseen", "rivals"),
                        default="boards",
                        help="boards: the README's table; fit, unseen: random designs for the "
                             "prediction of costs; rivals: the hard-wired engine beside da4ml's "
                             "(default: %(default)s)")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("build/bench"),
                        help="folder of all builds; what is there is not built again "
                             "(default: %(default)s)")
    parser.add_argument("--jobs", metavar="N", type=_positive, default=2,
                        help="builds at a time (default: %(default)s)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        if args.which == "rivals":
            print(rival_table(args.out))
            return 0
        cases = of_boards() if args.which == "boards" else of_costs(
            args.which, {"fit": 10, "unseen": 20}[args.which])
        measured = list(rows(cases, args.out, args.jobs))
    except (OSError, ToolFailed, ToolNotFound) as error:
        return fail(error)
    except KeyboardInterrupt:
        print("error: interrupted; what was built is kept, run it again to go on",
              file=sys.stderr)
        return INTERRUPTED
    args.out.mkdir(parents=True, exist_ok=True)
    atomic_write(args.out / f"{args.which}.json", json.dumps(measured, indent=1).encode())
    print(table(measured))
    if args.which == "fit":
        for family in FABRICS:
            print(f"{family}: {fitted(measured, family)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
