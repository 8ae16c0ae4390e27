"""Binary perceptrons in QONNX files, in all the forms the field has, against their executor."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")

import onnx
from onnx import numpy_helper, parser

from sw.golden import forward
from sw.golden.network import Network, NetworkFileError, random_network
from sw.golden.qonnx import graph, reader, writer

N = 1000    # Samples; of 1x4x5 values, 12 hidden bits, 5 classes.
BREVITAS = Path(__file__).parents[1] / "data/brevitas.onnx"


def constants():
    """Give numbers to write networks with; ``w`` is latent, ``s`` signs, ``z`` bits."""
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
        "int0": np.array(0), "all": np.array([-1]), "axes": np.array([0]),
        "flat": np.array([N, 20]), "k1": np.array([1]), "nhwc": np.array([N, 20]),
        "scalar_norm": 1.7, "ones": rng.normal(0, 1, 5), "uneven": np.array([1, 2, 1, 1, 1.0]),
        "threes": rng.choice([-1, 0, 1], (20, 12)), "nan": np.nan, "wide": np.zeros((1, 13)),
    }


def write(path, body, *, shape=(N, 1, 4, 5), opset=13, output="float[N,5] y", datatype=""):
    """Write a graph of text; ``Q.`` stands for the domain of QONNX."""
    names = ", ".join(map(str, shape))
    body = "\n".join(line.strip() for line in body.strip().splitlines())
    domain = re.search(r"domain (\S+)\n", body)
    domain = domain.group(1) if domain else "qonnx.custom_op.general"
    body = re.sub(r"domain \S+\n", "", body).replace("Q.", f"{domain}.")
    model = parser.parse_model(f"""<ir_version: 7, opset_import: ["": {opset}, "{domain}": 1]>
        g (float[{names}] x) => ({output.replace("N", str(shape[0]))}) {{ {body} }}""")
    for name, value in constants().items():
        if re.search(rf"\b{name}\b", body):
            value = np.asarray(value)
            integer = value.dtype.kind == "i" and name in (
                "int0", "all", "axes", "flat", "k1", "nhwc")
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

FORMS = {
    "Brevitas' zoo": """
        domain onnx.brevitas
        sh = Shape (x)
        n = Gather <axis = 0> (sh, int0)
        nu = Unsqueeze (n, axes)
        to = Concat <axis = 0> (nu, all)
        f = Reshape (x, to)
        d = Mul (f, two)
        e = Sub (d, one)
        a = Q.BipolarQuant (e, one)
        """ + FIRST + """
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


@pytest.mark.parametrize("form", FORMS)
def test_a_network_is_equal_to_its_graph(tmp_path, form):
    pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")
    from sim import executor
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
    assert Network.load(path).shape == imported.network.shape


def test_a_perceptron_that_brevitas_trained(tmp_path):
    """As Brevitas 0.13 exports it, with ``tests/brevitas_mlp.py``; for any batch."""
    pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")
    from sim import executor
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


UNQUANTISED = "p = MatMul (x, s0)\n h = Q.BipolarQuant (p, one)\n y = MatMul (h, s1)"


@pytest.mark.parametrize("datatype, body, low, high", [
    ("BIPOLAR", UNQUANTISED, -1, 1),
    ("BINARY", "d = Mul (x, two)\n e = Sub (d, one)\n" + UNQUANTISED.replace("x,", "e,"), 0, 1),
    ("", "p = Q.XnorPopcountMatMul (x, z0)\n h = Q.MultiThreshold <out_dtype = \"BINARY\"> "
         "(p, counts)\n y = Q.XnorPopcountMatMul (h, z1)", 0, 1),
])
def test_an_input_that_is_bits_already(tmp_path, datatype, body, low, high):
    pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")
    from sim import executor
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


LAYER = SIGN_IN + FIRST
HIDDEN_LAYER = LAYER + "h = Q.BipolarQuant (p, one)\n"
ONLY_BITS = "binarise the input with BipolarQuant, or annotate it with the finn_datatype BIPOLAR " \
            "or BINARY"

