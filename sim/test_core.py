"""The written file, inside a top that somebody else wrote, answers as golden does at any pace."""

from pathlib import Path

import numpy as np
import pytest

from hw.axi_core import AxiCore, AxiPorts
from hw.flow import cores
from hw.flow.tools import portable
from hw.plan import plans
from sim import core
from sim.simulator import find
from sw.golden import bits, fast, forward
from sw.golden.codes import load_codes, save_codes
from sw.golden.network import Network, random_network
from sw.golden.stages import Signature

DATA = Path(__file__).parent / "data"
TOP = Path(__file__).parent / "cells" / "camera.sv"

CORES = [    # Simulator, network, engine, scores
    ("verilator", "digits", "1x200", False),
    ("icarus", "20-13-14-3", "3x7,4x4", True),
    ("icarus", "20-16-3", "hardwired", True),
    ("icarus", "8-4-2", "hardwired", False),
    ("icarus", "4x3x2-3k2-3", "serial 2x4", True),
]


@pytest.mark.parametrize("simulator, text, fold, scores", CORES, indirect=["simulator"],
                         ids=[f"{name}-{text}-{fold}" for name, text, fold, _ in CORES])
def test_a_core_in_another_design_equals_golden(simulator, tmp_path, text, fold, scores):
    if text == "digits":
        network = Network.load(DATA / "digits.network.safetensors")
        codes = load_codes(DATA / "digits.codes.safetensors")[0][:5]
    else:
        network = random_network(Signature.parse(text))
        codes = np.random.default_rng(1).integers(0, 2, (12, network.n_in), np.uint8)
    made = AxiCore(network, plans.parse(fold, network.signature), scores=scores)
    network.save(tmp_path / "network.safetensors")
    save_codes(tmp_path / "codes.safetensors", bits.pack(codes), np.zeros(len(codes), int),
               network.n_in)
    source = portable.convert(AxiPorts(made), "classifier") + TOP.read_text()
    simulator.build(source, "camera").run(
        "sim.benches.core", tmp_path, NETWORK=str(tmp_path / "network.safetensors"),
        CODES=str(tmp_path / "codes.safetensors"), SCORE_BYTES=str(made.score_bytes),
        LATENCY=str(made.latency), PERIOD=str(made.period))


def test_a_core_behind_a_bus_equals_golden(tmp_path):
    """The written files; pytest sim/test_soc.py has CPUs before them."""
    network = random_network(Signature.parse("37-16-3"))
    network.save(tmp_path / "network.safetensors")
    codes = np.random.default_rng(1).integers(0, 2, (12, network.n_in), np.uint8)
    save_codes(tmp_path / "codes.safetensors", bits.pack(codes), np.zeros(len(codes), int),
               network.n_in)
    cores.write(network, plans.parse("1x37", network.signature), tmp_path / "core", name="k9",
                scores=False, codes=tmp_path / "codes.safetensors")
    source = "".join((tmp_path / "core" / file).read_text() for file in ("k9_wishbone.sv", "k9.sv"))
    find("icarus").build(source, "k9_wishbone").run(
        "sim.benches.wishbone", tmp_path, NETWORK=str(tmp_path / "network.safetensors"),
        CODES=str(tmp_path / "codes.safetensors"))


@pytest.fixture
def run(tmp_path):
    """A network of a serial engine and 20 inputs, of which the first has label 9."""
    network = random_network(Signature.parse("4x3x2-3k2-3"))
    network.save(tmp_path / "network.safetensors")
    codes = np.random.default_rng(1).integers(0, 2, (20, network.n_in), np.uint8)
    labels = forward.classify_all(network, codes)
    labels[0] = 9
    save_codes(tmp_path / "codes.safetensors", bits.pack(codes), labels, network.n_in)
    return tmp_path


def test_every_input_of_a_run_goes_through_its_core(run, capsys, monkeypatch):
    flags = ["--network", str(run), "--fold", "serial 2x4"]
    assert core.main(flags) == 0
    assert ("  engine       serial 2x4\n"
            "  classes      20 of 20 are golden's, 95.00% the labels'\n") in capsys.readouterr().out
    monkeypatch.setattr(fast, "classify_all", lambda network, codes: np.full(len(codes), 7))
    assert core.main(flags) == 2
    assert capsys.readouterr().err == "error: the core's class of input 0 must be golden's\n"


@pytest.mark.parametrize("flags, said", [
    (["--count", "0"], "error: --count must be of 1 to 20, as many as there are, not 0\n"),
    (["--count", "21"], "error: --count must be of 1 to 20, as many as there are, not 21\n"),
    (["--fold", "hardwired"], "error: 4x3x2-3k2-3 is not fully connected on bits: "),
])
def test_what_cannot_go_through_is_one_line(run, flags, said, capsys):
    assert core.main(["--network", str(run), *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith(said) and error.count("\n") == 1
