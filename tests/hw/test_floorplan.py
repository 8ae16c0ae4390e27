"""Whose a cell is, and one line for a folder without a picture in it."""

import pytest

from hw import build, floorplan
from hw.floorplan import Cell
from sw.golden.network import random_network


def netlist(*cells):
    """Make what nextpnr writes of cells: name, type, place, source, bits in and bit out."""
    return {"modules": {"top": {"cells": {name: {
        "type": kind, "attributes": {"NEXTPNR_BEL": bel} | ({"src": source} if source else {}),
        "port_directions": {"I": "input", "O": "output"},
        "connections": {"I": into, "O": [out]},
    } for name, kind, bel, source, into, out in cells}}}}


@pytest.mark.parametrize("cells, parts", [
    ([], []),
    ([("a", "ICESTORM_LC", "X1/Y2/lc3", "/x/hw/link.py:69|/share/ff_map.v:9", [], 1)], ["link"]),
    # Nothing says whose it is.
    ([("a", "ICESTORM_LC", "X1/Y2/lc3", "", [], 1)], ["other"]),
    ([("a", "ICESTORM_LC", "X1/Y2/lc3", "/share/hw_map.v:1", [], 1)], ["other"]),
    # Pins and PLLs are no logic.
    ([("a", "SB_IO", "X1/Y2/io0", "/x/hw/link.py:69", [], 1)], []),
    # A table goes with those that read it, the most of them; through other tables too.
    ([("a", "ICESTORM_LC", "X1/Y2/lc0", "", [], 1), ("b", "ICESTORM_LC", "X1/Y2/lc1", "", [1], 2),
      ("c", "ICESTORM_LC", "X1/Y2/lc2", "hw/blocks/wire/crc.py:1", [2], 3),
      ("d", "ICESTORM_LC", "X1/Y2/lc3", "hw/blocks/wire/uart.py:1", [2], 4),
      ("e", "ICESTORM_LC", "X1/Y2/lc4", "hw/blocks/wire/uart.py:1", [2], 5)],
     ["uart", "uart", "crc", "uart", "uart"]),
    # Nothing of the design reads it: it goes with what it reads.
    ([("a", "ICESTORM_LC", "X1/Y2/lc0", "hw/blocks/wire/crc.py:1", [], 1),
      ("b", "ICESTORM_LC", "X1/Y2/lc1", "", [1], 2)], ["crc", "crc"]),
    # Two that read each other, and nothing else.
    ([("a", "ICESTORM_LC", "X1/Y2/lc0", "", [2], 1), ("b", "ICESTORM_LC", "X1/Y2/lc1", "", [1], 2)],
     ["other", "other"]),
    ([("accelerator.engine.layer_0.weights.memory.0.0", "ICESTORM_RAM", "X3/Y1/ram", "", [], 1),
      ("accelerator.engine.readout.weights.memory.0.0", "ICESTORM_RAM", "X3/Y3/ram", "", [], 2)],
     ["layer", "readout"]),
    # A table has its memory's name, and is not its module's for that.
    ([("accelerator.engine.layer_0.weights.memory.0.0_RADDR_LC", "ICESTORM_LC", "X1/Y2/lc0", "", [],
       1), ("b", "ICESTORM_LC", "X1/Y2/lc1", "hw/blocks/wire/link.py:3", [1], 2)],
     ["link", "link"])])
def test_whose_a_cell_is(cells, parts):
    assert [cell.part for cell in floorplan.placed(netlist(*cells))] == parts


@pytest.mark.parametrize("place, cells", [
    ("X12/Y3/lc7", [Cell(12, 3, 7, False, "other")]),
    ("X10/Y5/ram", [Cell(10, 5, 0, True, "other")]),
    ("X4/Y20/SLICEC.K1", [Cell(4, 20, 5, False, "other")]),
    ("X4/Y20/EBR3", [Cell(4, 20, 0, True, "other")]),
    ("X4Y20/LUT6", [Cell(4, 20, 6, False, "other")]),
    ("X4Y20/ALU2", [Cell(4, 20, 2, False, "other")]),
    ("X4Y20/BSRAM", [Cell(4, 20, 0, True, "other")]),
    # Registers lie beside the tables, pins and PLLs elsewhere.
    ("X4/Y20/SLICEC.FF1", []), ("X4Y20/DFF1", []), ("X1/Y2/io0", []), ("X0/Y2/pll_3", [])])
def test_where_a_cell_lies(place, cells):
    assert floorplan.placed(netlist(("a", "x", place, "", [], 1))) == cells


@pytest.mark.parametrize("file, text, said", [
    ("report.json", None, "report.json is missing: give the folder of a build, or make one with "
                          "python -m hw.build"),
    ("top.pnr.json", None, "top.pnr.json is missing: give the folder of a build, or make one with "
                           "python -m hw.build"),
    ("top.pnr.json", "[]", "top.pnr.json is damaged: build it anew with python -m hw.build"),
    ("top.pnr.json", "{", "top.pnr.json is damaged: build it anew with python -m hw.build"),
    ("top.pnr.json", '{"modules": {"top": {"cells": {"a": {}}}}}',
     "top.pnr.json is damaged: build it anew with python -m hw.build")])
def test_no_picture(made, capsys, tmp_path, file, text, said):
    for name, whole in made.items():
        (tmp_path / name).write_bytes(whole)
    (tmp_path / file).unlink() if text is None else (tmp_path / file).write_text(text)
    assert floorplan.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / said}\n"
    assert not (tmp_path / "floorplan.png").exists()


def test_no_picture_of_what_is_no_folder(capsys, tmp_path):
    file = tmp_path / "network.safetensors"
    file.touch()
    assert floorplan.main([str(file)]) == 2
    assert capsys.readouterr().err == (f"error: {file / 'report.json'} is missing: give the folder "
                                       "of a build, or make one with python -m hw.build\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("build")
    random_network((16, 8, 2)).save(folder / "network.safetensors")
    assert build.main(["--board", "icestick", "--network", str(folder), "--out", str(folder)]) == 0
    return {name: (folder / name).read_bytes()
            for name in ("report.json", "network.safetensors", "top.pnr.json")}
