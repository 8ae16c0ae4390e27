"""The command that climbs the ladder: what it says, writes and refuses."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hw.blocks.hardwired import HardwiredEngine
from hw.plan import folding
from sim import ladder, rungs, verify
from sim.rungs import Climb, Unequal
from sim.simulator import SimulatorNotFound, find
from sim.target import Target
from sw.golden import bits
from sw.golden.codes import load_codes, save_codes
from sw.golden.network import Network, OutputLayer

DATA = Path(__file__).parent / "data"


@pytest.fixture
def run(tmp_path):
    """A finished run, as training leaves it, but for its checkpoint."""
    for name in "network", "codes":
        shutil.copyfile(DATA / f"digits.{name}.safetensors", tmp_path / f"{name}.safetensors")
    (tmp_path / "metrics.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize("rung, limit, simulator, vectors", [
    (2, ["--limit", "1"], None, 49), (3, [], "verilator", 100),
    (4, ["--limit", "2"], "icarus", 2)])
def test_a_rung_holds(run, capsys, rung, limit, simulator, vectors):
    try:
        if simulator:
            find(simulator)
    except SimulatorNotFound as missing:
        pytest.skip(str(missing))
    assert verify.main(["--network", str(run), "--rungs", str(rung), *limit]) == 0
    report = json.loads((run / "verify.json").read_text())
    assert [(each["rung"], each["vectors"], each["result"]) for each in report["rungs"]] == [
        (rung, vectors, "equal")]
    assert re.search(rf"\n +{rung}  golden = .* {vectors} codes +\S+  equal\n$",
                     capsys.readouterr().out)


@pytest.mark.parametrize("file", [DATA / "digits.network.safetensors",
                                  DATA.parents[1] / "tests/data/brevitas.onnx"], ids=str)
def test_a_file_without_codes_gets_random_ones(tmp_path, capsys, file):
    pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")
    copy = shutil.copyfile(file, tmp_path / f"alone{file.suffix}")
    assert verify.main(["--network", str(copy), "--rungs", "8", "--limit", "20"]) == 0
    assert "  20 codes  " in capsys.readouterr().out
    codes = ladder.load(copy)[1]
    assert codes.shape == (1000, ladder.load(copy)[0].n_in) and 0.45 < codes.mean() < 0.55


def test_a_missing_answer_is_unequal():
    network = Network.load(DATA / "digits.network.safetensors")
    codes, _ = load_codes(DATA / "digits.codes.safetensors")
    climb = Climb(DATA, network, codes[3:5], [3, 4],
                  Target(None, folding.default(network.shape), reloadable=False))
    with pytest.raises(Unequal, match=r"^code 3: [0-9a-f]{50}\n(.*\n)*  golden says \d, the board "
                                      r"does not answer$"):
        climb.compare([None, None], "board")


def test_nothing_is_written_of_a_network_that_was_changed(run, capsys, monkeypatch):
    def change(climb):
        (run / "network.safetensors").write_bytes(b"another")
        return 1

    (run / "verify.json").write_text("before")
    monkeypatch.setattr(ladder, "RUNGS", [replace(rungs.RUNGS[0], climb=change)])
    assert verify.main(["--network", str(run), "--rungs", "1"]) == 2
    assert capsys.readouterr().err == (f"error: {run}/network.safetensors was changed while its "
                                       "network was verified: run it again\n")
    assert (run / "verify.json").read_text() == "before"


def test_a_rung_that_cannot_be_climbed_is_left_out(run, capsys, monkeypatch):
    monkeypatch.setattr(rungs.importlib.util, "find_spec", lambda name: None)
    rest = [rung for rung in ladder.RUNGS if rung.number == 1]
    monkeypatch.setattr(ladder, "RUNGS", rest)
    assert verify.main(["--network", str(run)]) == 2
    output = capsys.readouterr()
    assert "  skipped: PyTorch is not installed\n" in output.out
    assert output.err == "error: rung 1 was skipped: PyTorch is not installed\n"


def refuse(run, capsys, *arguments):
    """Return what the command says on stderr, where it must exit with code 2."""
    try:
        assert verify.main(["--network", str(run), *arguments]) == 2
    except SystemExit as exit:
        assert exit.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("arguments, said", [
    (["--limit", "0"], "error: The limit must be 1 or more, not 0\n"),
    (["--only", "100"], "error: There are codes 0 to 99, not 100\n"),
    (["--only", "1", "--limit", "1"],
     "error: argument --limit: not allowed with argument --only (see --help)\n"),
    (["--rungs", "5"], "error: Rungs 5 and 6 are a board's: add --board NAME\n"),
    (["--rungs", "9"], "error: argument --rungs: must be of 1 to 8, not '9' (see --help)\n"),
    (["--rungs", "one"],
     "error: argument --rungs: must be like 3 or 1-4,7, not 'one' (see --help)\n"),
    (["--board", "icestik"], "error: Unknown board 'icestik'; known boards: "),
    (["--rungs", "1"], "error: rung 1 was skipped: {} has no checkpoint.safetensors with the "
                       "trained model\n"),
])
def test_mistakes_get_one_line(run, capsys, arguments, said):
    message = refuse(run, capsys, *arguments)
    assert message.startswith(said.format(run)) and message.count("\n") == 1


def test_refuses_codes_of_another_width(run, capsys):
    save_codes(run / "codes.safetensors", np.zeros((1, 1), np.uint8), np.zeros(1, int), 8)
    assert refuse(run, capsys) == (f"error: {run}/codes.safetensors has codes of 8 bits, but the "
                                   "network takes 200\n")


def test_refuses_what_is_no_network(run, capsys):
    (run / "network.safetensors").write_bytes(b"nothing")
    message = refuse(run, capsys)
    assert message.startswith(f"error: {run}/network.safetensors is not a network file: ")
    assert message.count("\n") == 1


def test_says_what_is_missing(run, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert refuse(run, capsys, "--rungs", "4") == (
        "error: rung 4 was skipped: iverilog was not found on PATH. Try: apt install iverilog\n")


def test_without_a_run_it_says_how_to_make_one(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert verify.main([]) == 2
    assert capsys.readouterr().err == (
        "error: No finished run in runs/: train one first with python -m sw.train\n")


@pytest.fixture
def small(tmp_path):
    """A finished run of a small network whose second code is golden's 1, the faulty one's 0."""
    readout = OutputLayer(np.array([[0] * 48, [1] * 48], np.uint8), np.array([0, 0]))
    Network([], readout).save(tmp_path / "network.safetensors")
    codes = np.array([[0] * 48, [1] * 48, [0] * 48], np.uint8)
    save_codes(tmp_path / "codes.safetensors", bits.pack(codes), np.zeros(3, int), 48)
    (tmp_path / "metrics.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize("flags, plan", [
    ("", "no board, none"),
    ("--reloadable", "no board, none, reloadable"),
    ("--fold hardwired", "no board, hardwired"),
    ("--board ulx3s_45f", "ulx3s_45f, hardwired"),
    ("--board icestick --reloadable", "icestick, none, reloadable"),
])
def test_a_rung_takes_the_plan(small, capsys, monkeypatch, flags, plan):
    try:
        find("icarus")
    except SimulatorNotFound as missing:
        pytest.skip(str(missing))
    made, make = [], Target.accelerator
    monkeypatch.setattr(Target, "accelerator", lambda target, network: made.append(
        make(target, network)) or made[-1])
    assert verify.main(["--network", str(small), "--rungs", "4", *flags.split()]) == 0
    assert capsys.readouterr().out.startswith(f"plan: {plan}\nrung ")
    report = json.loads((small / "verify.json").read_text())
    name, folding, *reloadable = plan.split(", ")
    assert report["plan"] == {"board": None if name == "no board" else name, "folding": folding,
                              "reloadable": bool(reloadable),
                              "identity": made[0].identity.to_bytes().hex()}
    assert isinstance(made[0].engine, HardwiredEngine) == (folding == "hardwired")


def test_rung_3_says_where_a_hard_wired_engine_differs(small, capsys, monkeypatch):
    try:
        find("verilator")
    except SimulatorNotFound as missing:
        pytest.skip(str(missing))
    generate = rungs.accelerator_verilog
    faulty = Network([], OutputLayer(np.zeros((2, 48), np.uint8), np.array([0, 0])))
    monkeypatch.setattr(rungs, "accelerator_verilog", lambda _, target: generate(faulty, target))
    assert verify.main(["--network", str(small), "--rungs", "3", "--fold", "hardwired"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"^code 1: ffffffffffff\n  golden's scores: 0 48\n  golden says 1, the "
                     r"Verilog says 0\n  again: python -m sim.verify --network .* --fold hardwired "
                     r"--rungs 3 --only 1\n  waves: .*/code-1-rung-3.vcd$", said, re.MULTILINE)
    assert "rx__payload" in (small / "code-1-rung-3.vcd").read_text()


def test_help_knows_the_rungs():
    assert verify.N_RUNGS == len(rungs.RUNGS)
    assert verify.SAMPLES == ", ".join(f"{rung.sample} in rung {rung.number}"
                                       for rung in rungs.RUNGS if rung.sample)
