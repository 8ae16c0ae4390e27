"""Binary perceptrons in QONNX files, in all the forms the field has, against their executor."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")

import onnx

from sw.golden import forward, networks
from sw.golden.network import random_network
from sw.golden.qonnx import executor, reader, writer
from tests.onnx_forms import FORMS, OUTPUTS, N, tfc, write

BREVITAS = Path(__file__).parents[2] / "data/brevitas.onnx"


@pytest.mark.parametrize("form", FORMS)
def test_a_network_is_equal_to_its_graph(tmp_path, form):
    pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")
    path = write(tmp_path / "model.onnx", FORMS[form], output=OUTPUTS.get(form, "float[N,5] y"))
    imported = reader.load(path)
    rng = np.random.default_rng(1)
    values = rng.normal(0.3, 1, (N, 20)).astype(np.float32)
    # Some on the thresholds, and just below.
    at = rng.random((N, 20))
    values = np.where(at < 0.2, imported.inputs.high, values)
    values = np.where(at > 0.8, imported.inputs.low, values)
    values[0], values[1] = -1, 1
    codes = (values >= imported.inputs.high).astype(np.uint8)
    expected = executor.classify(path, values.reshape(N, 1, 4, 5))
    assert len(set(expected)) > 2
    assert forward.classify_all(imported.network, codes).tolist() == expected
    assert networks.load(path).shape == imported.network.shape


def test_a_perceptron_that_brevitas_trained(tmp_path):
    """As Brevitas 0.13 exports it, with ``tests/brevitas_mlp.py``; for any batch."""
    pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")
    imported = reader.load(BREVITAS)
    assert str(imported.network) == "64-64-32-10"
    assert str(imported.inputs) == "64 values, bit 1 for each that is 0.5 or more"
    path, rng = tmp_path / "model.onnx", np.random.default_rng(0)
    model = onnx.load(BREVITAS)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = N
    onnx.save(model, path)
    values = rng.integers(0, 17, (N, 64)).astype(np.float32) / 16    # As its pixels are.
    codes = (values >= 0.5).astype(np.uint8)
    assert forward.classify_all(imported.network, codes).tolist() == executor.classify(path, values)


def test_a_perceptron_of_the_zoo(tmp_path):
    pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")
    path = tfc(tmp_path / "model.onnx")
    imported = reader.load(path)
    assert str(imported.network) == "784-64-64-64-10"
    values = np.random.default_rng(0).integers(0, 256, (N, 1, 28, 28)).astype(np.float32) / 255
    codes = (values.reshape(N, 784) >= 0.5).astype(np.uint8)
    expected = executor.classify(path, values)
    assert len(set(expected)) > 2
    assert forward.classify_all(imported.network, codes).tolist() == expected


UNQUANTISED = "p = MatMul (x, s0)\n h = Q.BipolarQuant (p, one)\n y = MatMul (h, s1)"


@pytest.mark.parametrize("datatype, body, low, high", [
    ("BIPOLAR", UNQUANTISED, -1, 1),
    ("BINARY", "d = Mul (x, two)\n e = Sub (d, one)\n" + UNQUANTISED.replace("x,", "e,"), 0, 1),
    ("", "p = Q.XnorPopcountMatMul (x, z0)\n h = Q.MultiThreshold <out_dtype = \"BINARY\"> "
         "(p, counts)\n y = Q.XnorPopcountMatMul (h, z1)", 0, 1),
])
def test_an_input_that_is_bits_already(tmp_path, datatype, body, low, high):
    pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")
    path = write(tmp_path / "model.onnx", body, shape=(N, 20), datatype=datatype)
    imported = reader.load(path)
    codes = np.random.default_rng(2).integers(0, 2, (N, 20), np.uint8)
    values = imported.inputs.values(codes)
    assert str(imported.inputs) == f"20 values, bit 1 for {high} and bit 0 for {low}"
    assert np.unique(values).tolist() == [low, high]
    assert forward.classify_all(imported.network, codes).tolist() == executor.classify(path, values)


@pytest.mark.parametrize("form, said", [
    ("Brevitas' zoo", "20 values, bit 1 for each that is 0.5 or more"),
    ("ties on a sum", "20 values, bit 1 for each that is 0.0 or more"),
    # Which falls there: the bit is 1 above the pixel, not at it.
    ("a threshold for each pixel", "20 values, bit 1 for each that is its own threshold, "
                                   "0.2023754 to 0.7994612, or more"),
])
def test_what_makes_the_input_bits_is_said(tmp_path, form, said):
    assert str(reader.load(write(tmp_path / "model.onnx", FORMS[form])).inputs) == said


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2), (9, 3), (17, 1, 5), (33, 31, 7, 2),
                                   (16, 16, 16, 16), (64, 3, 1), (200, 128, 10)])
def test_a_network_comes_back_from_its_file(tmp_path, shape):
    network = random_network(shape, seed=5)
    writer.save(network, tmp_path / "network.onnx")
    imported = reader.load(tmp_path / "network.onnx")
    for layer, expected in zip(imported.network.layers, network.layers, strict=True):
        assert (layer.weights == expected.weights).all()
        assert (layer.thresholds == expected.thresholds).all()
    assert (imported.network.readout.weights == network.readout.weights).all()
    codes = np.random.default_rng(0).integers(0, 2, (300, shape[0]), np.uint8)
    assert (forward.classify_all(imported.network, codes)
            == forward.classify_all(network, codes)).all()
    onnx.checker.check_model(onnx.load(tmp_path / "network.onnx"))
