"""A design that is placed again is there whole, and is its own seed's."""

import json

import pytest

import boards
from hw.flow.compared import comparison
from hw.flow.tools.toolchain import ToolFailed
from hw.plan.folding import Hardwired, parse
from sw.golden.network import random_network

BOARD = boards.find("icestick")
REPORT = {"utilization": {"ICESTORM_LC": {"used": 7}, "ICESTORM_RAM": {"used": 2}},
          "fmax": {"clk": {"constraint": 120.0, "achieved": 130.0}}}
# In the place of nextpnr: it looks for another seed's report, writes its own in two steps.
NEXTPNR = """
test ! -e top.report.json || exit 7
head -c 60 report.txt > top.report.json
test ! -e BREAKS || { echo 'ERROR: out of luck' >&2; exit 1; }
echo "$2" > top.seed.json; cat report.txt > top.report.json
"""


@pytest.fixture
def first(tmp_path, monkeypatch):
    """What a build of the first seed leaves."""
    folder = tmp_path / "seed-1"
    folder.mkdir()
    tool = tmp_path / "nextpnr"
    tool.write_text("#!/bin/sh\n" + NEXTPNR.replace("report.txt", f"{tmp_path}/report.txt").replace(
        "BREAKS", f"{tmp_path}/breaks"))
    tool.chmod(0o755)
    monkeypatch.setenv("NEXTPNR_ICE40", str(tool))
    (tmp_path / "report.txt").write_text(json.dumps(REPORT))
    (folder / "build_top.sh").write_text('"$YOSYS" top.ys\n"$NEXTPNR_ICE40" --seed 1 --json\n')
    for name in "top.json", "top.report.json":
        (folder / name).write_text("of the first seed")
    return folder


def test_another_seed_is_placed_once(first):
    for _ in range(2):
        placed = comparison.place_again(first, BOARD, 2)
        assert (placed.logic_cells[0], placed.fmax_mhz) == (7, 130.0)
        (first / "build_top.sh").write_text("false\n")
    assert (first.with_name("seed-2") / "top.seed.json").read_text() == "2\n"
    assert (first / "top.report.json").read_text() == "of the first seed"


def test_half_a_placement_is_not_believed(first):
    (first.parent / "breaks").touch()
    with pytest.raises(ToolFailed, match=r"seed 2: nextpnr failed: ERROR: out of luck$"):
        comparison.place_again(first, BOARD, 2)
    assert sorted(path.name for path in first.parent.iterdir() if path.is_dir()) == ["seed-1"]
    (first.parent / "breaks").unlink()
    assert comparison.place_again(first, BOARD, 2).fmax_mhz == 130.0


@pytest.mark.parametrize("network, plan, is_of", [
    (random_network((48, 9, 3)), parse("2x24", (48, 9, 3)), True),
    (random_network((48, 9, 3), seed=1), parse("2x24", (48, 9, 3)), False),
    (random_network((48, 9, 3)), parse("1x24", (48, 9, 3)), False),
    (random_network((48, 9, 3)), Hardwired(), False),
])
def test_a_build_of_something_else_is_not_believed(tmp_path, network, plan, is_of):
    assert not comparison.is_of(tmp_path, network, plan)
    made = random_network((48, 9, 3))
    made.save(tmp_path / "network.safetensors")
    (tmp_path / "report.json").write_text(json.dumps(
        {"board": "icestick", "reloadable": False, "folding": "2x24"}))
    assert comparison.is_of(tmp_path, network, plan) == is_of
