"""What is no binary perceptron, or no whole file, is refused in one sentence."""

import re
import sys

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")

import onnx

from sw.golden import networks
from sw.golden.network import NetworkFileError
from sw.golden.qonnx import reader, work
from sw.golden.qonnx.file import graph
from sw.golden.regular import FileRefused
from tests.onnx_forms import FIRST, FORMS, SIGN_IN, write

LAYER = SIGN_IN + FIRST
HIDDEN_LAYER = LAYER + "h = Q.BipolarQuant (p, one)\n"
ONLY_BITS = "binarise it with BipolarQuant, quantise it with Quant to 8 bits at the most, or " \
            "annotate it with a finn_datatype like BIPOLAR or UINT8"

REFUSED = {
    "a convolution of a matrix": ("c = Conv (x, w0)\n y = Flatten (c)",
        "node 'Conv_0' (Conv): its weights must be constants, (channels, inputs, rows, columns)"),
    "an unknown operator": ("e = Sin (x)\n y = Flatten (e)",
        "node 'Sin_0' (Sin): a binary network has no such operator; leave it to the "
        "host, or out"),
    "a domain of others": ("domain my.ops\n y = Q.BipolarQuant (x, one)",
        "node 'BipolarQuant_0' (BipolarQuant): a binary network has no such "
        "operator; leave it to the host, or out"),
    "QCDQ": ("y = QuantizeLinear (x, one)",
        "node 'QuantizeLinear_0' (QuantizeLinear): export with Brevitas' export_qonnx, not as "
        "QCDQ"),
    "a real input": ("f = Flatten (x)\n y = MatMul (f, s0)",
        "node 'MatMul_1' (MatMul): the graph's input reaches it as a real number; " + ONLY_BITS),
    "an input of many levels": (
        "f = Flatten (x)\n a = Sign (f)\n y = MatMul (a, s0)",
        "node 'MatMul_2' (MatMul): sign(0) is 0, which is no bit, and the graph's input can be "
        "0.0, where Sign gives it; use BipolarQuant"),
    "an input that does not matter": (
        "f = Flatten (x)\n r = Relu (f)\n a = Q.BipolarQuant (r, one)\n y = MatMul (a, s0)",
        "node 'MatMul_3' (MatMul): element 0 of the graph's input does not matter; scale it so "
        "that its sign or threshold turns"),
    "a square": (
        "f = Flatten (x)\n g = Mul (f, f)\n a = Q.BipolarQuant (g, one)\n y = MatMul (a, s0)",
        "node 'MatMul_3' (MatMul): the graph's input passes node 'Mul_1' (Mul), which may turn "
        "more than once; take its sign, with BipolarQuant"),
    "two bits": (LAYER + "h = Q.Quant <signed = 1, narrow = 0> (p, one, zero, two)\n y = MatMul "
                         "(h, s1)",
        "node 'MatMul_6' (MatMul): its input has more than two values, like -2.0, 0.0, 1.0; make "
        "bits of it, with BipolarQuant"),
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
    "a skip connection": (HIDDEN_LAYER + "o = MatMul (h, s1)\n g = Gather <axis = 1> (h, five)\n"
                                         " y = Add (o, g)",
        "node 'Add_8' (Add): it joins two paths, as a residual sum does: what comes out has "
        "several bits, and between stages there is one; train a chain of layers"),
    "a batch that moves": ("t = Transpose (x)\n y = Flatten (t)",
        "node 'Transpose_0' (Transpose): it must leave the first dimension, the batch, as it is"),
    "a constant that does not fit": (LAYER + "y = Add (p, wide)",
        "node 'Add_5' (Add): its inputs do not fit the operator"),
    "training": (LAYER + "b = BatchNormalization <training_mode = 1> (p, gamma, beta, mean, var)\n"
                         "y = Identity (b)",
        "node 'BatchNormalization_5' (BatchNormalization) is not as opset 13 has it: Unrecognized "
        "attribute: training_mode for operator BatchNormalization"),
    "a variance below zero": (
        LAYER + "b = BatchNormalization (p, gamma, beta, mean, tie_beta)\n y = Identity (b)",
        "node 'BatchNormalization_5' (BatchNormalization): its variances must be above zero"),
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
        "classes 0 and 1 are not compared by a difference of counts: a score stays the same where "
        "its sum rises; leave out what rounds or clips the scores, or takes their sign"),
    "several things at once": (
        SIGN_IN + "e = Sin (a)\n p = MatMul (e, threes)\n"
        "h = Q.Quant <signed = 1, narrow = 0> (p, one, zero, two)\n"
        "g = Identity (h)\n o = MatMul (g, s1)\n y = Cos (o)",
        "node 'Sin_2' (Sin): a binary network has no such operator; leave it to the host, or out; "
        "besides, the weights of node 'MatMul_3' (MatMul) are not of one size for each neuron, "
        "node 'Quant_4' (Quant) gives node 'MatMul_6' (MatMul) numbers of 2 bits, "
        "node 'Cos_7' (Cos) is no operator of a binary network"),
    "more than are told": (
        SIGN_IN + "b = Sin (a)\n" + "".join(f"c{i} = Cos ({'b' if not i else f'c{i - 1}'})\n"
                                            for i in range(6)) + "y = MatMul (c5, s0)",
        "node 'Sin_2' (Sin): a binary network has no such operator; leave it to the host, or out; "
        "besides, node 'Cos_3' (Cos) is no operator of a binary network, "
        "node 'Cos_4' (Cos) is no operator of a binary network, "
        "node 'Cos_5' (Cos) is no operator of a binary network, "
        "node 'Cos_6' (Cos) is no operator of a binary network, 2 more"),
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


