"""One layer as logic, made in three ways and synthesised alike, for :mod:`hw.bench`.

Any native Yosys on PATH is preferred here, old ones too: YoWASP's takes hours over sums that nobody
has structured.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from hw.blocks.hardwired import HardwiredLayer
from hw.flow.tools import toolchain, verilog
from sw.golden.network import Layer

__all__ = ["FORMS", "cells"]

SAMPLE = 16    # Neurons of a large layer's behavioural form, which alone takes minutes.


def ours(layer: Layer, folder: Path) -> list[Path]:
    """The layer of :mod:`hw.blocks.hardwired`, thresholds and registers included."""
    file = folder / "layer.v"
    file.write_text(verilog.convert(HardwiredLayer(layer), "layer"))
    return [file]


def da4ml(layer: Layer, folder: Path) -> list[Path]:
    """The sums of the layer alone, by the solver of da4ml (LGPL-3)."""
    # Takes seconds, and is needed here alone.
    try:
        from da4ml.codegen import VerilogModel
        from da4ml.trace import FixedVariableArrayInput, comb_trace
    except ImportError:
        raise toolchain.ToolNotFound("da4ml was not found. Try: pip install da4ml") from None

    x = FixedVariableArrayInput((layer.n_in,)).quantize(0, 1, 0)
    sums = x @ (2.0 * layer.weights.T - 1)
    VerilogModel(comb_trace(x, sums), "layer", folder, print_latency=False).write()
    # Its module for tables names a file that is not there.
    return [file for file in sorted(folder.rglob("*.v")) if file.name != "lookup_table.v"]


def behavioural(layer: Layer, folder: Path) -> list[Path]:
    """The sums of the layer alone, as one would write them down, of ``SAMPLE`` neurons."""
    width = layer.n_in.bit_length()
    counts = [" + ".join(f"{'' if weight else '!'}x[{index}]"
                         for index, weight in enumerate(row)) for row in layer.weights[:SAMPLE]]
    file = folder / "layer.v"
    file.write_text("\n".join([
        f"module layer(input [{layer.n_in - 1}:0] x,",
        f"             output [{width * len(counts) - 1}:0] y);",
        *(f"  assign y[{width * number} +: {width}] = {count};"
          for number, count in enumerate(counts)), "endmodule", ""]))
    return [file]


FORMS: dict[str, Callable[[Layer, Path], list[Path]]] = {
    "ours": ours, "da4ml": da4ml, "behavioural": behavioural}


def cells(form: str, layer: Layer, folder: Path) -> float:
    """Count the cells of an ECP5 that a form of a layer takes after synthesis.

    A carry cell takes the place of two tables. What was counted before is read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "stat.txt").exists():
        _synthesise(form, layer, folder)
    used = dict.fromkeys(["LUT4", "CCU2C"], 0)
    for line in (folder / "stat.txt").read_text().splitlines():
        # A name and a number, in either order: Yosys has changed it.
        words = line.split()
        for kind in used:
            if len(words) == 2 and kind in words:
                used[kind] = int(words[1 - words.index(kind)])
    counted = used["LUT4"] + 2 * used["CCU2C"]
    return counted * layer.n_out / SAMPLE if form == "behavioural" else counted


def _synthesise(form: str, layer: Layer, folder: Path) -> None:
    sources = " ".join(str(file.relative_to(folder)) for file in FORMS[form](layer, folder))
    yosys = shutil.which("yosys") or toolchain.find("yosys")
    toolchain.run([yosys, "-q", "-p", f"read_verilog -sv {sources}; "
                   "synth_ecp5 -nowidelut -top layer; flatten; tee -q -o stat.tmp stat"], folder)
    (folder / "stat.tmp").replace(folder / "stat.txt")
