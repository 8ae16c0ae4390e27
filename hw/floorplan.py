"""Where a build's logic lies on the part: ``python -m hw.floorplan BUILD --plot FILE``."""

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sw.golden import regular
from sw.terminal.command import Parser, command

__all__ = ["Cell", "main", "placed"]

SOURCE = re.compile(r"\bhw/(?:\w+/)*(\w+)\.py\b")
# Places are X5/Y10/lc3 on iCE40, X5/Y10/SLICEC.K1 on ECP5, X5Y10/LUT6 on Gowin.
PLACE = re.compile(r"X(\d+)/?Y(\d+)/(.*)")
LOGIC = re.compile(r"(?:lc|LUT|ALU|SLICE([A-D])\.K)(\d)")
RAM = re.compile(r"ram|EBR\d|BSRAM")
MEMORY = re.compile(r"accelerator\.engine\.(?:\w+\.)*?(layer|readout)")
OTHER = "other"


@dataclass(frozen=True)
class Cell:
    """A cell of a part that a design uses.

    Attributes
    ----------
    x, y : int
        Its tile, as nextpnr numbers them.
    z : int
        Its place within the tile.
    is_ram : bool
        Whether it is a block RAM and not a logic cell.
    part : str
        The module of ``hw`` whose register, memory or next register's input it is; ``other``
        where that cannot be told.
    """

    x: int
    y: int
    z: int
    is_ram: bool
    part: str


def placed(netlist: dict) -> list[Cell]:
    """Read the cells of what nextpnr wrote: its logic cells and block RAMs, in no order.

    Yosys keeps the source of a register, but not that of a lookup table, which may come from many
    lines. So a cell without one is counted with those that its output goes to, the most frequent
    of them winning; then, if there are none, with those its inputs come from.
    """
    cells = netlist["modules"]["top"]["cells"]
    parts = {name: part for name, cell in cells.items() if (part := _source(name, cell))}
    readers, drivers = _neighbours(cells)
    for neighbours in (readers, drivers):
        _spread(parts, neighbours)
    found = []
    for name, cell in cells.items():
        x, y, place = _place(cell)
        logic = LOGIC.fullmatch(place)
        if logic or RAM.fullmatch(place):
            z = 2 * "ABCD".index(logic[1] or "A") + int(logic[2]) if logic else 0
            found.append(Cell(x, y, z, not logic, parts.get(name, OTHER)))
    return found


def _source(name: str, cell: dict) -> str | None:
    """Name the module that a cell is from, if Yosys has kept it."""
    if source := SOURCE.search(cell["attributes"].get("src", "")):
        return source[1]
    # A memory is no line's, but keeps its name. Tables beside it are often named after it.
    memory = MEMORY.match(name) if RAM.fullmatch(_place(cell)[2]) else None
    return memory[1] if memory else None


def _place(cell: dict) -> tuple[int, int, str]:
    """Return the tile and the place in it."""
    x, y, place = PLACE.fullmatch(cell["attributes"]["NEXTPNR_BEL"]).groups()
    return int(x), int(y), place


def _neighbours(cells: dict) -> tuple[dict, dict]:
    """Return, for each cell, those which read it, and those which it reads."""
    driver = {bit: name for name, cell in cells.items() for bit in _bits(cell, "output")}
    readers, drivers = defaultdict(list), defaultdict(list)
    for name, cell in cells.items():
        for bit in _bits(cell, "input"):
            if bit in driver:
                readers[driver[bit]].append(name)
                drivers[name].append(driver[bit])
    return readers, drivers


def _bits(cell: dict, direction: str) -> Iterable[int]:
    for port, bits in cell["connections"].items():
        if cell["port_directions"][port] == direction:
            yield from bits


def _spread(parts: dict[str, str], neighbours: dict[str, list[str]]) -> None:
    """Return cells without a part that of most of their neighbours, until nothing changes."""
    open_ = [name for name in neighbours if name not in parts]
    while open_:
        new = {}
        for name in open_:
            if counts := Counter(parts[each] for each in neighbours[name] if each in parts):
                new[name] = max(sorted(counts), key=counts.__getitem__)
        if not new:
            return
        parts.update(new)
        open_ = [name for name in open_ if name not in new]


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m hw.floorplan", description=__doc__)
    parser.add_argument("build", metavar="BUILD", type=Path,
                        help="folder of a bitstream that python -m hw.build made")
    parser.add_argument("--plot", metavar="FILE", type=Path,
                        help="picture, as .png, .svg or .pdf (default: floorplan.png in BUILD)")
    return parser.parse_args(argv)


@command("there is no picture")
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    # Imported here, as in all commands of hw: --help needs no Amaranth.
    from hw.flow.built import MAX_TEXT, Built, reading
    from hw.flow.compared import plots as plot
    from hw.flow.tools.family import PLACED

    file = args.plot or args.build / "floorplan.png"
    built = Built.load(args.build)
    with reading(args.build / PLACED) as netlist:
        cells = placed(regular.read_json(netlist, MAX_TEXT))
    plot.draw_floorplan(cells, built.report, file)
    print(f"the picture is in {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
