"""Runs and trees on one small part, side by side: what they get right, and what they take for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import boards
from hw.flow.building import build, clocks, place, resources
from hw.flow.built import Built
from hw.flow.choosing import FILL, choose, default_clock
from hw.flow.compared.comparison import is_of, replacing
from hw.flow.report import Rates, Resources
from hw.flow.tools.toolchain import ToolFailed
from hw.plan import choice, plans, serial_cost
from hw.plan.cost import FABRICS
from hw.plan.plans import Plan
from hw.trees import TreeAccelerator, check, cycles_of
from sw.golden import networks, regular
from sw.golden.errors import UserError
from sw.golden.frame import n_request
from sw.golden.network import Network
from sw.golden.stages import Conv, Map, Pool, Signature
from sw.golden.trees import Trees
from sw.terminal import runs

__all__ = ["Design", "designs", "heading", "on_front", "rows", "smallest"]

BOARD = "icestick"
TREES = "trees.safetensors"
PHASES = ("on_chip", "hybrid", "trees")    # Whose accuracy is a design's.


@dataclass(frozen=True)
class Told:
    """What the metrics of a run say: the data set, the accuracy in per cent of its test images, and
    the multiply-accumulates of an encoder on the host, if there is one."""

    data: str
    accuracy: float
    encoder: int


@dataclass(frozen=True)
class Design:
    """A design that is placed.

    Attributes
    ----------
    name, engine : str
        What is computed, and by what.
    data : str
        Whose test images ``accuracy``, in per cent, is of.
    clock, fmax : float
        In MHz.
    rate, link_rate : float
        Images a second of the engine alone, and those that the link carries.
    host : str
        What is left to the host.
    """

    name: str
    engine: str
    data: str
    accuracy: float
    logic_cells: int
    block_rams: int
    clock: float
    fmax: float
    rate: float
    link_rate: float
    host: str


def designs(folders: Sequence[Path], out: Path) -> list[Design]:
    """Build the network or the trees of each folder, with the fewest cells that are predicted; what
    is built is read.

    Raises
    ------
    UserError
        A folder is no finished run, or they are of several data sets.
    BuildError, ToolFailed
        One of them cannot be built.
    """
    told = [_told(folder / "metrics.json") for folder in folders]
    if len(data := sorted({each.data for each in told})) > 1:
        raise UserError(f"The runs must be of one data set, not of {' and '.join(data)}: leave "
                        "some of them out")
    names = [folder.resolve().name for folder in folders]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"The folders of runs must have names that differ, and {twice[0]!r:.40} is "
                        "there twice")
    found = [_design(folder, out / "front" / folder.resolve().name, each)
             for folder, each in zip(folders, told)]
    return sorted(found, key=lambda each: each.logic_cells)


def _told(file: Path) -> Told:
    """Read the metrics of a run."""
    try:
        metrics = regular.read_json(file)
        accuracy, = [_percent(metrics["accuracy"][phase]) for phase in PHASES
                     if phase in metrics["accuracy"]]
        encoder = metrics.get("encoder")
        return Told(str(metrics["data"]), accuracy, int(encoder["macs"]) if encoder else 0)
    except (ValueError, LookupError, TypeError, OverflowError, FileNotFoundError,
            NotADirectoryError):
        raise UserError(f"{file} must be the metrics of a finished run with an accuracy of "
                        f"{', '.join(PHASES[:-1])} or {PHASES[-1]}: give the folders of such runs"
                        ) from None


def _percent(number: float) -> float:
    if not 0 <= (percent := float(number)) <= 100:
        raise ValueError("no per cent")
    return percent


def _design(folder: Path, out: Path, told: Told) -> Design:
    board = boards.find(BOARD)
    try:
        if (folder / TREES).exists():
            return _of_trees(Trees.load(folder / TREES), board, out, told)
        return _of_network(_flat(networks.load(runs.network_file(folder))), board, out, told)
    except ValueError as error:
        raise UserError(f"{folder} cannot be built for {BOARD}: {error}") from None


def _of_network(network: Network, board: boards.Board, out: Path, told: Told) -> Design:
    plan = smallest(network, board)
    if not is_of(out, network, plan):
        build(network, board, plan, out, clock=default_clock(board, plan), seed=1, must_meet=False)
    report = Built.load(out).report
    rates = Rates(network, board, plan, report.clock_mhz * 1e6)
    host = (f"the encoder, {told.encoder:,} multiply-accumulates" if told.encoder else
            "pixels to bits" if network.input.bits == 1 else "nothing")
    return Design(str(network), str(plan), told.data, told.accuracy, report.logic_cells[0],
                  report.block_rams[0], report.clock_mhz, report.fmax_mhz, rates.layers,
                  _link_rate(network.n_in, board), host)


def _flat(network: Network) -> Network:
    """Return a network that takes a map of bits into a fully connected stage as one that takes
    them as a code: the bits and their order are the same, and fill the words of an engine."""
    takes, stages = network.input, network.signature.stages
    if isinstance(stages[0], Conv | Pool) or takes.bits > 1:
        return network
    return Network(network.layers, network.readout,
                   Signature(Map(1, 1, network.n_in), stages))


def _of_trees(trees: Trees, board: boards.Board, out: Path, told: Told) -> Design:
    check(trees)
    pll, divisor = clocks(board, board.serial_clock or board.clock)
    cycles, placed = cycles_of(trees), _placed(trees, board, out)
    if placed is None:
        if out.exists() and not (out / TREES).exists():
            raise UserError(f"{out} must be a folder of placed trees, and has none: move it away, "
                            "or give another --out")
        with replacing(out) as new:
            design = TreeAccelerator(trees, clock=pll.output)
            placed = place(design, board, new, pll=pll, divisor=divisor, seed=1)
            trees.save(new / TREES)
    return Design(str(trees), "a node every three cycles", told.data, told.accuracy,
                  placed.logic_cells[0], placed.block_rams[0], pll.output / 1e6, placed.fmax_mhz,
                  pll.output / cycles, _link_rate(trees.n_in, board), "pixels to bits")


def _placed(trees: Trees, board: boards.Board, folder: Path) -> Resources | None:
    """Return what these trees take, if they lie in a folder."""
    try:
        there = Trees.load(folder / TREES)
        return resources(folder, board) if there.same(trees) else None
    except (UserError, ToolFailed, OSError):
        return None


def smallest(network: Network, board: boards.Board) -> Plan:
    """Return the plan with the fewest cells, as predicted, that keeps up with the link; if none
    that fits does, the fastest that fits."""
    fabric, signature = FABRICS[board.family], network.signature
    priced: list[tuple[Plan, choice.Cost]] = [*serial_cost.front(signature, board.family)]
    if signature.widths:
        priced += choice.front(signature.widths, fabric)
    enough = [(cost.logic_cells, number) for number, (plan, cost) in enumerate(priced)
              if cost.fits(int(FILL * board.logic_cells), board.block_rams)
              and default_clock(board, plan) / plans.period(plan, signature)
              >= _link_rate(network.n_in, board)]
    return priced[min(enough)[1]][0] if enough else choose(network, board, None)


def _link_rate(n_in: int, board: boards.Board) -> float:
    return board.as_uart / (10 * n_request(n_in))


def on_front(each: Design, others: Sequence[Design], what: str) -> bool:
    """Return whether no other design gets as much right with less of ``what``, or more with as
    much."""
    taken = getattr(each, what)
    return not any(other.accuracy >= each.accuracy and getattr(other, what) <= taken
                   and (other.accuracy > each.accuracy or getattr(other, what) < taken)
                   for other in others)


def heading(found: Sequence[Design]) -> list[str]:
    """Name the columns of :func:`rows`."""
    return ["design", "engine", f"{found[0].data}'s test images, %", "logic cells", "block RAMs",
            "Fmax, MHz", "clock, MHz", "engine, images/s", "link, images/s", "left to the host",
            "on the front of"]


def rows(found: Sequence[Design]) -> list[list[str]]:
    """Return a row for each design, and say which of them no other beats in cells, or in RAMs."""
    return [[each.name, each.engine, f"{each.accuracy:.2f}", f"{each.logic_cells:,}",
             str(each.block_rams), f"{each.fmax:.1f}", f"{each.clock:g}", f"{each.rate:,.0f}",
             f"{each.link_rate:,.0f}", each.host,
             " and ".join(name for name, what in (("cells", "logic_cells"), ("RAMs", "block_rams"))
                          if on_front(each, found, what)) or "neither"] for each in found]
