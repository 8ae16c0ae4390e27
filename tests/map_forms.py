"""Convolutional networks as text, in the forms of the field: Brevitas, FINN, plain ONNX."""

import numpy as np
import onnx
from onnx import helper

from tests.onnx_forms import write

__all__ = ["COUNT", "FORMS", "write_form", "write_pool_last"]

COUNT = 20    # Samples.

WINDOW = "<dilations = [1, 1], group = 1, kernel_shape = [{0}, {0}], strides = [1, 1], " \
         "pads = [{1}, {1}, {1}, {1}]>"
FIRST, SECOND, WIDE = WINDOW.format(3, 0), WINDOW.format(2, 0), WINDOW.format(2, 1)
POOL = "MaxPool <kernel_shape = [2, 2], strides = [2, 2]>"

# On maps of 2 channels, 6 x 6: the samples' shape, what is said of the input, and the graph.
FORMS = {
    "Brevitas' CNV": ((2, 6, 6), "", f"""
        d = Mul (x, two)
        e = Sub (d, one)
        q = Q.Quant <signed = 1, narrow = 0, rounding_mode = "ROUND"> (e, step, zero, eight)
        u = Q.BipolarQuant (k0, one)
        c = Conv {FIRST} (q, u)
        b = BatchNormalization <epsilon = 0.00001> (c, gamma, beta, mean, var)
        h = Q.BipolarQuant (b, one)
        v = Q.BipolarQuant (k1, half)
        c1 = Conv {SECOND} (h, v)
        p = {POOL} (c1)
        h1 = Q.BipolarQuant (p, one)
        f = Reshape (h1, rows)
        w = Q.BipolarQuant (m0, one)
        o = MatMul (f, w)
        y = Mul (o, scalar_norm)"""),
    "a pool before the norm": ((2, 6, 6), "UINT8", f"""
        u = Q.BipolarQuant (k0, one)
        c = Conv {FIRST} (x, u)
        p = {POOL} (c)
        b = BatchNormalization (p, gamma, beta, far, wide)
        h = Q.BipolarQuant (b, one)
        f = Flatten (h)
        y = MatMul (f, s2)"""),
    "FINN, channel last": ((6, 6, 2), "UINT8", f"""
        t = Transpose <perm = [0, 3, 1, 2]> (x)
        c = Conv {FIRST} (t, z0)
        r = Transpose <perm = [0, 2, 3, 1]> (c)
        h = Q.MultiThreshold <out_dtype = "BIPOLAR", out_scale = 2.0, out_bias = -1.0,
                              data_layout = "NHWC"> (r, sums)
        t1 = Transpose <perm = [0, 3, 1, 2]> (h)
        p = {POOL} (t1)
        r1 = Transpose <perm = [0, 2, 3, 1]> (p)
        m = MatMul (r1, s3)
        h1 = Q.MultiThreshold <out_dtype = "BIPOLAR", out_scale = 2.0, out_bias = -1.0,
                               data_layout = "NHWC"> (m, few)
        f = Flatten (h1)
        y = MatMul (f, s2)"""),
    "plain ONNX": ((2, 6, 6), "", f"""
        g = Greater (x, half)
        a = Cast <to = 1> (g)
        c = Conv {FIRST} (a, z0)
        b = BatchNormalization (c, gamma, beta, mean, var)
        g1 = GreaterOrEqual (b, zero)
        a1 = Cast <to = 1> (g1)
        p = {POOL} (a1)
        c1 = Conv {WIDE} (p, z1)
        b1 = Sub (c1, channel)
        g2 = Less (b1, zero)
        h1 = Where (g2, neg, one)
        f = Flatten (h1)
        y = Gemm (f, s4)"""),
    "a pool of the input": ((2, 6, 6), "BIPOLAR", f"""
        p = {POOL} (x)
        o = Pad (p, pads, neg)
        c = Conv {FIRST} (o, z0)
        h = Q.BipolarQuant (c, one)
        f = Flatten (h)
        y = MatMul (f, s5)"""),
}


def arrays():
    """Return the constants beside those of :mod:`tests.onnx_forms`."""
    rng = np.random.default_rng(5)
    k0, k1 = rng.normal(0, 1, (4, 2, 3, 3)), rng.normal(0, 1, (3, 4, 2, 2))

    def signs(*shape):
        return rng.choice([-1, 1], shape)

    return {
        "k0": k0, "k1": k1, "z0": np.sign(k0), "z1": np.sign(k1), "m0": rng.normal(0, 1, (3, 5)),
        "s2": signs(16, 5), "s3": signs(4, 4), "s4": signs(27, 5), "s5": signs(36, 5),
        "gamma": np.array([0.7, -0.4, 1.3, -0.2]), "beta": rng.normal(0, 0.5, 4),
        "mean": rng.normal(0, 1, 4), "var": rng.uniform(0.5, 4, 4), "step": 2.0 ** -7, "neg": -1.0,
        "eight": 8.0, "sums": rng.integers(-400, 400, (4, 1)), "few": rng.integers(-2, 3, (4, 1)),
        "far": rng.normal(300, 200, 4), "wide": rng.uniform(5000, 9000, 4),
        "channel": rng.normal(0, 1, (3, 1, 1)), "rows": np.array([COUNT, 3]),
        "pads": np.array(2 * [0, 0, 1, 1])}


def write_form(name, path):
    """Write a form for a batch of ``COUNT``."""
    return _write(path, *FORMS[name])


def write_pool_last(path):
    """Write the form of FINN with a MaxPoolNHWC, of which QONNX's executor must know the shape."""
    shape, datatype, body = FORMS["FINN, channel last"]
    pool = "Q.MaxPoolNHWC <kernel_shape = [2, 2], pads = [0, 0, 0, 0], strides = [2, 2]> (h)\n"
    before, after = body.split("t1 =")[0], body.split("(p)\n")[1]
    _write(path, shape, datatype, f"{before} r1 = {pool} {after}")
    model = onnx.load(path)
    for name, sizes in {"h": (4, 4, 4), "r1": (2, 2, 4)}.items():
        model.graph.value_info.append(helper.make_tensor_value_info(name, 1, (COUNT, *sizes)))
    onnx.save(model, path)
    return path


def _write(path, shape, datatype, body):
    return write(path, body, shape=(COUNT, *shape), datatype=datatype, arrays=arrays())
