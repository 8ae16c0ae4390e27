"""Binary perceptrons as text, in all the forms that the field's ONNX files have."""

import re

import numpy as np
import onnx
from onnx import numpy_helper, parser

__all__ = ["FIRST", "FORMS", "OUTPUTS", "SECOND", "SIGN_IN", "N", "tfc", "write"]

INTEGERS = ("int0", "five", "all", "axes", "flat", "k1", "nhwc", "rows", "pads", "deep", "tall")
N = 1000    # Samples; of 1x4x5 values, 12 hidden bits, 5 classes.


def constants():
    """Return numbers to write networks with; ``w`` is latent, ``s`` signs, ``z`` bits."""
    rng = np.random.default_rng(3)
    signs = {f"s{i}": rng.choice([-1, 1], size) for i, size in enumerate([(20, 12), (12, 5)])}
    latent = {f"w{i}": signs[f"s{i}"].T * rng.uniform(0.1, 1, signs[f"s{i}"].T.shape)
              for i in range(2)}
    return {
        **signs, **latent, **{f"z{i}": signs[f"s{i}"] > 0 for i in range(2)},
        "gamma": rng.choice([-1, 1], 12) * rng.uniform(0.2, 2, 12), "beta": rng.normal(0, 1, 12),
        "mean": rng.normal(0, 2, 12), "var": rng.uniform(0.5, 20, 12),
        # Neurons that lie on a sum exactly, and some that never turn.
        "tie_mean": np.array([0, 2, -2, 4, 0, 2, -2, 4, 0, 0, 0, 0.0]),
        "tie_beta": np.array([0, 0, 0, 0, 0, 0, 0, 0, 99, -99, 0, 0.0]),
        "steps": rng.integers(-4, 5, (12, 1)) * 2, "counts": rng.integers(7, 14, (12, 1)),
        "per_neuron": 2.0 ** rng.integers(-3, 3, 12),
        "per_row": 2.0 ** rng.integers(-3, 3, (12, 1)),
        "pixel": rng.uniform(0.2, 0.8, (1, 1, 4, 5)), "half": 0.5, "one": 1.0, "two": 2.0,
        "minus": -3.0, "tenth": 0.1, "zero": 0.0, "even": np.array([0, 4, -2, 6, 0.0]),
        "mixed": np.array([2, -2, 2, -2, -2.0]), "one_half": np.full((1, 1), 0.5),
        "int0": np.array(0), "five": np.arange(5), "all": np.array([-1]), "axes": np.array([0]),
        "flat": np.array([N, 20]), "k1": np.array([1]), "nhwc": np.array([N, 20]),
        "scalar_norm": 1.7, "ones": rng.normal(0, 1, 5), "uneven": np.array([1, 2, 1, 1, 1.0]),
        "threes": rng.choice([-1, 0, 1], (20, 12)), "nan": np.nan, "wide": np.zeros((1, 13)),
    }


def write(path, body, *, shape=(N, 1, 4, 5), opset=13, output="float[N,5] y", datatype="",
          arrays=None):
    """Write a graph of text; ``Q.`` stands for the domain of QONNX, ``arrays`` are more constants.
    """
    names = ", ".join(map(str, shape))
    body = "\n".join(line.strip() for line in body.strip().splitlines())
    domain = re.search(r"domain (\S+)\n", body)
    domain = domain.group(1) if domain else "qonnx.custom_op.general"
    body = re.sub(r"domain \S+\n", "", body).replace("Q.", f"{domain}.")
    model = parser.parse_model(f"""<ir_version: 7, opset_import: ["": {opset}, "{domain}": 1]>
        g (float[{names}] x) => ({output.replace("N", str(shape[0]))}) {{ {body} }}""")
    for name, value in (constants() | (arrays or {})).items():
        if re.search(rf"\b{name}\b", body):
            value = np.asarray(value)
            integer = value.dtype.kind == "i" and name in INTEGERS
            model.graph.initializer.append(numpy_helper.from_array(
                value.astype(np.int64 if integer else np.float32), name))
    if datatype:
        annotation = model.graph.quantization_annotation.add(tensor_name="x")
        annotation.quant_parameter_tensor_names.add(key="finn_datatype", value=datatype)
    onnx.save(model, path)
    return path


