"""The command that asks for every code of a run: what it says, writes and refuses."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim import verify
from sim.simulator import SimulatorNotFound, find
from sw.golden import bits
from sw.golden.codes import save_codes
from sw.golden.network import Network, Readout

DATA = Path(__file__).parent / "data"


@pytest.fixture
def run(tmp_path):
    """A finished run, as training leaves it."""
    for name in "network", "codes":
        shutil.copyfile(DATA / f"digits.{name}.safetensors", tmp_path / f"{name}.safetensors")
    (tmp_path / "metrics.json").write_text("{}")
    return tmp_path


@pytest.fixture
def verilator():
    try:
        return find("verilator")
    except SimulatorNotFound as missing:
        pytest.skip(str(missing))


@pytest.mark.usefixtures("verilator")
def test_all_codes_are_bit_exact(run, capsys):
    assert verify.main(["--network", str(run)]) == 0
    assert "100 of 100 bit-exact: " in capsys.readouterr().out
    report = json.loads((run / "verify.json").read_text())
    assert (report["simulator"], report["codes"], report["equal"]) == ("verilator", 100, 100)


@pytest.mark.usefixtures("verilator")
def test_an_unequal_class_is_shown(run, capsys, monkeypatch):
    network = Network.load(run / "network.safetensors")
    model = verify.build(network, "verilator")
    monkeypatch.setattr(verify, "build", lambda *_: model)
    readout = Readout(network.readout.weights, np.array([999, *[0] * 9]))    # Always class 0.
    replace(network, readout=readout).save(run / "network.safetensors")
    assert verify.main(["--network", str(run), "--limit", "30"]) == 1
    output = capsys.readouterr().out
    assert ": golden says 0, the accelerator says " in output
    assert json.loads((run / "verify.json").read_text())["equal"] < 30


def test_a_missing_answer_is_shown(run):
    network, codes = verify.load(run, 2)
    expected = verify.first_unequal(network, codes, [None, None])
    assert expected.startswith(f"code 0, {bits.to_bytes(codes[0]).hex()}: golden says ")
    assert "the accelerator does not answer; golden's scores are [" in expected


def refuse(run, capsys, *arguments):
    """Give what the command says on stderr, where it must exit with code 2."""
    assert verify.main(["--network", str(run), *arguments]) == 2
    return capsys.readouterr().err


def test_refuses_a_limit_of_zero(run, capsys):
    assert refuse(run, capsys, "--limit", "0") == "error: The limit must be 1 or more, not 0\n"


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
    assert refuse(run, capsys, "--simulator", "icarus") == (
        "error: iverilog was not found on PATH. Try: apt install iverilog\n")


def test_without_a_run_it_says_how_to_make_one(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert verify.main([]) == 2
    assert capsys.readouterr().err == (
        "error: No finished run in runs/: train one first with python -m sw.train\n")
