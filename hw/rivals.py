"""One layer as logic, made in three ways and synthesised alike, for :mod:`hw.bench`."""

import json
from collections.abc import Callable
from pathlib import Path

from hw import toolchain, verilog
from hw.hardwired import HardwiredLayer
from sw.golden.network import Layer

__all__ = ["FORMS", "cells"]


def ours(layer: Layer, folder: Path) -> list[Path]:
    """The layer of :mod:`hw.hardwired`, thresholds and registers included."""
    file = folder / "layer.v"
    file.write_text(verilog.convert(HardwiredLayer(layer), "layer"))
    return [file]


def da4ml(layer: Layer, folder: Path) -> list[Path]:
    """The sums of the layer alone, by the solver of da4ml (LGPL-3)."""
    # Takes seconds, and is needed here alone.
    from da4ml.codegen import VerilogModel
    from da4ml.trace import FixedVariableArrayInput, comb_trace

    x = FixedVariableArrayInput((layer.n_in,)).quantize(0, 1, 0)
    sums = x @ (2.0 * layer.weights.T - 1)
    VerilogModel(comb_trace(x, sums), "layer", folder, print_latency=False).write()
    # Its module for tables names a file that is not there.
    return [file for file in sorted(folder.rglob("*.v")) if file.name != "lookup_table.v"]


def behavioural(layer: Layer, folder: Path) -> list[Path]:
    """The sums of the layer alone, as one would write them down."""
    width = layer.n_in.bit_length()
    counts = [" + ".join(f"{'' if weight else '!'}x[{index}]"
                         for index, weight in enumerate(row)) for row in layer.weights]
    file = folder / "layer.v"
    file.write_text("\n".join([
        f"module layer(input [{layer.n_in - 1}:0] x,",
        f"             output [{width * layer.n_out - 1}:0] y);",
        *(f"  assign y[{width * number} +: {width}] = {count};"
          for number, count in enumerate(counts)), "endmodule", ""]))
    return [file]


FORMS: dict[str, Callable[[Layer, Path], list[Path]]] = {
    "ours": ours, "da4ml": da4ml, "behavioural": behavioural}


def cells(form: str, layer: Layer, folder: Path) -> int:
    """Count the cells of an ECP5 that a form of a layer takes after synthesis."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = " ".join(str(file.relative_to(folder)) for file in FORMS[form](layer, folder))
    toolchain.run([toolchain.find("yosys"), "-q", "-p", f"read_verilog -sv {sources}; "
                   "synth_ecp5 -nowidelut -top layer; tee -q -o stat.json stat -json"], folder)
    used = json.loads((folder / "stat.json").read_text())["design"]["num_cells_by_type"]
    # A carry cell takes the place of two tables.
    return used.get("LUT4", 0) + 2 * used.get("CCU2C", 0)