SIGN_IN = "f = Flatten (x)\n a = Q.BipolarQuant (f, one)\n"
SECOND = "v = Q.BipolarQuant (w1, one)\n vt = Transpose (v)\n y = MatMul (h, vt)"
FIRST = "u = Q.BipolarQuant (w0, one)\n ut = Transpose (u)\n p = MatMul (a, ut)\n"

# Flattened, whatever the batch is; from 0...1 to -1...1.
ZOO_INPUT = """
    sh = Shape (x)
    n = Gather <axis = 0> (sh, int0)
    nu = Unsqueeze (n, axes)
    to = Concat <axis = 0> (nu, all)
    f = Reshape (x, to)
    d = Mul (f, two)
    e = Sub (d, one)
    """

FORMS = {
    "Brevitas' zoo": """
        domain onnx.brevitas
        """ + ZOO_INPUT + "a = Q.BipolarQuant (e, one)\n" + FIRST + """
        b = BatchNormalization <epsilon = 0.00001> (p, gamma, beta, mean, var)
        h = Q.BipolarQuant (b, one)
        v = Q.BipolarQuant (w1, one)
        vt = Transpose (v)
        o = MatMul (h, vt)
        o1 = Sub (o, tenth)
        o2 = Div (o1, two)
        o3 = Mul (o2, scalar_norm)
        y = Add (o3, half)""",
    "FINN's thresholds": """
        domain finn.custom_op.general
        f = Reshape (x, flat)
        a = Q.MultiThreshold <out_dtype = "BIPOLAR", out_scale = 2.0, out_bias = -1.0> (f, one_half)
        p = MatMul (a, s0)
        h = Q.MultiThreshold <out_dtype = "BIPOLAR", out_scale = 2.0, out_bias = -1.0> (p, steps)
        y = MatMul (h, s1)""",
    "XNOR and popcount": """
        f = Flatten (x)
        a = Q.MultiThreshold <out_dtype = "BINARY"> (f, one_half)
        p = Q.XnorPopcountMatMul (a, z0)
        h = Q.MultiThreshold <out_dtype = "BINARY"> (p, counts)
        y = Q.XnorPopcountMatMul (h, z1)""",
    "Gemm, 1-bit Quant": """
        f = Flatten (x)
        a = Q.Quant <signed = 1, narrow = 1> (f, one, zero, one)
        u = Q.Quant <signed = 1, narrow = 1> (w0, half, zero, one)
        p = Gemm <transB = 1, alpha = 0.5, beta = 2.0> (a, u, beta)
        h = Q.Quant <signed = 1, narrow = 0, rounding_mode = "ROUND"> (p, two, zero, one)
        v = Q.Quant <signed = 1, narrow = 1> (w1, one, zero, one)
        y = Gemm <transB = 1> (h, v)""",
    "activations of 0 and 1": SIGN_IN + FIRST + """
        h = Q.Quant <signed = 0, narrow = 0, rounding_mode = "ROUND"> (p, one, zero, one)
        y = MatMul (h, s1)""",
    "halves round to even": SIGN_IN + FIRST + """
        half_p = Mul (p, tenth)
        h = Q.Quant <signed = 0, narrow = 0, rounding_mode = "HALF_UP"> (p, two, zero, one)
        y = MatMul (h, s1)""",
    "a scale for each neuron": SIGN_IN + """
        u = Q.BipolarQuant (w0, per_row)
        ut = Transpose <perm = [1, 0]> (u)
        p = MatMul (a, ut)
        b = BatchNormalization (p, gamma, beta, mean, var)
        h = Q.BipolarQuant (b, per_neuron)
        i = Div (h, per_neuron)
        y = MatMul (i, s1)""",
    "scales go into the weights after": SIGN_IN + FIRST + """
        h = Q.BipolarQuant (p, two)
        i = Mul (h, minus)
        j = Add (i, half)
        y = MatMul (j, s1)""",
    "ties on a sum": SIGN_IN + FIRST + """
        b = BatchNormalization (p, gamma, tie_beta, tie_mean, var)
        h = Q.BipolarQuant (b, one)
        """ + SECOND,
    "the other way round": SIGN_IN + FIRST + """
        b = Sub (beta, p)
        c = Div (b, minus)
        d = Neg (c)
        e = Clip (d, minus, two)
        h = Q.BipolarQuant (e, one)
        """ + SECOND,
    "offsets and ArgMax": SIGN_IN + FIRST + "h = Q.BipolarQuant (p, one)\n" + """
        o = MatMul (h, s1)
        b = Add (o, even)
        c = ArgMax <axis = 1, keepdims = 0> (b)
        y = Cast <to = 7> (c)""",
    "signs of scores": SIGN_IN + FIRST + "h = Q.BipolarQuant (p, one)\n" + """
        o = MatMul (h, s1)
        y = Mul (o, mixed)""",
    "Softmax": SIGN_IN + FIRST + "h = Q.BipolarQuant (p, one)\n" + """
        o = MatMul (h, s1)
        y = Softmax <axis = 1> (o)""",
    "TopK": SIGN_IN + FIRST + "h = Q.BipolarQuant (p, one)\n" + """
        o = MatMul (h, s1)
        most, y = TopK <axis = -1, largest = 1> (o, k1)""",
    "channels last": """
        t = Transpose <perm = [0, 2, 3, 1]> (x)
        q = Q.BipolarQuant (t, one)
        t2 = Transpose <perm = [0, 2, 1, 3]> (q)
        a = Reshape (t2, nhwc)
        """ + FIRST + "h = Q.BipolarQuant (p, one)\n" + SECOND,
    "a threshold for each pixel": """
        c = Sub (x, pixel)
        d = Div (c, minus)
        q = Q.BipolarQuant (d, one)
        a = Flatten (q)
        """ + FIRST + "h = Q.BipolarQuant (p, one)\n" + SECOND,
    "Larq's sign": SIGN_IN + FIRST + """
        g = Sign (p)
        i = Add (g, tenth)
        h = Sign (i)
        """ + SECOND,
    "what does nothing": """
        r, mask = Dropout (x)
        i = Identity (r)
        f = Flatten (i)
        a = Q.BipolarQuant (f, one)
        """ + FIRST + "h = Q.BipolarQuant (p, one)\n" + SECOND,
    "no hidden layer": SIGN_IN + "u = MatMul (a, s0)\n y = Add (u, zero)",
}
OUTPUTS = {"offsets and ArgMax": "int64[N] y", "TopK": "int64[N,1] y",
           "no hidden layer": "float[N,12] y"}


