"""Which design is on the front, how small it is built, and what is no run."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import boards
from hw.bench import main
from hw.flow.compared import front
from hw.flow.compared.front import Design
from sw.golden import forward
from sw.golden.network import random_network
from sw.golden.stages import Signature
from sw.golden.trees import Trees

BOARD = boards.find("icestick")
ONE = Design("a", "serial 1x4", "mnist", 90.0, 500, 10, 90, 100.0, 1000.0, 2000.0, "nothing")


@pytest.mark.parametrize("accuracy, cells, is_on", [
    (90.0, 500, True), (90.0, 499, False), (90.1, 500, False), (89.9, 1, True), (99.0, 501, True)],
    ids=["a twin", "as good and smaller", "better and as small", "worse", "larger"])
def test_the_front_is_what_nothing_beats(accuracy, cells, is_on):
    others = [ONE, replace(ONE, accuracy=accuracy, logic_cells=cells)]
    assert front.on_front(ONE, others, "logic_cells") == is_on


def test_a_row_says_all_of_a_design():
    better = replace(ONE, name="b", accuracy=95.0, logic_cells=1400, block_rams=9)
    assert front.rows([ONE, better]) == [
        ["a", "serial 1x4", "90.00", "500", "10", "100.0", "90", "1,000", "2,000", "nothing",
         "cells"],
        ["b", "serial 1x4", "95.00", "1,400", "9", "100.0", "90", "1,000", "2,000", "nothing",
         "cells and RAMs"]]
    worse = replace(ONE, accuracy=1.0, logic_cells=501, block_rams=11)
    assert front.rows([ONE, worse])[1][-1] == "neither"
    assert len(front.heading([ONE])) == 11 and "mnist's test images, %" in front.heading([ONE])


@pytest.mark.parametrize("text, plan", [
    ("200-128-10", "serial 1x4"), ("784-64-10", "serial 1x4"),
    ("28x28x1:8-16s2-32p-64p-10", "serial 1x8")])
def test_it_is_as_small_as_keeps_up_with_the_link(text, plan):
    assert str(front.smallest(random_network(Signature.parse(text), 1), BOARD)) == plan


@pytest.mark.parametrize("text, flat", [
    ("4x3x1-d5-3", "12-5-3"), ("4x3x2-d5-3", "24-5-3"), ("4x3x1:2-d5-3", "4x3x1:2-d5-3"),
    ("4x3x1-2-3", "4x3x1-2-3"), ("4x4x1-2p-3", "4x4x1-2p-3"), ("12-5-3", "12-5-3")])
def test_a_map_that_is_a_code_is_taken_as_one(text, flat):
    network = random_network(Signature.parse(text), 1)
    codes = np.random.default_rng(0).integers(0, 2, (9, network.n_in), np.uint8)
    found = front._flat(network)
    assert str(found) == flat
    assert (forward.classify_all(found, codes) == forward.classify_all(network, codes)).all()


def test_what_no_link_carries_is_refused(tmp_path, capfd):
    (tmp_path / "metrics.json").write_text(json.dumps(GOOD | {"accuracy": {"trees": 9.0}}))
    nodes = np.zeros((257, 1, 2), np.uint16)
    Trees(9, nodes, nodes.astype(np.int8)).save(tmp_path / "trees.safetensors")
    assert main(["front", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert capfd.readouterr().err == (f"error: {tmp_path} cannot be built for icestick: The link "
                                      "carries 1 to 256 classes, not 257\n")


def test_foreign_files_and_equal_names_are_refused(tmp_path, capfd):
    runs = [tmp_path / "a/mine", tmp_path / "b/mine"]
    for run in runs:
        run.mkdir(parents=True)
        (run / "metrics.json").write_text(json.dumps(GOOD | {"accuracy": {"trees": 9.0}}))
        nodes = np.zeros((2, 1, 2), np.uint16)
        Trees(9, nodes, nodes.astype(np.int8)).save(run / "trees.safetensors")
    kept = tmp_path / "out/front/mine/thesis.tex"
    kept.parent.mkdir(parents=True)
    kept.write_text("years of work")
    for given, said in (runs, "The folders of runs must have names that differ, and 'mine' is "
                              "there twice"), (runs[:1], "must be a folder of placed trees"):
        assert main(["front", *map(str, given), "--out", str(tmp_path / "out")]) == 2
        assert said in capfd.readouterr().err
    assert kept.exists()


NO_RUN = (r"error: .*metrics.json must be the metrics of a finished run with an accuracy of on_chip"
          r", hybrid or trees: give the folders of such runs")
GOOD = {"data": "mnist", "accuracy": {"on_chip": 90.0}}


@pytest.mark.parametrize("metrics, said", [
    ([], "front takes folders of runs, and nothing else does: hw.bench front RUN"),
    ([None], NO_RUN), ([{}], NO_RUN), ([[1]], NO_RUN), ([{"data": "mnist", "accuracy": 1}], NO_RUN),
    ([GOOD | {"accuracy": {"stack": 1.0}}], NO_RUN),
    ([GOOD | {"accuracy": {"on_chip": 1.0, "trees": 2.0}}], NO_RUN),
    ([GOOD | {"encoder": {"macs": "many"}}], NO_RUN),
    ([GOOD | {"encoder": {"macs": float("inf")}}], NO_RUN),
    ([GOOD | {"accuracy": {"on_chip": float("nan")}}], NO_RUN),
    ([GOOD, GOOD | {"data": "digits"}],
     "error: The runs must be of one data set, not of digits and mnist: leave some of them out"),
], ids=["nothing", "no file", "empty", "a list", "no phases", "another phase", "two phases",
        "no number", "endless work", "accuracy of nothing", "two data sets"])
def test_what_is_no_run_is_refused(tmp_path, capfd, metrics, said):
    folders = []
    for number, each in enumerate(metrics):
        folder = tmp_path / str(number)
        folder.mkdir()
        folders.append(str(folder))
        if each is not None:
            (folder / "metrics.json").write_text(json.dumps(each))
    try:
        code = main(["front", *folders, "--out", str(tmp_path / "out")])
    except SystemExit as error:
        code = error.code
    assert code == 2 and not (tmp_path / "out").exists()
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert re.search(said, err)