REFUSED = {
    "a convolution": ("c = Conv (x, w0)\n y = Flatten (c)",
        "node 'Conv_0' (Conv): only fully connected layers are built; leave convolutions to the "
        "host, whose bits are the code"),
    "an unknown operator": ("e = Exp (x)\n y = Flatten (e)",
        "node 'Exp_0' (Exp): a binary multilayer perceptron has no such operator; leave it to the "
        "host, or out"),
    "a domain of others": ("domain my.ops\n y = Q.BipolarQuant (x, one)",
        "node 'BipolarQuant_0' (BipolarQuant): a binary multilayer perceptron has no such "
        "operator; leave it to the host, or out"),
    "QCDQ": ("y = QuantizeLinear (x, one)",
        "node 'QuantizeLinear_0' (QuantizeLinear): export with Brevitas' export_qonnx, not as "
        "QCDQ"),
    "a real input": ("f = Flatten (x)\n y = MatMul (f, s0)",
        "node 'MatMul_1' (MatMul): the graph's input reaches it as a real number; " + ONLY_BITS),
    "an input of many levels": (
        "f = Flatten (x)\n a = Sign (f)\n y = MatMul (a, s0)",
        "node 'MatMul_2' (MatMul): the graph's input reaches it as a real number; " + ONLY_BITS),
    "an input that does not matter": (
        "f = Flatten (x)\n r = Relu (f)\n a = Q.BipolarQuant (r, one)\n y = MatMul (a, s0)",
        "node 'MatMul_3' (MatMul): element 0 of the graph's input does not matter; scale it so "
        "that its sign or threshold turns"),
    "a square": (
        "f = Flatten (x)\n g = Mul (f, f)\n a = Q.BipolarQuant (g, one)\n y = MatMul (a, s0)",
        "node 'Mul_1' (Mul): it joins two paths; only a chain of layers is built"),
    "two bits": (LAYER + "h = Q.Quant <signed = 1, narrow = 0> (p, one, zero, two)\n y = MatMul "
                         "(h, s1)",
        "node 'Quant_5' (Quant): it quantises to 2 bits; train with 1"),
    "more than two values": (LAYER + "h = Clip (p, minus, two)\n y = MatMul (h, s1)",
        "node 'MatMul_6' (MatMul): its input has more than two values, like -3.0, -2.0, 0.0; make "
        "bits of it, with BipolarQuant"),
    "ternary weights": (SIGN_IN + "y = MatMul (a, threes)",
        "node 'MatMul_2' (MatMul): the weights of neuron 0, times what the inputs differ by, are "
        "not of one size (weights like 0.0, 1.0); binarise them with BipolarQuant, with one scale "
        "for each neuron"),
    "real weights": (SIGN_IN + "t = Transpose (w0)\n y = MatMul (a, t)",
        "node 'MatMul_3' (MatMul): the weights of neuron 0, times what the inputs differ by, are "
        "not of one size (weights like 0.10806983, 0.14772671); binarise them with BipolarQuant, "
        "with one scale for each neuron"),
    "weights on the left": (SIGN_IN + "t = Transpose (s0)\n y = MatMul (t, a)",
        "node 'MatMul_3' (MatMul): its weights are on the left; let them be its second input"),
    "weights of another width": (SIGN_IN + "y = MatMul (a, s1)",
        "node 'MatMul_2' (MatMul): its input has shape (20,), but its weights take a vector of 12; "
        "flatten the input before it"),
    "no flattening": ("a = Q.BipolarQuant (x, one)\n y = MatMul (a, s0)",
        "node 'MatMul_1' (MatMul): its input has shape (1, 4, 5), but its weights take a vector of "
        "20; flatten the input before it"),
    "a part of the input": (SIGN_IN + "g = Gather <axis = 1> (a, flat)\n y = MatMul (g, s1)",
        "node 'Gather_2' (Gather): its inputs do not fit the operator"),
    "a skip connection": (HIDDEN_LAYER + "i = Add (h, p)\n y = MatMul (i, s1)",
        "node 'Add_6' (Add): it joins two paths; only a chain of layers is built"),
    "a batch that moves": ("t = Transpose (x)\n y = Flatten (t)",
        "node 'Transpose_0' (Transpose): it must leave the first dimension, the batch, as it is"),
    "a constant that does not fit": (LAYER + "y = Add (p, wide)",
        "node 'Add_5' (Add): its inputs do not fit the operator"),
    "training": (LAYER + "b = BatchNormalization <training_mode = 1> (p, gamma, beta, mean, var)\n"
                         "y = Identity (b)",
        "node 'BatchNormalization_5' (BatchNormalization): its batch norm is still training; call "
        "eval() before the export"),
    "a variance below zero": (
        LAYER + "b = BatchNormalization (p, gamma, beta, mean, tie_beta)\n y = Identity (b)",
        "node 'BatchNormalization_5' (BatchNormalization): it gives NaN"),
    "a constant that is not finite": (LAYER + "y = Add (p, nan)",
        "the constant 'nan' has numbers that are not finite"),
    "scores that fall apart": (HIDDEN_LAYER + "o = MatMul (h, s1)\n y = Mul (o, uneven)",
        "classes 0 and 1 are not compared by a difference of counts: their scores have other "
        "scales; train the last layer with one scale for all classes, like Brevitas' TensorNorm"),
    "offsets between counts": (HIDDEN_LAYER + "o = MatMul (h, s1)\n y = Add (o, ones)",
        "no whole numbers of matches stand for the offsets of its classes; train the last layer "
        "without a bias, or with even numbers times its scale"),
    "the last of equal scores": (
        HIDDEN_LAYER + "o = MatMul (h, s1)\n y = ArgMax <axis = 1, select_last_index = 1> (o)",
        "node 'ArgMax_7' (ArgMax): it chooses the last of equal scores; choose the first, as here"),
    "the batch's highest": (HIDDEN_LAYER + "o = MatMul (h, s1)\n y = ArgMax <axis = 0> (o)",
        "node 'ArgMax_7' (ArgMax): it must act on the last axis, the classes, not on axis 0"),
    "what follows the class": (
        HIDDEN_LAYER + "o = MatMul (h, s1)\n c = Softmax (o)\n y = Mul (c, two)",
        "node 'Mul_8' (Mul): it follows the choice of the class; leave it out"),
    "scores that turn": (LAYER + "h = BatchNormalization (p, gamma, beta, mean, var)\n"
                                 "y = Q.BipolarQuant (h, one)\n",
        "classes 0 and 1 are not compared by a difference of counts: their scores have other "
        "scales; train the last layer with one scale for all classes, like Brevitas' TensorNorm"),
    "no layer": ("f = Flatten (x)\n y = Q.BipolarQuant (f, one)",
        "its output is not that of a layer; a network ends with a MatMul or Gemm"),
    "no input": ("y = Identity (half)", "its output does not depend on its input"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_binary_perceptron_is_refused(tmp_path, name):
    body, said = REFUSED[name]
    path = write(tmp_path / "model.onnx", body, opset=13)
    with pytest.raises(NetworkFileError) as error:
        reader.load(path)
    assert str(error.value) == f"{path} is not taken: {said}"


def edit(path, change):
    """Change a file's model as a function does."""
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())


def external(model):
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    model.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")


def branch(model):
    node = model.graph.node.add(op_type="If", input=["x"], output=["z"])
    node.attribute.append(onnx.helper.make_attribute("then_branch", model.graph))


def first(model):
    return model.graph.initializer[0]


FILES = {
    "constants elsewhere": (external, "the constant 's1' lies in another file; write one file "
                                      "with onnx.save(onnx.load(PATH), PATH)"),
    "damaged constants": (lambda model: first(model).dims.append(7),
                          "the constant 's1' is damaged"),
    "constants of a type": (lambda model: setattr(first(model), "data_type", 8),
                            "the constant 's1' is damaged"),
    "control flow": (branch, "node 'If_7' (If) holds a graph of its own; export without control "
                             "flow"),
    "two inputs": (lambda model: model.graph.input.add(name="more"),
                   "it has 2 inputs and 1 outputs; export one of each: the values to classify and "
                   "the scores"),
    "no input": (lambda model: model.graph.ClearField("input"),
                 "it has 0 inputs and 1 outputs; export one of each: the values to classify and "
                 "the scores"),
    "no shape": (lambda model: model.graph.input[0].type.tensor_type.ClearField("shape"),
                 "the input 'x' must have a batch and then a fixed shape, like (1, 784), not ()"),
    "a shape to be": (
        lambda model: model.graph.input[0].type.tensor_type.shape.dim[2].ClearField("dim_value"),
        "the input 'x' must have a batch and then a fixed shape, like (1, 784), not "
        "(1000, 1, '?', 5)"),
    "doubles": (lambda model: setattr(model.graph.input[0].type.tensor_type, "elem_type", 11),
                "the input 'x' must be float32; export the model so"),
    "an input of giants": (
        lambda model: setattr(model.graph.input[0].type.tensor_type.shape.dim[2], "dim_value",
                              1 << 40),
        "its input has 5497558138880 values; 65535 are taken at the most"),
    "another order": (lambda model: model.graph.node.append(model.graph.node.pop(0)),
                      "node 'BipolarQuant_0' (BipolarQuant): no node before it makes its input "
                      "'f'"),
    "no output": (lambda model: setattr(model.graph.output[0], "name", "nowhere"),
                  "its output does not depend on its input"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_well_formed_is_refused(tmp_path, name):
    change, said = FILES[name]
    path = write(tmp_path / "model.onnx", HIDDEN_LAYER + "y = MatMul (h, s1)")
    edit(path, change)
    with pytest.raises(NetworkFileError) as error:
        reader.load(path)
    assert str(error.value) == f"{path} is not taken: {said}"


@pytest.mark.parametrize("content", [b"", b"nothing", b"\0" * 100])
def test_what_is_no_onnx_is_refused(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(NetworkFileError, match=r"^\S*model.onnx is not taken: it "):
        reader.load(path)


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "MAX_BYTES", 1 << 20)
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(NetworkFileError, match="it is larger than 1 MiB; a binary network is "
                                               "not"):
        reader.load(path)


def test_arrays_that_grow_are_refused(tmp_path):
    body = "c0 = Add (threes, zero)\n" + "".join(
        f"c{i + 1} = Concat <axis = 0> (c{i}, c{i})\n" for i in range(40))
    path = write(tmp_path / "model.onnx", SIGN_IN + body + "y = MatMul (a, c40)")
    with pytest.raises(NetworkFileError, match="it makes an array that is too large"):
        reader.load(path)


def test_without_onnx_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(NetworkFileError, match=re.escape(
            "model.onnx is not taken: reading ONNX takes the package onnx: pip install '.[onnx]'")):
        Network.load(tmp_path / "model.onnx")


def test_a_file_with_wrong_bytes_is_read_or_refused(tmp_path):
    path = write(tmp_path / "model.onnx", FORMS["Brevitas' zoo"])
    content, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(200):
        wrong = bytearray(content)
        for at in rng.integers(0, len(content), 3):
            wrong[at] = rng.integers(256)
        path.write_bytes(wrong[:rng.integers(len(content))] if rng.random() < 0.3 else wrong)
        try:
            reader.load(path)
        except NetworkFileError as error:
            refused += 1
            assert str(error).startswith(f"{path} is not taken: ")
    assert 20 < refused < 190


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
