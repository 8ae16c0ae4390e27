"""The page of a run: one file, with everything that the run's folder holds."""

import json
import re
from hashlib import sha256

import numpy as np
import pytest

from sw import report, train
from sw.export import page as pages
from sw.golden.bits import pack
from sw.golden.codes import load_codes, save_codes
from sw.training import hybrid, run
from sw.training.asked.config import Config
from sw.training.asked.effort import Effort

TINY = Config(hidden=(16,), effort=Effort(1, 100, 1, 64, 1), device="cpu")
BUILD = {"board": "icestick", "folding": "1x200", "logic_cells": [1020, 1280],
         "block_rams": [16, 16], "fmax_mhz": 145.86, "clock_mhz": 120.0,
         "cycles_per_inference": 128, "inferences_per_second_layers": 937500,
         "inferences_per_second_link": 9375}
RUNG = {"rung": 3, "left": "golden", "right": "generated Verilog", "vectors": 450,
        "unit": "codes", "result": "equal"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    hybrid.train(run.create(folder, TINY), *hybrid.load(TINY))
    return folder


@pytest.fixture(scope="module")
def page(finished):
    (finished / "build" / "icestick").mkdir(parents=True)
    (finished / "build" / "icestick" / "report.json").write_text(json.dumps(BUILD))
    (finished / "verify.json").write_text(json.dumps({"rungs": [RUNG]}))
    assert report.main([str(finished)]) == 0
    return (finished / "report.html").read_text()


@pytest.mark.parametrize("what", [
    "200-16-10 on digits, task ten", "<h2>Accuracy</h2>", "<h2>Training</h2>",
    "<h2>Confusion</h2>", "<h2>Drawn from 200 bits</h2>", "<h2>From image to class</h2>",
    "<h2>Misclassified</h2>", "1,020 of 1,280", "145.9", "937,500", "450 codes"])
def test_the_page_shows(page, what):
    assert what in page


def test_the_page_needs_no_other_file(page):
    sources = re.findall(r'(?:src|href)\s*=\s*"([^"]{0,22})', page)
    assert len(sources) >= 5 and set(sources) == {"data:image/png;base64,"}
    assert "http" not in re.sub(r'base64,[^"]*"', "", page)


@pytest.mark.parametrize("flags, shown", [
    (["--on-chip", "8s4p-d16"], ["28x28x1:8-8s4p-d16-10 on digits, task ten",
                                 "on chip: pixels in, class out", "<h2>From image to class</h2>"]),
    (["--on-chip", "3k1", "--pixels", "1"], ["28x28x1-3k1-10 on digits"])])
def test_the_page_of_a_run_on_the_chip(tmp_path, flags, shown):
    also = ["--epochs", "1", "--device", "cpu", "--out", str(tmp_path / "a")]
    assert train.main([*flags, *also]) == 0
    assert report.main([str(tmp_path / "a")]) == 0
    page = (tmp_path / "a" / "report.html").read_text()
    assert [what for what in shown if what not in page] == [] and "Drawn from" not in page


@pytest.fixture(scope="module")
def of_table(tmp_path_factory):
    """The run of a table whose classes have the names of formulas, half of them damaged ones."""
    folder = tmp_path_factory.mktemp("table")
    rows = "".join(f"{row},{('$a^$', '$_', 'c')[row % 3]}\n" for row in range(30))
    (folder / "t.csv").write_text(f"x,class\n{rows}")
    assert train.main(["--table", str(folder / "t.csv"), "--label", "class", "--epochs", "1",
                       "--hidden", "4", "--device", "cpu", "--out", str(folder / "run")]) == 0
    return folder / "run"


def test_names_are_no_formulas(of_table):
    assert report.main([str(of_table)]) == 0


@pytest.mark.parametrize("labels, code, said", [
    ([0, 2], 0, ""),
    ([], 2, "must have codes with labels below 3: take the file that the run wrote\n"),
    ([0, 3], 2, "must have codes with labels below 3: take the file that the run wrote\n")],
    ids=["one class less", "none", "another"])
def test_the_page_of_other_labels(of_table, capsys, labels, code, said):
    file = of_table / "codes.safetensors"
    good = file.read_bytes()
    try:
        codes, _ = load_codes(file)
        save_codes(file, pack(codes[:len(labels)]), np.array(labels, int), codes.shape[1])
        assert report.main([str(of_table)]) == code
        assert capsys.readouterr().err == (f"error: {file} {said}" if code else "")
    finally:
        file.write_bytes(good)


def test_the_page_of_names_of_other_classes(of_table, capsys):
    file = of_table / "encoding.json"
    good = file.read_text()
    try:
        file.write_text(json.dumps(json.loads(good) | {"classes": ["a", "b"]}))
        assert report.main([str(of_table)]) == 2
        assert capsys.readouterr().err == (
            f"error: {of_table} must have names of the network's 3 classes, not of 2: its files "
            "do not belong together\n")
    finally:
        file.write_text(good)


def test_a_split_encoder_has_no_decoder(finished):
    (finished / "split.json").write_text("{}")
    try:
        page = pages.report(finished, None).read_text()
    finally:
        (finished / "split.json").unlink()
    assert "Drawn from" not in page and "<h2>From image to class</h2>" in page


def test_names_are_no_markup(finished, tmp_path):
    folder = tmp_path / "<b>bold"
    folder.symlink_to(finished)
    pages.report(folder, None)
    assert "<b>" not in (finished / "report.html").read_text()


@pytest.mark.parametrize("found, titles", [
    ({}, ["Bit for bit"]),
    ({"network_sha256": sha256(b"this").hexdigest(),
      "plan": {"board": None, "folding": "1x200", "reloadable": True}},
     ["Bit for bit, 1x200, reloadable"]),
    ({"plan": {"board": "ulx3s_45f", "folding": "hardwired", "reloadable": False}},
     ["Bit for bit, ulx3s_45f, hardwired"]),
    ({"network_sha256": sha256(b"another").hexdigest()}, []),
])
def test_what_was_verified_is_of_this_network_and_plan(tmp_path, found, titles):
    (tmp_path / "network.safetensors").write_bytes(b"this")
    (tmp_path / "verify.json").write_text(json.dumps({"rungs": [RUNG]} | found))
    assert [section.heading for section in pages._rungs(tmp_path)] == titles


@pytest.mark.parametrize("files, said", [
    ([], r"error: .*/run is not the folder of a finished run: it has no metrics.json"),
    (["metrics.json"], r"error: .*/run is not the folder of a run: it has no config.json"),
    (["metrics.json", "config.json"], r"error: .*config.json is not the configuration of a run")])
def test_what_is_no_run_is_refused(tmp_path, capsys, files, said):
    (tmp_path / "run").mkdir()
    for file in files:
        (tmp_path / "run" / file).write_text("{}")
    assert report.main([str(tmp_path / "run")]) == 2
    assert re.fullmatch(said + "\n", capsys.readouterr().err)
