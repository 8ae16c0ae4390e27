"""Windows, borders and pools as ONNX says them: taken where golden does the same, else refused."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")

from sw.golden.network import NetworkFileError
from sw.golden.qonnx import executor, reader
from sw.golden.stages import Signature
from tests.onnx_forms import write

N = 20
K3 = "kernel_shape = [3, 3]"
POOL = "h = Q.BipolarQuant (c, one)\n p = MaxPool <{0}> (h)\n f = Flatten (p)\n y = MatMul (f, m)"
LAST = "e = Q.BipolarQuant (d, one)\n f = Flatten (e)\n y = MatMul (f, m)"
SIGN = "h = Q.BipolarQuant (c, one)\n f = Flatten (h)\n y = MatMul (f, m)"


def graph(path, body, outputs, size=6, datatype="UINT8", opset=13):
    """Write a graph on maps of 2 x ``size`` x ``size``, whose last layer takes ``outputs``."""
    rng = np.random.default_rng(1)

    def signs(*shape):
        return rng.choice([-1, 1], shape)

    arrays = {"point": signs(3, 2, 1, 1), "k2": signs(3, 2, 2, 2), "k3": signs(3, 2, 3, 3),
              "k6": signs(3, 2, 6, 6), "wide": signs(3, 2, 2, 3), "grouped": signs(4, 1, 3, 3),
              "next": signs(4, 3, 3, 3), "m": signs(outputs, 4), "neg": -1.0,
              "pads": np.array(2 * [0, 0, 1, 1]), "deep": np.array(2 * [0, 1, 0, 0]),
              "uneven": np.arange(3.0).reshape(3, 1, 1) - 1,
              "steps3": np.array([[40.0], [-90], [7]]), "last": signs(4, 3, 2, 2),
              "huge": signs(4, 3, 6, 6), "places": np.arange(48.0) * 9}
    return write(path, body, shape=(N, 2, size, size), output="float[N,4] y", datatype=datatype,
                 arrays=arrays, opset=opset)


TAKEN = {
    "no attribute": ("c = Conv (x, k3)\n" + SIGN, "6x6x2:8-3b0-4"),
    "a border": (f"c = Conv <{K3}, pads = [1, 1, 1, 1]> (x, k3)\n" + SIGN, "6x6x2:8-3-4"),
    "a stride": ("c = Conv <strides = [2, 2]> (x, k3)\n" + SIGN, "6x6x2:8-3s2b0-4"),
    "a border that is not all seen": (
        "c = Conv <strides = [2, 2], pads = [1, 1, 0, 0]> (x, k3)\n" + SIGN, "6x6x2:8-3s2-4"),
    "more behind than before, of which nothing is seen": (
        "c = Conv <strides = [3, 3], pads = [0, 0, 2, 2]> (x, k3)\n" + SIGN, "6x6x2:8-3s3b0-4"),
    "SAME_UPPER": ("c = Conv <auto_pad = \"SAME_UPPER\"> (x, k3)\n" + SIGN, "6x6x2:8-3-4"),
    "SAME_LOWER": ("c = Conv <auto_pad = \"SAME_LOWER\"> (x, k3)\n" + SIGN, "6x6x2:8-3-4"),
    "VALID": ("c = Conv <auto_pad = \"VALID\"> (x, k2)\n" + SIGN, "6x6x2:8-3k2b0-4"),
    "a window of one, dilated": (
        "c = Conv <dilations = [3, 3]> (x, point)\n" + SIGN, "6x6x2:8-3k1-4"),
    "one window, with strides of its own": (
        "c = Conv <strides = [2, 5]> (x, k6)\n" + SIGN, "6x6x2:8-3k6s5b0-4"),
    "a pool": ("c = Conv (x, k3)\n" + POOL.format("kernel_shape = [2, 2], strides = [2, 2]"),
               "6x6x2:8-3b0p-4"),
    "a pool that drops": (
        "c = Conv (x, k2)\n" + POOL.format("kernel_shape = [2, 2], strides = [2, 2]"),
        "6x6x2:8-3k2b0p-4"),
    "a pool in the last opset": (
        "c = Conv (x, k3)\n" + POOL.format("kernel_shape = [4, 4], ceil_mode = 1"),
        "6x6x2:8-3b0p4-4"),
    "a pool of the whole map": (
        "c = Conv (x, k3)\n h = Q.BipolarQuant (c, one)\n p = GlobalMaxPool (h)\n f = Flatten (p)\n"
        "y = MatMul (f, m)", "6x6x2:8-3b0p4-4"),
    "two pools, one before and one behind the sign": (
        "c = Conv (x, k3)\n p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (c)\n"
        "h = Q.BipolarQuant (p, one)\n q = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (h)\n"
        "f = Flatten (q)\n y = MatMul (f, m)", "6x6x2:8-3b0pp-4"),
    "a border before the sign": (
        "c = Conv (x, k3)\n o = Pad (c, pads, neg)\n h = Q.BipolarQuant (o, one)\n"
        "d = Conv (h, next)\n" + LAST, "6x6x2:8-3b0-4-4"),
    "a border of zeros before 0 and 1": (
        "c = Conv (x, k3)\n h = Q.MultiThreshold <out_dtype = \"BINARY\"> (c, steps3)\n"
        "d = Conv <pads = [1, 1, 1, 1]> (h, next)\n e = Q.BipolarQuant (d, one)\n"
        "f = Flatten (e)\n y = MatMul (f, m)", "6x6x2:8-3b0-4-4"),
    "a border, turned": (
        "c = Conv (x, k3)\n h = Q.BipolarQuant (c, one)\n o = Pad (h, pads, neg)\n"
        "t = Transpose <perm = [0, 2, 3, 1]> (o)\n u = Transpose <perm = [0, 3, 1, 2]> (t)\n"
        "d = Conv (u, next)\n e = Q.BipolarQuant (d, one)\n f = Flatten (e)\n y = MatMul (f, m)",
        "6x6x2:8-3b0-4-4"),
    "rows and columns of the input exchanged": (
        "t = Transpose <perm = [0, 1, 3, 2]> (x)\n c = Conv (t, k2)\n" + SIGN, "6x6x2:8-3k2b0-4"),
    "a border whose sign is another by channel": (
        "c = Conv (x, k3)\n o = Pad (c, pads, zero)\n a = Add (o, uneven)\n"
        "h = Q.BipolarQuant (a, one)\n d = Conv (h, next)\n" + LAST, "6x6x2:8-3b0-4-4"),
    "scores of a convolution": (
        "c = Conv <strides = [3, 3]> (x, k3)\n h = Q.BipolarQuant (c, one)\n"
        "d = Conv (h, last)\n y = Flatten (d)", "6x6x2:8-3s3b0-4"),
}


def outputs(text):
    """Return what the last layer of a signature takes."""
    return Signature.parse(text).maps[-2].size


@pytest.mark.parametrize("name", TAKEN)
def test_it_is_the_stage_that_does_the_same(tmp_path, name):
    body, text = TAKEN[name]
    path = graph(tmp_path / "model.onnx", body, outputs(text))
    assert str(reader.load(path).network) == text
    assert executor.check(path, 100) == "equal to the graph in another program, on 100 inputs"


REFUSED = {
    "groups": ("c = Conv <group = 2> (x, grouped)\n" + SIGN, "it has groups"),
    "dilations": ("c = Conv <dilations = [2, 2]> (x, k3)\n" + SIGN, "its window is dilated by 2"),
    "two strides": ("c = Conv <strides = [2, 1]> (x, k3)\n" + SIGN, "its strides are 2 and 1"),
    "no square": ("c = Conv (x, wide)\n" + SIGN, "its window is of 2 x 3"),
    "more above than on the left": ("c = Conv <pads = [1, 0, 1, 0]> (x, k3)\n" + SIGN,
                                    "its pads [1, 0, 1, 0]"),
    "more on the right than above, with as many windows": (
        "c = Conv <strides = [2, 2], pads = [1, 0, 1, 1]> (x, k3)\n" + SIGN,
        "its pads [1, 0, 1, 1]"),
    "SAME_UPPER, uneven": ("c = Conv <auto_pad = \"SAME_UPPER\"> (x, k2)\n" + SIGN,
                           "its pads [0, 0, 1, 1]"),
    "a border as wide as the window": ("c = Conv <pads = [3, 3, 3, 3]> (x, k3)\n" + SIGN,
                                       "its border less than its kernel"),
    "too large a window": ("c = Conv (x, k3)\n h = Q.BipolarQuant (c, one)\n d = Conv (h, huge)\n"
                           + LAST, "its window of 6 x 6 does not fit its input"),
    "pools that overlap": ("c = Conv (x, k3)\n" + POOL.format("kernel_shape = [2, 2]"),
                           "it pools 2 x 2 with strides [1, 1]"),
    "pools with pads": ("c = Conv (x, k3)\n" + POOL.format(
        "kernel_shape = [2, 2], strides = [2, 2], pads = [1, 1, 1, 1]"), "and pads [1, 1, 1, 1]"),
    "pools with pads before, and as many windows": ("c = Conv (x, k3)\n" + POOL.format(
        "kernel_shape = [2, 2], strides = [2, 2], pads = [1, 1, 0, 0]"), "and pads [1, 1, 0, 0]"),
    "a border of channels": ("o = Pad (x, deep, zero)\n c = Conv (o, k3)\n" + SIGN,
                             "its border has channels of its own"),
    "pools that round up": ("c = Conv (x, k2)\n" + POOL.format(
        "kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1"), "what is left over is dropped"),
    "pools with gaps": ("c = Conv (x, k3)\n" + POOL.format(
        "kernel_shape = [2, 2], strides = [2, 2], dilations = [2, 2]"), "its window is dilated"),
    "a pool of pixels": ("p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (x)\n"
                         "c = Conv (p, k3)\n" + SIGN, "which is not bits"),
    "a border of a mirror": ("o = Pad <mode = \"reflect\"> (x, pads)\n c = Conv (o, k3)\n" + SIGN,
                             "it must pad with one constant"),
    "a border of one around pixels": ("o = Pad (x, pads, one)\n c = Conv (o, k3)\n" + SIGN,
                                      "its border of 1 is not what its input is at the least, 0"),
    "two borders": ("o = Pad (x, pads, zero)\n q = Pad (o, pads, zero)\n c = Conv (q, k3)\n" + SIGN,
                    "it lays a border around a border"),
    "a border of another border's": (
        "c = Conv (x, k3)\n h = Q.BipolarQuant (c, one)\n o = Pad (h, pads, neg)\n"
        "d = Conv <pads = [1, 1, 1, 1]> (o, next)\n" + LAST,
        "it pads with zeros around a border of another value"),
    "a pool of a border": (
        "c = Conv (x, k3)\n h = Q.BipolarQuant (c, one)\n o = Pad (h, pads, neg)\n"
        "p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (o)\n f = Flatten (p)\n"
        "y = MatMul (f, m)", "it pools a border"),
    "a border that is made flat": (
        "c = Conv (x, k3)\n h = Q.BipolarQuant (c, one)\n o = Pad (h, pads, neg)\n"
        "f = Flatten (o)\n y = MatMul (f, m)", "it moves a border"),
    "rows and columns exchanged": (
        "c = Conv (x, k3)\n h = Q.BipolarQuant (c, one)\n t = Transpose <perm = [0, 1, 3, 2]> (h)\n"
        "d = Conv (t, next)\n" + LAST, "is not the map that was computed"),
    "a threshold for each place": (
        "c = Conv (x, k3)\n f = Flatten (c)\n s = Sub (f, places)\n h = Q.BipolarQuant (s, one)\n"
        "y = MatMul (h, m)", "has other thresholds at other places"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_windows_are_refused(tmp_path, name):
    body, said = REFUSED[name]
    with pytest.raises(NetworkFileError) as error:
        reader.load(graph(tmp_path / "model.onnx", body, 48))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