def circle(model):
    """Let a layer take what hangs in a circle, behind a node that is refused."""
    model.graph.node[0].op_type, last = "Sin", model.graph.node.pop()
    last.input[0] = "w"
    for op, inputs, output in [("Identity", ["z2"], "z1"), ("Identity", ["z1"], "z2"),
                               ("Reshape", ["z2", "h"], "w")]:
        model.graph.node.append(onnx.helper.make_node(op, inputs, [output]))
    model.graph.node.append(last)


def first(model):
    return model.graph.initializer[0]


FILES = {
    "constants elsewhere": (external, "its constants lie in '/etc/passwd'; let that be a file "
                                      "beside it"),
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
                "the input 'x' must be float32, uint8 or int8; export the model so"),
    "an input of giants": (
        lambda model: setattr(model.graph.input[0].type.tensor_type.shape.dim[2], "dim_value",
                              1 << 40),
        "its input has 5497558138880 values; 4194304 are taken at the most"),
    "another order": (lambda model: model.graph.node.append(model.graph.node.pop(0)),
                      "node 'BipolarQuant_0' (BipolarQuant): no node before it makes its input "
                      "'f'; export anew, from PyTorch with optimize=False or dynamo=False"),
    "a circle": (circle, "node 'Sin_0' (Sin): a binary network has no such operator; leave it "
                         "to the host, or out"),
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
    with pytest.raises(FileRefused, match=r"must have at most 1,048,576 bytes, not 1,048,577: "):
        reader.load(path)


def test_arrays_that_grow_are_refused(tmp_path):
    body = "c0 = Add (threes, zero)\n" + "".join(
        f"c{i + 1} = Concat <axis = 0> (c{i}, c{i})\n" for i in range(40))
    path = write(tmp_path / "model.onnx", SIGN_IN + body + "y = MatMul (a, c40)")
    with pytest.raises(NetworkFileError, match="it makes an array that is too large"):
        reader.load(path)


@pytest.mark.parametrize("body, said", [
    ("d = Greater (c, r)", "node 'Greater_2' (Greater): it makes an array that is too large"),
    ("d = PRelu (c, r)", "node 'PRelu_2' (PRelu): it makes an array that is too large"),
    ("d = Q.BipolarQuant (c, r)",
     "node 'BipolarQuant_2' (BipolarQuant): it makes an array that is too large"),
    ("d = ReduceSum (c, int0)", "node 'ReduceSum_2' (ReduceSum): its axes must be a list"),
    ("d = ReduceL1 <noop_with_empty_axes = 1> (c)", "node 'ReduceL1_2' (ReduceL1): it has no axes, "
     "where some programs take sizes and some do not; use Abs"),
], ids=["a comparison", "a PRelu", "a BipolarQuant", "axes that are no list", "sizes of nothing"])
def test_constants_that_are_refused_in_a_newer_opset(tmp_path, body, said):
    path = write(tmp_path / "model.onnx", "c = Expand (one, tall)\n r = Transpose (c)\n" + body
                 + "\n e = Cast <to = 1> (d)\n y = Add (x, e)", opset=18,
                 arrays={"tall": np.array([1 << 17, 1])})
    with pytest.raises(NetworkFileError) as error:
        reader.load(path)
    assert str(error.value) == f"{path} is not taken: {said}"


@pytest.mark.parametrize("first", ["", "q = Sin (x)\n"], ids=["alone", "behind another fault"])
def test_many_large_constants_are_refused(tmp_path, monkeypatch, first):
    computed, constant = [], reader.constant
    monkeypatch.setattr(work, "MAX_MADE", 1000)
    monkeypatch.setattr(reader, "constant",
                        lambda *given: computed.append(given) or constant(*given))
    chain = "".join(f"c{i + 1} = Tanh (c{i})\n" for i in range(20))
    body = f"{first}c0 = Expand (one, tall)\n{chain}d = Add ({'q' if first else 'x'}, c20)\n"
    path = write(tmp_path / "model.onnx", body + "y = MatMul (d, s0)",
                 arrays={"tall": np.array([200, 1])})
    with pytest.raises(NetworkFileError, match=r"make too many numbers in all|node 'Sin_0'"):
        reader.load(path)
    assert len(computed) == 5


def test_a_chain_that_is_too_long_is_refused(tmp_path):
    body = "c0 = Flatten (x)\n" + "".join(f"c{i + 1} = Add (c{i}, zero)\n" for i in range(1500))
    path = write(tmp_path / "model.onnx",
                 body + "a = Q.BipolarQuant (c1500, one)\n y = MatMul (a, s0)")
    with pytest.raises(NetworkFileError, match="not taken: too many operators follow one another"):
        reader.load(path)


def test_without_onnx_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(NetworkFileError, match=re.escape(
            "model.onnx is not taken: reading ONNX takes the package onnx: pip install '.[onnx]'")):
        networks.load(tmp_path / "model.onnx")


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