def tfc(path, batch=N):
    """Write the fully connected network of Brevitas' zoo as its old exports had it, for MNIST.

    It is 784-64-64-64-10; its weights and norms are random.
    """
    rng, widths, layer = np.random.default_rng(0), (784, 64, 64, 64, 10), "h"
    arrays = {f"w{i}": rng.normal(0, 1, widths[i:i + 2][::-1]) for i in range(4)}
    body = "domain onnx.brevitas\n" + ZOO_INPUT + "h = Q.BipolarQuant (e, one)\n"
    for i, width in enumerate(widths[1:]):
        body += (f"u{i} = Q.BipolarQuant (w{i}, one)\n t{i} = Transpose (u{i})\n"
                 f"p{i} = MatMul ({layer}, t{i})\n")
        if i < 3:
            arrays |= {f"gamma{i}": rng.choice([-1, 1], width) * rng.uniform(0.2, 2, width),
                       f"beta{i}": rng.normal(0, 1, width), f"mean{i}": rng.normal(0, 8, width),
                       f"var{i}": rng.uniform(1, 99, width)}
            layer = f"h{i}"
            body += (f"b{i} = BatchNormalization (p{i}, gamma{i}, beta{i}, mean{i}, var{i})\n"
                     f"{layer} = Q.BipolarQuant (b{i}, one)\n")
    # The last norm is one number for all scores.
    return write(path, body + "o = Mul (p3, scalar_norm)\n y = Add (o, half)",
                 shape=(batch, 1, 28, 28), output="float[N,10] y", arrays=arrays)
