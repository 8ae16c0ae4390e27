"""Types, ranges and attributes: a graph's classes in other programs, or the reason why not."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")

import onnx

from sw.golden.network import NetworkFileError
from sw.golden.qonnx import executor, reader
from sw.golden.qonnx.file.graph import Refused
from tests.onnx_forms import FIRST, SIGN_IN, write
from tests.onnx_mutants import judge
from tests.soak import graphs

N = 40
LAYER = SIGN_IN + FIRST
HIDDEN = LAYER + "h = Q.BipolarQuant (p, one)\n"
SCORES = HIDDEN + "o = MatMul (h, s1)\n"
ONE = HIDDEN + "o = MatMul (h, last)\n"
BACK = "d = Cast <to = 1> (c)\n"
IN = "f = Flatten (x)\n"
OUT = "p = MatMul (a, s0)\n h = Q.BipolarQuant (p, one)\n y = MatMul (h, s1)"
ARRAYS = {"last": np.where(np.arange(12)[:, None] % 3, 1, -1), "neg": -1.0, "tiny": 1e-9,
          "small": 1e-42, "c10": 10.0, "c15": 15.0, "c25": 25.0, "f0": np.zeros((N, 1)),
          "nought": 0.0, "eight": 8.0, "four": 4.0, "bias": np.arange(12) - 5.0,
          "shift": np.full(5, 0.5),
          "v7": np.array([7.3]), "v5": np.full(5, 7.3), "c0_7": 0.7, "ln2": np.log(2),
          "tanh4": np.tanh(4.0),
          "uneven12": np.where(np.arange(12) % 3, 99.0, -99.0)}

# What is taken, and must be equal.
EQUAL = {
    "a sign as bool": (LAYER + "g = Sign (p)\n i = Add (g, half)\n c = Cast <to = 9> (i)\n" + BACK
                       + "y = MatMul (d, s1)"),
    "scores as whole numbers": SCORES + "y = Cast <to = 6> (o)",
    "scores as halves": SCORES + "y = Cast <to = 10> (o)",
    "a comparison": IN + "c = GreaterOrEqual (x, half)\n b = Where (c, one, neg)\n"
                         "a = Flatten (b)\n" + OUT,
    "a comparison from the right": LAYER + "c = Less (half, p)\n d = Cast <to = 1> (c)\n"
                                           "e = Mul (d, two)\n h = Sub (e, one)\n"
                                           "y = MatMul (h, s1)",
    "doubles between layers": LAYER + "e = Add (p, half)\n c = Cast <to = 11> (e)\n i = Sign (c)\n"
                                      "h = Cast <to = 1> (i)\n y = MatMul (h, s1)",
    "a square": LAYER + "c = Add (p, four)\n q = Pow (c, two)\n e = Sub (q, c25)\n"
                        "i = Relu (e)\n h = Q.BipolarQuant (i, one)\n y = MatMul (h, s1)",
    "a bias of 4 bits": LAYER + "q = Q.Quant <signed = 1, narrow = 0> (bias, one, nought, four)\n"
                                "r = Add (p, q)\n h = Q.BipolarQuant (r, one)\n y = MatMul (h, s1)",
    "an input of 8 bits": IN + "q = Q.Quant <signed = 1, narrow = 0> (f, tenth, nought, eight)\n"
                               "a = Q.BipolarQuant (q, one)\n" + OUT,
    "one score": ONE + "y = Identity (o)",
    "one score, turned": ONE + "y = Neg (o)",
    "one score, its sign": ONE + "y = Sign (o)",
    "one score above": ONE + "c = Greater (o, nought)\n y = Cast <to = 7> (c)",
    "one score, not below": ONE + "c = GreaterOrEqual (o, nought)\n y = Cast <to = 7> (c)",
    "one score below": ONE + "c = Less (o, two)\n y = Cast <to = 1> (c)",
    "one probability": ONE + "y = Sigmoid (o)",
    "one probability, rounded": ONE + "s = Sigmoid (o)\n y = Round (s)",
    "one probability, compared": ONE + "s = Sigmoid (o)\n c = Greater (s, half)\n"
                                       "y = Cast <to = 1> (c)",
    "the highest of one": ONE + "c = ArgMax <axis = 1, keepdims = 0> (o)\n y = Cast <to = 1> (c)",
    "LogSoftmax": SCORES + "y = LogSoftmax <axis = -1> (o)",
    "tiny scores": SCORES + "y = Mul (o, small)",
    "ArgMax of a Softmax": SCORES + "s = Softmax <axis = 1> (o)\n y = ArgMax <axis = 1> (s)",
    "scores by a power": SCORES + "r = Pow (v7, half)\n d = Div (o, r)\n y = Add (d, half)",
    "scores by a power and a half": SCORES + "r = Pow (v7, half)\n q = Add (r, half)\n"
                                             "y = Div (o, q)",
    "Softmax of scores by a power": SCORES + "r = Pow (v7, half)\n d = Div (o, r)\n"
                                             "y = Softmax <axis = 1> (d)",
    "a norm by powers": LAYER + "c = Sub (p, mean)\n r = Pow (var, half)\n d = Div (c, r)\n"
                                "e = Mul (d, gamma)\n g = Add (e, beta)\n"
                                "h = Q.BipolarQuant (g, one)\n y = MatMul (h, s1)",
    "scores by a root of a power": SCORES + "r = Pow (v7, half)\n q = Sqrt (r)\n y = Div (o, q)",
    "the logarithm of a Softmax": SCORES + "s = Softmax <axis = 1> (o)\n y = Log (s)",
    "a LogSoftmax, raised again": SCORES + "s = LogSoftmax <axis = 1> (o)\n y = Exp (s)",
    "one score, without its axis": ONE + "y = Squeeze (o, k1)",
    "both of two comparisons": LAYER + "c = Greater (p, neg)\n d = GreaterOrEqual (p, half)\n"
                                       "e = And (c, d)\n h = Cast <to = 1> (e)\n"
                                       "y = MatMul (h, s1)",
    "one of two comparisons": LAYER + "c = Greater (p, zero)\n d = Equal (p, zero)\n"
                                      "e = Or (c, d)\n h = Cast <to = 1> (e)\n y = MatMul (h, s1)",
    "a softplus": LAYER + "c = Softplus (p)\n d = Sub (c, one)\n h = Q.BipolarQuant (d, one)\n"
                          "y = MatMul (h, s1)",
    "an Elu": LAYER + "c = Elu (p)\n h = Q.BipolarQuant (c, one)\n y = MatMul (h, s1)",
    "letters of an Einsum": HIDDEN + "y = Einsum <equation = \"bi, io -> bo\"> (h, s1)",
    "letters of an Einsum, turned": HIDDEN + "t = Transpose (s1)\n"
                                             "y = Einsum <equation = \"bj,kj->bk\"> (h, t)",
    "the greatest of one": HIDDEN + "q = Unsqueeze (h, k1)\n"
                                    "g = ReduceMax <axes = [1], keepdims = 0> (q)\n"
                                    "y = MatMul (g, s1)",
    "Tanh of scores": SCORES + "s = Mul (o, tenth)\n y = Tanh (s)",
    "a Gemm with a bias": HIDDEN + "y = Gemm <alpha = 0.5> (h, s1, shift)",
}

AS_EQUAL = "each program in its own way, so that equal ones may differ; let the last MatMul have " \
           "weights of one size that is a power of two, and no Sigmoid or Tanh follow"
MATTERS = "each program in its own way, and it makes a difference; make its scale a power of " \
          "two, or multiply by it after the MatMul"
HALVES = "e = Cast <to = 1> (d)\n h = Sub (e, half)\n y = MatMul (h, s1)"
REFUSED = {
    "a score in bool": (SCORES + "c = Cast <to = 9> (o)\n y = Cast <to = 1> (c)",
        "a score does not rise with its sum; end with a MatMul and one scale"),
    "a Softmax that ties": (SCORES + "s = Mul (o, tiny)\n y = Softmax <axis = 1> (s)",
        "node 'Softmax_8' (Softmax): its scores lie so close together that float32 may make some "
        "of them equal; leave it out"),
    "a Softmax of a Softmax": (SCORES + "s = Softmax <axis = 1> (o)\n y = Softmax <axis = 1> (s)",
        "node 'Softmax_8' (Softmax): it follows another Softmax, behind which float32 may make "
        "scores equal; leave one of them out"),
    "a Softmax of one score": (ONE + "y = Softmax <axis = 1> (o)",
        "a Softmax of one score is always 1; end with the score itself, or with a Sigmoid"),
    "one score that is 0 or 1": (ONE + "c = Greater (o, nought)\n d = Cast <to = 1> (c)\n"
                                       "y = Mul (d, one)",
        "its one score is never below zero, so that it always gives one class; end with the score "
        "itself, with a Sigmoid, or with Greater"),
    "indices that depend on the input": (SCORES + "c = ArgMax <axis = 1> (o)\n"
                                                  "y = Gather <axis = 0> (even, c)",
        "node 'Gather_8' (Gather): its input 1 depends on the graph's input; only its first may"),
    "a ratio that depends on the input": (LAYER + "r = Dropout (half, p)\n y = Add (p, r)",
        "node 'Dropout_5' (Dropout): its input 1 depends on the graph's input; only its first may"),
    "an unknown attribute": (SCORES + "y = Q.BipolarQuant <foo = 1> (o, one)",
        "node 'BipolarQuant_7' (BipolarQuant): its attribute 'foo' is not understood; leave it "
        "out"),
    "an attribute that ONNX does not have": (SCORES + "y = Softmax <foo = 1> (o)",
        "node 'Softmax_7' (Softmax) is not as opset 13 has it: Unrecognized attribute: foo for "
        "operator Softmax"),
    "an attribute of another type": (SCORES + "y = ArgMax <axis = \"x\"> (o)",
        "node 'ArgMax_7' (ArgMax) is not as opset 13 has it: Mismatched attribute type in ' : "
        "axis'. Expected: 'INT', actual: 'STRING'"),
    "a Quant without its kind": (LAYER + "h = Q.Quant <signed = 1> (p, one, zero, one)\n"
                                         "y = MatMul (h, s1)",
        "node 'Quant_5' (Quant): its attribute 'narrow' must be given, as 0 or 1"),
    "two types": (LAYER + "c = Cast <to = 11> (p)\n d = Add (c, half)\n y = Cast <to = 1> (d)",
        "node 'Add_6' (Add): its inputs are float64 and float32; they must be of one type"),
    "a sum of bools": (LAYER + "c = Greater (p, half)\n y = MatMul (c, s1)",
        "node 'MatMul_6' (MatMul): its input 0 is bool, which opset 13 does not have there"),
    "whole numbers of reals": (IN + "c = Cast <to = 6> (f)\n" + BACK
                               + "a = Q.BipolarQuant (d, one)\n" + OUT,
        "node 'Cast_1' (Cast): it casts numbers that int32 does not have; clip them before it"),
    "computing in float16": (LAYER + "c = Cast <to = 10> (p)\n d = Sign (c)\n e = Cast <to = 1> (d)"
                                     "\n y = MatMul (e, s1)",
        "node 'Sign_6' (Sign): it computes in float16, which programs round in their own ways; "
        "cast to float32 before it"),
    "constants in float16": ("m = Cast <to = 10> (s0)\n n = Add (m, m)\n k = Cast <to = 1> (n)\n"
                             + SIGN_IN + "y = MatMul (a, k)",
        "node 'Add_1' (Add): it computes in float16, which programs round in their own ways; cast "
        "to float32 before it"),
    "scores by powers of their own": (SCORES + "r = Pow (v5, half)\n y = Div (o, r)",
        "float32 rounds the scores of classes 0 and 2, " + AS_EQUAL),
    "scores by a power, and a bias": (
        SCORES + "r = Pow (v7, half)\n d = Div (o, r)\n y = Add (d, even)",
        "float32 rounds the scores of classes 0 and 4, " + AS_EQUAL),
    "Tanh of scores that are nearly 1": (SCORES + "s = Mul (o, c0_7)\n y = Tanh (s)",
        "float32 rounds the scores of classes 0 and 2, " + AS_EQUAL),
    "a Softplus that ties": (LAYER + "c = Softplus (p)\n d = Sub (c, ln2)\n"
                                     "h = Q.BipolarQuant (d, one)\n y = MatMul (h, s1)",
        "node 'MatMul_8' (MatMul): float32 rounds neuron 0 of the layer before, each program in "
        "its own way, and it makes a difference; make its scale a power of two, or multiply by it "
        "after the MatMul"),
    "an Equal to a Tanh": (LAYER + "c = Tanh (p)\n d = Equal (c, tanh4)\n" + HALVES,
        "node 'Equal_6' (Equal): float32 rounds its input, " + MATTERS),
    "an Equal to a Tanh, of two bits": (
        LAYER + "c = Tanh (p)\n i = Less (c, tanh4)\n j = Greater (c, tanh4)\n d = Or (i, j)\n"
        + HALVES, "node 'Or_8' (Or): float32 rounds its inputs, " + MATTERS),
    "a difference of two bits of a Tanh": (
        LAYER + "c = Tanh (p)\n i = Less (c, tanh4)\n j = LessOrEqual (c, tanh4)\n"
        "k = Cast <to = 1> (i)\n l = Cast <to = 1> (j)\n e = Sub (k, l)\n h = Add (e, half)\n"
        "y = MatMul (h, s1)", "node 'Sub_10' (Sub): float32 rounds its inputs, " + MATTERS),
    "a size beside a Tanh": (
        LAYER + "c = Tanh (p)\n i = Sub (c, tanh4)\n j = Abs (i)\n d = Less (j, tiny)\n" + HALVES,
        "node 'Abs_7' (Abs): float32 rounds its input, " + MATTERS),
    "a Tanh of the graph's input": (IN + "b = Tanh (f)\n a = Q.BipolarQuant (b, one)\n" + OUT,
        "node 'MatMul_3' (MatMul): float32 rounds the graph's input, " + MATTERS),
    "curves upon curves": (
        LAYER + "c0 = Tanh (p)\n" + "".join(f"c{n + 1} = Tanh (c{n})\n" for n in range(9))
        + "h = Q.BipolarQuant (c9, one)\n y = MatMul (h, s1)",
        "node 'Tanh_11' (Tanh): programs round it in too many ways; take the sign before, or leave "
        "out curves like Tanh"),
    "a Softmax of the batch": (ONE + "t = Squeeze (o, k1)\n y = Softmax <axis = 0> (t)",
        "node 'Softmax_8' (Softmax): it must act on the last axis, the classes, not on axis 0"),
    "two logarithms": (SCORES + "s = Softmax <axis = 1> (o)\n l = Log (s)\n y = Log (l)",
        "node 'Log_9' (Log): it follows the choice of the class; leave it out"),
    "letters of another Einsum": (HIDDEN + "y = Einsum <equation = \"bi,io->ob\"> (h, s1)",
        "node 'Einsum_6' (Einsum): its equation must be that of vectors and a matrix, like "
        "'bi,oi->bo'"),
    "the mean of a layer": (HIDDEN + "m = ReduceMean <axes = [1]> (h)\n y = MatMul (m, s1)",
        "node 'ReduceMean_6' (ReduceMean): it joins neurons of one layer; each must be treated by "
        "itself, as a batch norm does"),
    "powers joined on": (SCORES + "r = Pow (v5, half)\n q = Concat <axis = 0> (r, r)\n"
                                  "y = Div (o, q)",
        "node 'Concat_8' (Concat): it computes with a mean or a power of constants, which programs "
        "round in their own ways; let the exporter fold it"),
    "the sign of a difference that may be zero": (
        "m = ReduceMean (tie_mean)\n d = Sub (m, m)\n e = Sign (d)\n" + SCORES
        + "y = Mul (o, e)",
        "node 'Sign_2' (Sign): it takes the sign of what is too near to zero to be known, as "
        "programs round a mean or a power in their own ways; let the exporter fold it"),
    "bits by a mean": (
        SIGN_IN + "m = ReduceMean (tie_mean)\n w = Q.BipolarQuant (s0, m)\n p = MatMul (a, w)\n"
        "h = Q.BipolarQuant (p, one)\n y = MatMul (h, s1)",
        "node 'BipolarQuant_3' (BipolarQuant): it computes with a mean or a power of constants, "
        "which programs round in their own ways; let the exporter fold it"),
    "a power that is endless": (SCORES + "r = Pow (zero, minus)\n y = Div (o, r)",
        "node 'Pow_7' (Pow): it gives numbers that float32 does not have"),
    "a quotient by a difference of powers": (
        "m = ReduceMean (tie_mean)\n d = Sub (m, m)\n e = Div (one, d)\n" + SCORES
        + "y = Mul (o, e)",
        "node 'Div_2' (Div): it divides by zero"),
    "weights that may be zero": (
        "m = ReduceMean (tie_mean)\n d = Sub (m, m)\n e = Add (s1, d)\n g = Sub (e, s1)\n"
        + HIDDEN + "y = MatMul (h, g)",
        "node 'MatMul_10' (MatMul): its weights are too near to zero to be known, as programs "
        "round in their own ways; let the exporter fold them"),
    "a root of what is below zero": (SCORES + "r = Pow (minus, half)\n y = Div (o, r)",
        "node 'Pow_7' (Pow): it gives numbers that float32 does not have"),
    "scores of rounded sums": (HIDDEN + "w = Mul (s1, tenth)\n y = MatMul (h, w)",
        "float32 rounds the scores of classes 0 and 2, " + AS_EQUAL),
    "a rounded sum at its threshold": (SIGN_IN + "w = Mul (s0, tenth)\n p = MatMul (a, w)\n"
                                                 "h = Q.BipolarQuant (p, one)\n y = MatMul (h, s1)",
        "node 'MatMul_5' (MatMul): float32 rounds neuron 0 of the layer before, each program in "
        "its own way, and it makes a difference; make its scale a power of two, or multiply by it "
        "after the MatMul"),
    "signs of scores": (SCORES + "y = Q.BipolarQuant (o, one)",
        "classes 0 and 1 are not compared by a difference of counts: a score stays the same where "
        "its sum rises; leave out what rounds or clips the scores, or takes their sign"),
    "Sign beside 0": (IN + "b = Sub (f, tenth)\n a = Sign (b)\n" + OUT,
        "node 'MatMul_3' (MatMul): sign(0) is 0, which is no bit, and the graph's input can be "
        "0.1, where Sign gives it; use BipolarQuant"),
    "Sign of a sum": (LAYER + "h = Sign (p)\n y = MatMul (h, s1)",
        "node 'MatMul_6' (MatMul): its input has three values, as the sum can be where Sign gives "
        "0: sign(0) is 0; add a half to the sum, or use BipolarQuant"),
    "the highest of no threshold": (SCORES + "v, i = TopK <axis = -1> (o, k1)\n y = Identity (v)",
        "node 'Identity_8' (Identity): output 0 of node 'TopK_7' (TopK) is not taken"),
    "constants joined on": (IN + "c = Concat <axis = 1> (f, f0)\n y = MatMul (c, s0)",
        "node 'Concat_1' (Concat): it joins constants to what depends on the graph's input"),
    "a text": (LAYER + "c = Constant <value_string = \"x\"> ()\n y = Add (p, c)",
        "node 'Constant_5' (Constant): its attribute 'value_string' is not understood; leave it "
        "out"),
    "a Shape of nothing": ("q = Shape ()\n" + LAYER + "y = Add (p, q)",
        "node 'Shape_0' (Shape) is not as opset 13 has it: Node with schema(::Shape:13) has input "
        "size 0 not in range [min=1, max=1]."),
    "a TopK of nothing": (SCORES + "v, y = TopK (o)",
        "node 'TopK_7' (TopK) is not as opset 13 has it: Node with schema(::TopK:11) has input "
        "size 1 not in range [min=2, max=2]."),
}


OUTPUTS = {
    "scores as whole numbers": "int32[N,5] y", "scores as halves": "float16[N,5] y",
    "one score above": "int64[N,1] y", "one score, not below": "int64[N,1] y",
    "the highest of one": "float[N] y", "one score, without its axis": "float[N] y",
    "ArgMax of a Softmax": "int64[N,1] y",
    **dict.fromkeys(("one score", "one score, turned", "one score, its sign", "one score below",
                     "one probability", "one probability, rounded", "one probability, compared"),
                    "float[N,1] y"),
}


def graph(path, body, output="float[N,5] y", **options):
    return write(path, body, shape=(N, 1, 4, 5), output=output, arrays=ARRAYS, **options)


@pytest.mark.parametrize("name", EQUAL)
def test_a_network_is_equal_to_its_graph_for_all_inputs(tmp_path, name):
    path = graph(tmp_path / "model.onnx", EQUAL[name], OUTPUTS.get(name, "float[N,5] y"))
    assert judge(path, np.random.default_rng(0)) == "equal"


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused_with_its_reason(tmp_path, name):
    body, said = REFUSED[name]
    path = graph(tmp_path / "model.onnx", body)
    with pytest.raises(NetworkFileError) as error:
        reader.load(path)
    assert str(error.value) == f"{path} is not taken: {said}"


THRESHOLD = IN + "b = Sub (f, tenth)\n a = Q.BipolarQuant (b, one)\n" + OUT
BAND = IN + "b = Sub (f, c25)\n c = Abs (b)\n d = Sub (c15, c)\n" \
            "a = Q.BipolarQuant (d, one)\n" + OUT
STEPS = IN + "a = Q.MultiThreshold <out_dtype = \"BIPOLAR\"> (f, three)\n" + OUT
CAST = IN + "c = Cast <to = 9> (f)\n" + BACK + "e = Sub (d, half)\n" \
            "a = Q.BipolarQuant (e, one)\n" + OUT
SIGNED = IN + "a = Sign (f)\n" + OUT
NORM = "b = BatchNormalization (x, g1, b1, m1, v1)\n a = Q.BipolarQuant (b, one)\n" \
       "h = Flatten (a)\n y = MatMul (h, s0)"
MORE = {"three": np.array([[10.0, 40.0, 90.0]]), "g1": np.full(1, 0.3), "b1": np.full(1, -0.7),
        "m1": np.full(1, 0.1), "v1": np.full(1, 1.7)}


@pytest.mark.parametrize("datatype, body, said", [
    ("", THRESHOLD, "20 values, bit 1 for each that is 0.1 or more"),
    ("UINT8", THRESHOLD, "20 values, bit 1 for each that is 1.0 or more"),
    ("INT4", THRESHOLD, "20 values, bit 1 for each that is 1.0 or more"),
    ("INT20", THRESHOLD, "20 values, bit 1 for each that is 1.0 or more"),
    ("BIPOLAR", SIGNED, "20 values, bit 1 for 1 and bit 0 for -1"),
    ("INT8", SIGNED, "sign(0) is 0"),
    ("UINT8", SIGNED, "20 values, bit 1 for each that is 1.0 or more"),
    ("", BAND, "passes node 'Abs_2' (Abs), which may turn more than once"),
    ("UINT8", BAND, "binarised by more than one threshold"),
    ("UINT6", BAND, "binarised by more than one threshold"),
    ("UINT5", BAND, "20 values, bit 1 for each that is 10.0 or more"),
    ("INT20", BAND, "passes node 'Abs_2' (Abs), which may turn more than once"),
    ("", STEPS, "20 numbers of 2 bits, from 10, the least that counts as 1, to 90, the most"),
    ("UINT8", STEPS, "20 numbers of 2 bits, from 10, the least that counts as 1, to 90, the most"),
    ("UINT4", STEPS, "20 values, bit 1 for each that is 10.0 or more"),
    ("", THRESHOLD.replace("MatMul (a", "MatMul (b"), "as a real number"),
    ("", CAST, "passes node 'Cast_1' (Cast), which may turn more than once"),
    ("INT8", CAST, "binarised by more than one threshold"),
    ("UINT8", CAST, "20 values, bit 1 for each that is 1.0 or more"),
    ("", NORM, "float32 rounds the graph's input"),
    ("UINT8", NORM, "20 values, bit 1 for each that is 4.0 or more"),
])
def test_the_input_is_asked_at_every_value_that_it_can_have(tmp_path, datatype, body, said):
    path = write(tmp_path / "model.onnx", body, shape=(N, 1, 4, 5), datatype=datatype,
                 arrays=ARRAYS | MORE, output="float[N,12] y" if body is NORM else "float[N,5] y")
    try:
        assert str(reader.load(path).inputs) == said
    except NetworkFileError as error:
        assert said in str(error)


@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_an_input_of_whole_numbers(tmp_path, kind):
    path = graph(tmp_path / "model.onnx", THRESHOLD.replace("(x)", "(real)"))
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.elem_type = {"uint8": 2, "int8": 3}[kind]
    model.graph.node.insert(0, onnx.helper.make_node("Cast", ["x"], ["real"], to=1))
    onnx.save(model, path)
    inputs = reader.load(path).inputs
    assert inputs.high.dtype == kind and (inputs.high == 1).all() and (inputs.low == 0).all()
    assert executor.check(path, 100) == "equal to the graph in another program, on 100 inputs"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45])
def test_values_at_the_ends_become_bits_as_in_the_graph(tmp_path, value):
    path = graph(tmp_path / "model.onnx", THRESHOLD.replace("tenth", "nought"))
    inputs = reader.load(path).inputs
    values = np.full((1, 20), value, np.float32)
    if np.isnan(value):
        with pytest.raises(Refused, match=r"^the graph does not take the value nan$"):
            inputs.codes(values)
    else:
        assert (inputs.codes(values) == (value >= 0)).all()


def test_what_a_half_means_for_integers_is_refused(tmp_path):
    inputs = reader.load(graph(tmp_path / "model.onnx", THRESHOLD, datatype="UINT8")).inputs
    with pytest.raises(Refused, match=r"^the graph does not take the value 0\.5$"):
        inputs.codes(np.full((1, 20), 0.5, np.float32))


def functions(model):
    model.functions.add(name="Relu", domain="mine")


def twice(model):
    model.graph.node.append(model.graph.node[-1])


def named_like_the_input(model):
    model.graph.node[-1].output[0] = "x"


@pytest.mark.parametrize("change, said", [
    (functions, "it has functions of its own, like 'Relu'; inline them with "
                "onnx.inliner.inline_local_functions"),
    (twice, "two of its values have the name 'y'"),
    (named_like_the_input, "two of its values have the name 'x'"),
    (lambda model: model.graph.output.add(name="h"),
     "it has 1 inputs and 2 outputs; export one of each: the values to classify and the scores"),
    (lambda model: setattr(model.opset_import[0], "version", 6), "it is of opset 6; 7 to "),
    (lambda model: setattr(model.opset_import[0], "version", 99), "it is of opset 99; 7 to "),
    (lambda model: model.opset_import.pop(0), "it does not say its opset; export it anew"),
    (lambda model: setattr(model.graph.node[0], "op_type", "Two\nlines"),
     "node 'Two\\nlines_0' ('Two\\nlines'): a binary network has no such operator"),
    (lambda model: model.graph.node[0].input.__setitem__(0, ""),
     "node 'Flatten_0' (Flatten) is not as opset 13 has it: Node ()'s input 0 is "),
    (lambda model: setattr(model.graph.output[0].type.tensor_type, "elem_type", 7),
     "its output is float32, but the file says int64; let both be one type"),
    (lambda model: setattr(model.graph.node[-1], "domain", "qonnx"),
     "node 'MatMul_6' (MatMul): a binary network has no such operator"),
    (lambda model: setattr(model.graph.node[-1].attribute.add(name="alpha", type=1, f=2), "f", 2),
     "node 'MatMul_6' (MatMul) is not as opset 13 has it: Unrecognized attribute: alpha"),
])
def test_models_with_more_than_a_graph_are_refused(tmp_path, change, said):
    path = graph(tmp_path / "model.onnx", HIDDEN + "y = MatMul (h, s1)")
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(NetworkFileError) as error:
        reader.load(path)
    assert str(error.value).startswith(f"{path} is not taken: {said}")


def test_a_graph_that_counts_its_batch_is_refused_unless_it_says_how_large(tmp_path):
    body = "n = Shape (x)\n m = Gather <axis = 0> (n, int0)\n r = Cast <to = 1> (m)\n" + LAYER + \
           "q = Sub (p, r)\n h = Q.BipolarQuant (q, one)\n y = MatMul (h, s1)"
    path = graph(tmp_path / "model.onnx", body)
    assert judge(path, np.random.default_rng(0)) == "equal"
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.save(model, path)
    with pytest.raises(NetworkFileError, match="gives other classes for a batch of another size"):
        reader.load(path)


@pytest.mark.parametrize("part", range(4))
def test_a_damaged_graph_is_refused_or_equal(tmp_path, part):
    """By seed; ``python -m tests.soak --only graphs`` tries more."""
    found = graphs.damage(tmp_path, range(54 * part, 54 * part + 54), 80)
    assert found.keys() <= {"refused", "equal", "not run"}
    assert found["refused"] > 20 and found["equal"] > 5 and found["not run"] <= 1
