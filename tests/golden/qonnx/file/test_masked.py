"""Assignments to what a mask selects, as PyTorch's newer exporter writes them."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install '.[onnx]'")

from sw.golden.network import NetworkFileError
from sw.golden.qonnx import reader
from tests.onnx_forms import FIRST, SIGN_IN, write
from tests.onnx_mutants import judge

LAYER = SIGN_IN + FIRST
PLACES = ("i = NonZero (m)\n j = Transpose <perm = [1, 0]> (i)\n w = Reshape (m, all)\n"
          "c = Cast <to = 7> (w)\n k = ReduceSum (c)\n")
ASSIGNED = "e = Expand (one, k)\n v = Reshape (e, all)\n h = ScatterND ({x}, j, v)\n"
OUT = "y = MatMul (h, s1)"

EQUAL = {
    "to a sign where it is zero": "x0 = Sign (p)\n m = Equal (x0, zero)\n" + PLACES
                                  + ASSIGNED.format(x="x0") + OUT,
    "to constants": "s = Shape (p)\n x0 = ConstantOfShape (s)\n m = GreaterOrEqual (p, half)\n"
                    + PLACES + ASSIGNED.format(x="x0") + OUT,
}
REFUSED = {
    "many numbers": ("x0 = Sign (p)\n m = Equal (x0, zero)\n" + PLACES
                     + "h = ScatterND (x0, j, beta)\n" + OUT, "it must assign one number"),
    "added to what is there": (
        "x0 = Sign (p)\n m = Equal (x0, zero)\n" + PLACES + ASSIGNED.format(x="x0").replace(
            "ScatterND (", "ScatterND <reduction = \"add\"> (") + OUT,
        "(NonZero): a binary network has no such operator"),
    "a mask of another layer": ("m = Greater (a, zero)\n" + PLACES + ASSIGNED.format(x="p") + OUT,
                                "it joins two paths"),
}


def graph(path, body):
    return write(path, LAYER + body, shape=(40, 1, 4, 5), opset=16)


@pytest.mark.parametrize("name", EQUAL)
def test_an_assignment_is_equal_to_its_graph(tmp_path, name):
    assert judge(graph(tmp_path / "model.onnx", EQUAL[name]), np.random.default_rng(0)) == "equal"


def test_old_nodes_without_inputs_are_refused(tmp_path):
    path = write(tmp_path / "model.onnx", LAYER + "i = NonZero ()\n j = Transpose (i)\n"
                 "h = ScatterND (p, j, one)\n" + OUT, shape=(40, 1, 4, 5), opset=7)
    with pytest.raises(NetworkFileError, match="NonZero"):
        reader.load(path)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_assignment_of_one_number_is_refused(tmp_path, name):
    body, said = REFUSED[name]
    with pytest.raises(NetworkFileError) as error:
        reader.load(graph(tmp_path / "model.onnx", body))
    assert said in str(error.value) and "\n" not in str(error.value)
