"""Which way of learning is taken, and what is said of it."""

import pytest

from sw.train import main
from sw.training import settling
from sw.training.asked import ways
from sw.training.asked.board import Room
from sw.training.asked.effort import RunError


@pytest.mark.parametrize("asked, given, spec, way", [
    (None, "data", None, "hybrid"), ("auto", "data", None, "hybrid"),
    (None, "data", "8", "on-chip"), ("auto", "data", "8", "on-chip"),
    ("on-chip", "data", None, "on-chip"), ("hybrid", "data", None, "hybrid"),
    (None, "images", None, "on-chip"),
    ("on-chip", "images", "8", "on-chip"), ("auto", "table", None, "table"),
    ("table", "table", None, "table")])
def test_a_way_suits_what_is_given(asked, given, spec, way):
    assert ways.way(asked, given, spec) == way


NO_ENCODER = ("--as hybrid needs an encoder, which is trained on a data set (--data): leave it "
              "out, or say --as {}")


@pytest.mark.parametrize("asked, given, spec, said", [
    ("hybrid", "images", None, NO_ENCODER.format("on-chip")),
    ("hybrid", "table", None, NO_ENCODER.format("table")),
    ("table", "data", None, "--as table needs a table (--table and --label): leave it out, or say "
                            "--as hybrid"),
    ("on-chip", "table", None, "--as on-chip needs images (--data or --images): leave it out, or "
                               "say --as table"),
    ("hybrid", "data", "8", "--on-chip gives the stages of --as on-chip, not of --as hybrid: leave "
                            "one of them out")])
def test_a_way_that_does_not_suit_is_refused(asked, given, spec, said):
    with pytest.raises(RunError) as refused:
        ways.way(asked, given, spec)
    assert str(refused.value) == said


def test_the_first_that_fits_a_board_is_taken_and_all_are_shown():
    medium, small = ways.on_chip(None, 28, 1, 8, 10)[1:]
    chosen, asked = ways.fitting("icestick", [medium, small])
    assert chosen is small
    assert asked == [(medium, None), (small, Room(978, 16, 1421, "serial 2x16"))]
    lines = ways.lined_up("icestick", chosen, asked).splitlines()
    assert len({*map(len, lines)}) == 1 and [line.split() for line in lines[1:]] == [
        ["medium", "61,344", "does", "not", "fit", "0"],
        [">", "small", "28,944", "978", "16", "1,421", "0"]]


def test_without_a_board_what_was_tried_is_shown():
    small, hybrid = ways.on_chip("small", 28, 1, 8, 10)[0], ways.hybrid(200, (128,), 10)
    chosen, asked = ways.fitting(None, [small, hybrid])
    assert (chosen, asked) == (small, [(small, None), (hybrid, None)])
    assert ways.lined_up(None, hybrid, asked, {"small": 90.0, "hybrid": 97.5}).splitlines() == [
        "networks    weights, bits  on the host  held out, %",
        "    small          28,944            0        90.00",
        "  > hybrid         26,880    2,548,864        97.50"]


@pytest.mark.parametrize("right, name", [
    ((90, 91, 92, 93), "hybrid"), ((90, 93, 92, 91), "medium"), ((90, 90, 90, 90), "small"),
    ((91, 91, 90, 91), "medium")], ids=["host", "most", "all alike", "two alike"])
def test_the_best_is_taken_and_of_equals_the_smallest(right, name):
    candidates = [*ways.on_chip(None, 28, 1, 8, 10), ways.hybrid(200, (128,), 10)]
    names = [each.name for each in candidates]
    assert ways.best(candidates, dict(zip(names, right))).name == name


def rooms(*fit):
    return lambda board, signature: Room(1, 1, 1, "") if str(signature) in fit else None


LARGE, SMALL = "28x28x1:8-64s2-64p-128p-10", "28x28x1:8-16s2-32p-64p-10"


@pytest.mark.parametrize("flags, fit, way", [
    ([], [LARGE, SMALL], "on-chip large"), ([], [SMALL, "200-128-10"], "on-chip small"),
    ([], ["200-128-10"], "hybrid hybrid"), (["--as", "hybrid"], [LARGE, "200-128-10"],
                                            "hybrid hybrid"),
    (["--hidden", "9"], [LARGE, "200-9-10"], "hybrid hybrid"),
    (["--bits", "100"], [LARGE, "100-128-10"], "hybrid hybrid"),
    (["--on-chip", "8s4"], [LARGE, "28x28x1:8-8s4-10"], "on-chip 8s4"),
    (["--as", "on-chip"], ["200-128-10"], None), (["--as", "hybrid"], [LARGE], None)],
    ids=["large", "small", "neither", "hybrid", "neurons", "bits", "stages", "on chip alone",
         "host alone"])
def test_the_largest_that_fits_is_chosen(monkeypatch, capsys, flags, fit, way):
    """With boards that have room for these shapes and no others."""
    from sw.train import _parser

    monkeypatch.setattr(ways.boards, "ask", rooms(*fit))
    asked = _parser().parse_args(["--board", "b", *flags])
    try:
        found = " ".join(settling._choose(asked, "data"))
    except RunError as error:
        assert str(error).endswith("or a larger board")
        found = None
    assert found == way and ("> " in capsys.readouterr().out) == (way is not None)


@pytest.mark.parametrize("flags, said", [
    (["--data", "digits", "--as", "on-chip", "--board", "icestik"], "Unknown board 'icestik'; "),
    (["--data", "digits", "--as", "hybrid", "--hidden", "0", "--board", "icestick"],
     "Stage 0: A dense stage must have 1 to 65,535 neurons, not 0"),
    (["--on-chip", "99s2-99", "--board", "icestick"],
     "28x28x1:8-99s2-99-10 must fit icestick, and does not: ask for a smaller network "),
    (["--model", "resnet20", "--data", "cifar10", "--board", "icestick"],
     "--model resnet20 does not become hardware: it takes no --as and no --board")],
    ids=["board", "width", "size", "model"])
def test_what_fits_nowhere_leaves_nothing(tmp_path, capsys, flags, said):
    assert main([*flags, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {said}") and error.count("\n") == 1
    assert not (tmp_path / "run").exists()
