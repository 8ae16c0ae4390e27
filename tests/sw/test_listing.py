"""The list of runs: what it says of runs of every kind, and of what is none."""

import json
import os
from dataclasses import asdict
from xml.etree import ElementTree

import pytest

from sw.golden.errors import UserError
from sw.listing import HEADING, SORTS, Listed, find, main, table
from sw.training.asked.columns import TableConfig
from sw.training.asked.config import Config, DeepConfig
from sw.training.asked.stages import OnChipConfig

CONFIGS = {
    "hybrid": Config(task="3v8"), "deep": DeepConfig("resnet20", None, "sign", 0, "cpu", 1),
    "chip": OnChipConfig("28x28x1:8-8-10", "mnist", None, "all", "sign", 0, "cpu", 1, 8, "none", 2,
                         None),
    "table": TableConfig("in/iris.csv", "class", 8, (8,), "sign", 0, "cpu", 1, 8, "")}


@pytest.fixture
def runs(tmp_path):
    """Finished runs of every kind, one a minute, the last 99 % right, the one before 98 %..."""
    for number, (name, config) in enumerate(CONFIGS.items()):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(asdict(config)))
        metrics = tmp_path / name / "metrics.json"
        metrics.write_text(json.dumps({
            "accuracy": {"it": 96 + number, "twin": 100}, "seconds": {"one": 60 * number, "two": 7},
            "network": {"shape": f"{name}-4-2"} if name != "deep" else {}}))
        os.utime(metrics, (1e9 + 60 * number, 1e9 + 60 * number))
    return tmp_path


def lines(runs, sort="when"):
    return {line.split("  ")[0]: [word.strip() for word in line.split("  ") if word.strip()]
            for line in table(find(runs), sort).splitlines()}


def test_runs_of_every_kind_are_listed(runs):
    build = runs / "table" / "build" / "icestick"
    build.mkdir(parents=True)
    (build / "report.json").write_text(json.dumps({
        "board": "icestick", "logic_cells": [1044, 1280], "inferences_per_second_layers": 937500}))
    found = lines(runs)
    assert found["run"] == HEADING[:-1]
    assert {name: words[2:] for name, words in found.items() if name != "run"} == {
        "hybrid": ["hybrid", "digits, 3v8", "hybrid-4-2", "96.00", "7", "-"],
        "deep": ["resnet20", "cifar10-resnet20", "-", "97.00", "67", "-"],
        "chip": ["on-chip", "mnist, all", "chip-4-2", "98.00", "127", "-"],
        "table": ["table", "iris", "table-4-2", "99.00", "187", "icestick 1,044 cells 937,500/s"]}


@pytest.mark.parametrize("sort, order", [
    ("when", ["table", "chip", "deep", "hybrid"]),
    ("accuracy", ["table", "chip", "deep", "hybrid"]),
    ("seconds", ["hybrid", "deep", "chip", "table"]), ("data", ["deep", "hybrid", "table", "chip"]),
    ("way", ["hybrid", "chip", "deep", "table"]), ("network", ["deep", "chip", "hybrid", "table"])])
def test_runs_are_sorted(runs, sort, order):
    assert [*lines(runs, sort)] == ["run", *order]


def test_what_is_unfinished_or_damaged_is_said(runs, capsys):
    (runs / "chip" / "metrics.json").unlink()
    (runs / "deep" / "metrics.json").write_text('{"accuracy": 5}')
    (runs / "table" / "config.json").write_text("{")
    (runs / "stranger").mkdir()
    assert main([str(runs), "--sort", "accuracy"]) == 0
    said = {line.split(" ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert [*said][1] == "hybrid" and "stranger" not in said
    assert said["chip"].endswith("unfinished")
    assert all("cannot be read: " in said[name] for name in ("deep", "table"))


def test_the_page_says_what_the_list_does(runs, tmp_path, capsys):
    """To another reader of HTML; a name is no markup."""
    (runs / "chip").rename(runs / "<b>&amp;")
    file = tmp_path / "runs.html"
    assert main([str(runs), "--sort", "accuracy", "--html", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    found = ElementTree.fromstring(file.read_text().replace("<meta charset=\"utf-8\">", "")
                                   .removeprefix("<!doctype html>"))
    rows = [["".join(cell.itertext()) for cell in row] for row in found.iter("tr")]
    assert rows == [HEADING] + [run.words for run in sorted(find(runs), key=SORTS["accuracy"])]
    assert rows[2][0] == "<b>&amp;"


def test_a_page_that_cannot_be_written_is_one_line(runs, tmp_path, capsys):
    assert main([str(runs), "--html", str(tmp_path / "no" / "runs.html")]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: ") and said.err.count("\n") == 1


@pytest.mark.parametrize("file, text, reason", [
    ("metrics", '{"accuracy": {"it": 1' + "0" * 400 + "}}",
     "int too large to convert to float"),
    ("metrics", '{"seconds": {"one": 1' + "0" * 400 + "}}",
     "int too large to convert to float"),
    ("config", '{"x": 1}', "{}/config.json is not the configuration of a run"),
], ids=["accuracy", "seconds", "config"])
def test_one_that_cannot_be_read_says_why_in_full(runs, file, text, reason):
    (runs / "deep" / f"{file}.json").write_text(text)
    found = lines(runs)
    assert found["deep"] == ["deep", *"-------",
                             f"cannot be read: {reason.format(runs / 'deep')}"]
    assert len(found) == 5


@pytest.mark.parametrize("when", [0, 1e13, -1e300], ids=["unknown", "late", "early"])
def test_a_date_that_no_calendar_has_is_not_shown(when):
    assert Listed("it", when=when).words[1] == "-"


@pytest.mark.parametrize("name, said", [
    ("nowhere", "{}/nowhere must be a folder with runs, and is not there: train one with python -m "
                "sw.train"),
    ("empty", "{}/empty must hold a run, and holds none: train one with python -m sw.train")])
def test_where_no_runs_are(tmp_path, name, said):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as refused:
        find(tmp_path / name)
    assert str(refused.value) == said.format(tmp_path)
