"""Each rung catches the fault that is meant for it: one bit, in what only this rung reads."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from hw.flow.built import Built
from hw.flow.report import Report
from hw.plan import folding
from sim import netlist, rungs, verify
from sim.rungs import Rung
from sim.simulator import SimulatorNotFound, find
from sim.target import Target
from sw.golden import bits, forward
from sw.golden.codes import save_codes
from sw.golden.network import Layer, Network, OutputLayer, random_network
from sw.golden.stages import Signature

SHAPE = (64, 24, 5)    # Small: it is built twice, and simulated as a netlist.
BOARD = "icestick"
MAX_TRIES = 8    # Tables of which one must matter.


def with_flipped_weight(network, neuron, position):
    layer = network.layers[0]
    weights = layer.weights.copy()
    weights[neuron, position] ^= 1
    return replace(network, layers=[replace(layer, weights=weights), *network.layers[1:]])


def test_what_golden_knows_of_a_code_is_said():
    layer = Layer(np.array([[1, 1, 0], [0, 0, 0]], np.uint8), np.array([2, 2]))
    network = Network([layer], OutputLayer(np.array([[0, 1], [1, 0]], np.uint8), np.array([0, 2])))
    assert rungs.describe(network, 7, np.array([1, 0, 0], np.uint8), 0, "netlist").split("\n") == [
        "code 7: 01", "  golden's counts of layer 0: 2 2", "  golden's bits of layer 0: 03",
        "  golden's scores: 1 3", "  golden says 1, the netlist says 0"]


def test_of_a_convolution_the_bits_are_said():
    network = random_network(Signature.parse("4x4x1:2-5p-d6-2"))
    said = rungs.describe(network, 0, np.ones(32, np.uint8), None, "board").split("\n")
    assert [line.split(":")[0] for line in said] == [
        "code 0", "  golden's bits of layer 0", "  golden's bits of layer 1",
        "  golden's counts of layer 2", "  golden's bits of layer 2", "  golden's scores", said[-1]]


def weight_that_matters(network, codes):
    """Find a code and a weight of the first layer whose flip changes the class of the code.

    Flipping a weight that matches moves a neuron that just fires; this is asked first, as it costs
    less than to try all weights.
    """
    layer = network.layers[0]
    for index, code in enumerate(codes):
        for neuron in np.flatnonzero(forward.counts(layer.weights, code) == layer.thresholds):
            position = int(np.argmax(layer.weights[neuron] == code))
            faulty = with_flipped_weight(network, neuron, position)
            if forward.classify(faulty, code) != forward.classify(network, code):
                return index, faulty
    raise LookupError("No weight matters")


def build(run):
    """Build a run's network for the board; return the folder."""
    subprocess.run([sys.executable, "-m", "hw.build", "--board", BOARD, "--network", str(run)],
                   check=True, capture_output=True, timeout=300)
    return run / "build" / BOARD


@pytest.fixture(scope="module")
def networks():
    """A code, and two networks that one weight tells apart: only of this code they differ."""
    network = random_network(SHAPE)
    codes = np.random.default_rng(0).integers(0, 2, (100, network.n_in), np.uint8)
    index, faulty = weight_that_matters(network, codes)
    return codes[index], network, faulty


@pytest.fixture(scope="module")
def run(networks, tmp_path_factory):
    """A run with two codes, the second of which the faulty network answers wrongly."""
    try:
        find("icarus")
    except SimulatorNotFound as missing:
        pytest.skip(str(missing))
    code, network, _ = networks
    run = tmp_path_factory.mktemp("run")
    network.save(run / "network.safetensors")
    save_codes(run / "codes.safetensors", bits.pack(np.array([code, code])), np.zeros(2, int),
               network.n_in)
    (run / "metrics.json").write_text("{}")
    return run


@pytest.fixture(scope="module")
def built(run):
    """The run with its build for a board."""
    build(run)
    return run


@pytest.fixture
def icebox():
    if not shutil.which("icebox_vlog"):
        pytest.skip("icebox_vlog was not found on PATH. Try: apt install fpga-icestorm")


def climb(run, capsys, number):
    """Climb one rung; return the exit code and what was printed."""
    code = verify.main(["--network", str(run), "--board", BOARD, "--rungs", str(number)])
    return code, capsys.readouterr().out


def check_said(run, said, number):
    """Check all that is said of a code with another class than golden's, or none."""
    index = int(re.search(r"^code (\d+): [0-9a-f]{16}$", said, re.MULTILINE)[1])
    counts, scores = (re.search(rf"^  golden's {what}: (.*)$", said, re.MULTILINE)[1].split()
                      for what in ("counts of layer 0", "scores"))
    assert (len(counts), len(scores)) == SHAPE[1:]
    assert re.search(r"^  golden says (\d), the \w+ (says (?!\1)\d|does not answer)$", said,
                     re.MULTILINE)
    assert f"--rungs {number} --only {index}\n" in said
    waves = run / f"code-{index}-rung-{number}.fst"
    assert f"  waves: {waves}" in said
    assert waves.stat().st_size > 1000


# A weight is in its row and in its neuron's threshold, see hw.blocks.popcount. Those of the first
# neuron are also in the rows that are never read, see hw.blocks.layer.Prefetch.
A_WEIGHT, A_FIRST_WEIGHT = 2, 4


def n_different(one, other):
    """Count the lines in which two texts differ."""
    return sum(a != b for a, b in zip(one.splitlines(), other.splitlines(), strict=True))


