"""What is said where a graph was run by another program, and where it could not be."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")

from hw import build
from hw.plan import folding
from sim import verify
from sim.rungs import Climb, Unequal, interchange
from sim.target import Target
from sw import classify
from sw.golden.network import Network, NetworkFileError
from sw.golden.qonnx import executor, reader
from tests.onnx_forms import FIRST, FORMS, SIGN_IN, write

PLAIN = """
    f = Flatten (x)
    c = Greater (f, half)
    b = Cast <to = 1> (c)
    d = Mul (b, two)
    a = Sub (d, one)
    p = MatMul (a, s0)
    q = Add (p, half)
    h = Sign (q)
    y = MatMul (h, s1)"""
BODIES = {"onnxruntime": PLAIN, "qonnx": SIGN_IN + FIRST + "h = Q.BipolarQuant (p, one)\n"
                                         "y = MatMul (h, s1)"}


@pytest.fixture(params=BODIES)
def program(request):
    return request.param


@pytest.fixture
def path(tmp_path, program):
    return write(tmp_path / "model.onnx", BODIES[program], shape=(30, 1, 4, 5))


def wrong(path):
    """Read a network of which one neuron is turned."""
    imported = load(path)
    layer = imported.network.layers[0]
    weights = layer.weights.copy()
    weights[0] ^= 1
    return replace(imported, network=Network([replace(layer, weights=weights)],
                                             imported.network.readout))


def moved(path):
    """Read a network with a threshold of the input that is too high."""
    imported = load(path)
    return replace(imported, inputs=replace(imported.inputs, least=imported.inputs.least + 1))


load = reader.load


def test_equal_classes_are_said(path):
    assert executor.check(path, 70) == "equal to the graph in another program, on 70 inputs"


def test_a_missing_program_is_said(monkeypatch, path, program):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert executor.check(path) == ("not compared with the graph in another program: "
                                    f"{program} is not installed: pip install '.[onnx]'")


@pytest.mark.parametrize("read", [wrong, moved])
def test_another_class_is_refused(monkeypatch, path, read):
    monkeypatch.setattr(reader, "load", read)
    with pytest.raises(NetworkFileError, match=r"model.onnx is not taken: run by another program, "
                                               r"its graph gives another class for \d+ of 300 "):
        executor.check(path)


@pytest.mark.parametrize("read", [wrong, moved])
def test_the_ladder_draws_from_what_the_graph_takes(monkeypatch, path, read):
    monkeypatch.setattr(reader, "load", read)
    network = read(path).network
    target = Target(None, folding.default(network.shape), reloadable=False)
    with pytest.raises(Unequal, match="the executor says"):
        interchange(Climb(path, network, np.zeros((200, 20), np.uint8), range(200), target))


def test_an_input_of_the_ladder_is_asked_again_by_its_index(path):
    """It is another for each index, and the same however many are asked for."""
    inputs = reader.load(path).inputs
    one, other = (inputs.draw(1, seed) for seed in (3, 4))
    assert (one == inputs.draw(1, 3)).all() and (one != other).any()
    assert verify.main(["--network", str(path), "--rungs", "8", "--only", "3"]) == 0


@pytest.mark.parametrize("datatype", ["", "UINT8", "INT4"])
def test_what_is_drawn_has_bits_of_both_kinds_and_no_favourites(tmp_path, datatype):
    body = BODIES["onnxruntime"].replace("half)\n    b", "two)\n    b")
    inputs = reader.load(write(tmp_path / "model.onnx", body, datatype=datatype)).inputs
    values = inputs.draw(500, 1)
    assert 0.1 < inputs.codes(values).mean() < 0.9
    away = ~np.isin(values.reshape(500, 20), (inputs.low[0], inputs.high[0]))
    assert away.mean() > 0.5 and len(np.unique(values)) >= (16 if datatype == "INT4" else 200)


def test_the_commands_say_so(path, capsys):
    assert build.main(["--board", "icestick", "--network", str(path), "--dry-run"]) == 0
    said = f"{path} is equal to the graph in another program, on 300 inputs\n"
    assert capsys.readouterr().out.startswith(said)
    assert classify.main(["--network", str(path), "--port", "/dev/null/none", "--selftest"]) == 2
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize("name", ["Larq's sign", "Brevitas' zoo"])
def test_a_graph_that_no_program_runs_is_refused(tmp_path, monkeypatch, name):
    path = write(tmp_path / "model.onnx", FORMS[name], shape=(30, 1, 4, 5))
    monkeypatch.setattr(executor, "_qonnx", lambda *of: 1 / 0)
    with pytest.raises(NetworkFileError, match=r"no other program runs its graph: division by"):
        executor.check(path)
