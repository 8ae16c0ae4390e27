"""What becomes of a graph's input that is numbers of several bits, and when it is refused."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")

from sw.golden.network import NetworkFileError, default_levels
from sw.golden.qonnx import executor, reader
from tests.onnx_forms import write

from ... import cnv

N = 20
WINDOW = "<kernel_shape = [2, 2]>"
END = f"c = Conv {WINDOW} (q, k)\n s = Add (c, shift)\n h = Q.BipolarQuant (s, one)\n" \
      " f = Flatten (h)\n y = MatMul (f, m)"
QUANT = "Q.Quant <signed = {0}, narrow = 0, rounding_mode = \"{1}\"> ({2}, {3}, zero, {4})\n"
SCALED = "t = Div (x, most)\n d = Mul (t, two)\n e = Sub (d, one)\n"


def quant(x, step="step", bits="eight", signed=1, rounding="ROUND"):
    return "q = " + QUANT.format(signed, rounding, x, step, bits)


def graph(path, body, datatype="UINT8"):
    rng = np.random.default_rng(0)
    arrays = {"k": rng.choice([-1, 1], (3, 2, 2, 2)), "m": rng.choice([-1, 1], (12, 4)),
              "most": 255.0, "shift": 0.0137, "step": 2.0 ** -7, "eight": 8.0, "four": 4.0,
              "sixteen": 16.0, "steps": np.array([[10.0, 40, 41, 90, 200]]), "three": 3.0,
              "some": 2.4, "means": np.array([[[0.4]], [[0.55]]]),
              "apart": np.array([[[0.2]], [[0.3]]]),
              "places": np.arange(9.0).reshape(3, 3) * 1.5}
    return write(path, body + END, shape=(N, 2, 3, 3), output="float[N,4] y", datatype=datatype,
                 arrays=arrays)


TAKEN = {
    "bytes": ("UINT8", "q = Identity (x)\n", 8),
    "bytes, turned": ("UINT8", "q = Neg (x)\n", 8),
    "signed bytes": ("INT8", "q = Identity (x)\n", 8),
    "4 bits": ("UINT4", "q = Identity (x)\n", 4),
    "even numbers": ("UINT4", "q = Mul (x, two)\n", 4),
    "bytes of which every third counts": ("UINT4", "q = Mul (x, three)\n", 4),
    "bytes by 255": ("UINT8", "q = Div (x, most)\n", 8),
    "bytes, less a mean": ("UINT8", "t = Div (x, most)\n q = Sub (t, means)\n", 8),
    "Quant of bytes": ("UINT8", SCALED + quant("e"), 8),
    "Quant of reals": ("", "d = Mul (x, two)\n e = Sub (d, one)\n" + quant("e"), 8),
    "Quant of reals, less a mean": ("", "e = Sub (x, means)\n" + quant("e"), 8),
    "Quant of reals that fall": ("", "e = Neg (x)\n" + quant("e"), 8),
    "Quant of 4 bits": ("", quant("x", bits="four", signed=0), 4),
    "Quant of bytes to 4 bits": (
        "UINT8", quant("x", "sixteen", "four", signed=0, rounding="FLOOR"), 4),
    "uneven thresholds": ("UINT8", "q = Q.MultiThreshold <out_dtype = \"UINT3\"> (x, steps)\n", 3),
    "uneven thresholds of reals": (
        "", "q = Q.MultiThreshold <out_dtype = \"UINT3\"> (x, steps)\n", 3),
    "whole numbers of 20 bits": ("INT20", quant("x", "sixteen"), 8),
}


@pytest.mark.parametrize("name", TAKEN)
def test_numbers_are_read_as_the_graph_has_them(tmp_path, name):
    datatype, body, bits = TAKEN[name]
    path = graph(tmp_path / "model.onnx", body, datatype)
    imported = reader.load(path)
    assert str(imported.network) == f"3x3x2:{bits}-3k2b0-4"
    assert executor.check(path, 200) == "equal to the graph in another program, on 200 inputs"
    values = imported.inputs.draw(50, seed=1)
    codes = imported.inputs.codes(values)
    assert np.array_equal(imported.inputs.codes(imported.inputs.values(codes)), codes)


REFUSED = {
    "reals": ("", "q = Identity (x)\n", "reaches it as a real number"),
    "reals, clipped": ("", "q = Clip (x, zero, one)\n", "8 bits at the most"),
    "other scales": ("UINT8", "q = Mul (x, apart)\n", "reaches it as other than numbers from 0 to "
                                                     "255 times one step"),
    "another mean for each place": ("UINT8", "q = Sub (x, places)\n",
                                    "differs from place to place"),
    "20 bits": ("INT20", "q = Identity (x)\n", "8 bits at the most"),
    "a last step that is smaller": (
        "", quant("x", "one", "four", signed=0).replace("q =", "r =") + "q = Min (r, some)\n",
        "8 bits at the most"),
    "steps that become smaller": (
        "", quant("x", "one", "two", signed=0).replace("q =", "r =") + "q = Sqrt (r)\n",
        "more than two values"),
    "what rises and falls": ("UINT8", "d = Sub (x, most)\n e = Mul (d, x)\n q = Identity (e)\n",
                             "more than one threshold"),
    "what rises and falls, of reals": ("", "e = Abs (x)\n" + quant("e"), "may turn more than once"),
    "nothing": ("UINT8", "q = Clip (x, minus, zero)\n", "does not matter"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_numbers_are_refused(tmp_path, name):
    datatype, body, said = REFUSED[name]
    path = graph(tmp_path / "model.onnx", body, datatype)
    with pytest.raises(NetworkFileError) as error:
        reader.load(path)
    assert said in str(error.value)


@pytest.mark.parametrize("body, levels", [
    (SCALED + quant("e"), cnv.levels()),
    (quant("x", "sixteen", "four", signed=0, rounding="FLOOR"), default_levels(4)),
    ("q = Identity (x)\n", np.arange(256)),
], ids=["as CNV-W1A1", "the highest bits", "as they are"])
def test_levels_are_what_the_graph_makes_of_bytes(tmp_path, body, levels):
    network = reader.load(graph(tmp_path / "model.onnx", body)).network
    assert np.array_equal(network.levels, levels)


def test_a_code_that_no_value_has_is_refused(tmp_path):
    inputs = reader.load(graph(tmp_path / "model.onnx", TAKEN["uneven thresholds"][1])).inputs
    assert inputs.bits == 3 and len(inputs.least) == 5
    with pytest.raises(ValueError, match=r"^no value of the graph's input counts as one of the "):
        inputs.values(np.ones((1, 18 * 3), np.uint8))