def test_the_rungs_of_a_board_hold(built, icebox, capsys):
    assert [climb(built, capsys, number)[0] for number in (5, 6)] == [0, 0]


def test_the_rungs_of_an_ecp5_hold(tmp_path, capsys):
    random_network((40, 4, 2)).save(tmp_path / "network.safetensors")
    assert verify.main(["--network", str(tmp_path / "network.safetensors"), "--board", "ulx3s_12f",
                        "--rungs", "5,6", "--limit", "2"]) == 0
    assert capsys.readouterr().out.count("2 codes") == 2


def test_a_patched_build_has_no_netlist(run, capsys, monkeypatch, tmp_path):
    report = Report(board="", folding="", reloadable=False, patched=True)
    patched = Built(tmp_path, report, None, None, None)
    monkeypatch.setattr(rungs, "built", lambda climb: patched)
    assert verify.main(["--network", str(run), "--board", BOARD, "--rungs", "5"]) == 2
    assert capsys.readouterr().err == (
        f"error: rung 5 was skipped: {tmp_path} was patched, and has no netlist of these weights: "
        "build it with python -m hw.build\n")


def test_what_was_found_stays_when_a_later_rung_fails(run, capsys, monkeypatch):
    def build(climb):
        raise rungs.RungFailed("nowhere")

    monkeypatch.setattr(rungs, "built", build)
    assert verify.main(["--network", str(run), "--board", BOARD, "--rungs", "4,5"]) == 2
    said, error = capsys.readouterr()
    assert "2 codes" in said and "nowhere" in error and error.count("\n") == 1


@pytest.mark.parametrize("neuron, n_lines", [(0, A_FIRST_WEIGHT), (23, A_WEIGHT)])
def test_where_a_weight_is_in_the_verilog(networks, neuron, n_lines):
    network = networks[1]
    target = Target(None, folding.default(network.shape), reloadable=False)
    good, faulty = (rungs.accelerator_verilog(each, target) for each in
                    (network, with_flipped_weight(network, neuron, position=7)))
    assert n_different(good, faulty) == n_lines


def test_rung_4_catches_a_weight_in_the_verilog(run, networks, capsys, monkeypatch):
    generate, faulty = rungs.accelerator_verilog, networks[2]
    monkeypatch.setattr(rungs, "accelerator_verilog", lambda _, target: generate(faulty, target))
    code, said = climb(run, capsys, 4)
    assert code == 1
    check_said(run, said, 4)


def tables_flipped(text):
    """Flip one bit of one table in a netlist of an iCE40, of another each time."""
    for match in re.finditer(r"\.LUT_INIT\(16'h([0-9a-f]{4})\)", text):
        table = int(match[1], 16)
        yield f"{text[:match.start(1)]}{table & table - 1:04x}{text[match.end(1):]}"


def test_rung_5_catches_a_table_in_the_netlist(built, capsys, monkeypatch):
    text = netlist.write_verilog(built / "build" / BOARD, "top.json", "top.synthesised.v")
    for faulty in islice(tables_flipped(text), MAX_TRIES):
        assert n_different(text, faulty) == 1
        monkeypatch.setattr(netlist, "write_verilog", lambda *_, faulty=faulty: faulty)
        code, said = climb(built, capsys, 5)
        if code:
            assert code == 1
            return check_said(built, said, 5)
    pytest.fail("no table matters")


def test_rung_6_catches_a_bit_in_the_bitstream(built, networks, icebox, capsys, monkeypatch,
                                               tmp_path):
    networks[2].save(tmp_path / "network.safetensors")
    faulty, good = build(tmp_path), built / "build" / BOARD
    one, other = ((folder / "top.asc").read_text() for folder in (good, faulty))
    assert n_different(one, other) == A_WEIGHT
    monkeypatch.setattr(rungs, "built", lambda climb: Built.load(faulty))
    code, said = climb(built, capsys, 6)
    assert code == 1
    check_said(built, said, 6)


@pytest.mark.parametrize("sample, budget, cycles, count", [
    (20, None, 10**9, 20), (None, None, 10**9, None), (20, 1000, 10, 20), (20, 1000, 100, 10),
    (20, 1000, 5000, 1), (None, 1000, 100, 10)])
def test_of_long_inferences_fewer_are_asked_for(sample, budget, cycles, count):
    assert Rung(9, "", "", sample, rungs.icarus, cycles=budget).of(cycles) == count


def test_a_network_of_stages_climbs_and_falls(tmp_path, monkeypatch, capsys):
    """As what another network has become, in the Verilog of rung 4, it is found out."""
    good, faulty = (random_network(Signature.parse("5x4x1:3-3p-3"), seed) for seed in range(2))
    good.save(tmp_path / "network.safetensors")
    arguments = ["--network", str(tmp_path / "network.safetensors"), "--fold", "serial 1x4",
                 "--rungs", "4", "--limit", "6"]
    assert verify.main(arguments) == 0
    assert "plan: no board, serial 1x4\n" in capsys.readouterr().out
    generate = rungs.accelerator_verilog
    monkeypatch.setattr(rungs, "accelerator_verilog", lambda _, target: generate(faulty, target))
    assert verify.main(arguments) == 1
    said = capsys.readouterr().out
    assert "--fold 'serial 1x4' --rungs 4 --only" in said and "golden's bits of layer 0" in said
