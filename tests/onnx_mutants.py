"""ONNX graphs damaged in ways that stay graphs, and what other programs make of them.

Each mutant must be refused in one line, or be equal to its graph for all inputs. The evaluator is
ONNX's reference, or ONNX Runtime where the graph has ONNX's own operators alone; what a graph's
output means is found here by itself.
"""

import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.intquant import int_quant
from qonnx.custom_op.general.multithreshold import multithreshold
from qonnx.custom_op.general.xnorpopcount import xnorpopcountmatmul

from sw.golden import forward
from tests.map_mutants import taken

__all__ = ["judge", "mutate"]

QONNX = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
TYPES = (1, 2, 3, 5, 6, 7, 9, 10, 11)
WHOLE = {"UINT8": (0, 255), "INT8": (-128, 127)}
NUMBERS = (0.5, 0.3, -1, 1, 2, -2, 3, 0, 0.1, 1e-3, 1e-9, 1e-30, 1e-42, 1e9, 1e30, -0.7)


class BatchNormalization(OpRun):
    """As it is in all opsets after training; ONNX's reference goes on training before opset 14."""

    op_domain = ""

    def _run(self, x, scale, bias, mean, variance, epsilon=1e-5, **attributes):
        root = np.sqrt(variance + np.float32(epsilon))
        return (scale * (x - mean) / root + bias,)


def _operators(domain):
    class BipolarQuant(OpRun):
        op_domain = domain

        def _run(self, x, scale):
            return (np.asarray(binary_quant(x, scale)),)

    class Quant(OpRun):
        op_domain = domain

        def _run(self, x, scale, zero, width, signed, narrow, rounding_mode="ROUND"):
            return (np.asarray(int_quant(x, scale, zero, width, signed, narrow, rounding_mode),
                               np.float32),)

    class MultiThreshold(OpRun):
        op_domain = domain

        def _run(self, x, thresholds, out_dtype="", out_scale=1.0, out_bias=0.0, data_layout=""):
            layout = data_layout or {2: "NC", 3: "NWC", 4: "NCHW"}[x.ndim]
            at = layout.index("C")
            return (multithreshold(x.swapaxes(at, 1), thresholds, out_scale, out_bias)
                    .swapaxes(at, 1).astype(x.dtype),)

    class XnorPopcountMatMul(OpRun):
        op_domain = domain

        def _run(self, x, y):
            return (xnorpopcountmatmul(x, y).astype(np.float32),)

    return [BatchNormalization, BipolarQuant, Quant, MultiThreshold, XnorPopcountMatMul]


def _constant(model, value, dtype=np.float32):
    name = f"constant_{len(model.graph.initializer)}"
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value, dtype), name))
    return name


def _insert(rng, model):
    """Put an operator on a random edge."""
    nodes = model.graph.node
    at = int(rng.integers(len(nodes)))
    node = nodes[at]
    place = int(rng.integers(len(node.input))) if len(node.input) else 0
    if rng.random() < 0.2:    # At the end.
        name, at = model.graph.output[0].name, len(nodes)
    elif not len(node.input):
        return
    else:
        name = node.input[place]
    made, number, out = f"made_{len(nodes)}_{rng.integers(1 << 30)}", rng.choice(NUMBERS), []

    def add(op, inputs, output=made, domain="", **attributes):
        out.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))

    kind = rng.choice(["cast", "twice", "unary", "binary", "clip", "compare", "move", "end",
                       "quant", "where", "dropout", "norm", "gather", "bend"])
    if kind == "cast":
        add("Cast", [name], to=int(rng.choice(TYPES)))
    elif kind == "twice":
        add("Cast", [name], made + "c", to=int(rng.choice(TYPES)))
        add("Cast", [made + "c"], to=1)
    elif kind == "unary":
        add(str(rng.choice(["Relu", "Abs", "Neg", "Round", "Floor", "Ceil", "Sign", "Sqrt",
                            "Sigmoid", "Identity", "Not", "Exp"])), [name])
    elif kind == "binary":
        pair = [name, _constant(model, number)]
        add(str(rng.choice(["Add", "Sub", "Mul", "Div", "Pow"])),
            pair if rng.random() < 0.8 else pair[::-1])
    elif kind == "clip":
        low, high = sorted(rng.choice(NUMBERS, 2))
        add("Clip", [name, _constant(model, low), _constant(model, high)][:rng.integers(1, 4)])
    elif kind == "compare":
        pair = [name, _constant(model, number)]
        add(str(rng.choice(["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"])),
            pair if rng.random() < 0.7 else pair[::-1], made + "b")
        add("Cast", [made + "b"], to=1)
    elif kind == "where":
        add("GreaterOrEqual", [name, _constant(model, number)], made + "b")
        add("Where", [made + "b", _constant(model, rng.choice(NUMBERS)),
                      _constant(model, rng.choice(NUMBERS))])
    elif kind == "move":
        op = str(rng.choice(["Flatten", "Transpose", "Squeeze", "Reshape"]))
        add(op, [name, _constant(model, [0, -1], np.int64)] if op == "Reshape" else [name])
    elif kind == "gather":
        at_ = rng.permutation(5) if rng.random() < 0.6 else rng.integers(0, 5, 5)
        pair = [name, _constant(model, at_, np.int64)]
        add("Gather", pair if rng.random() < 0.8 else pair[::-1], axis=int(rng.integers(-1, 2)))
    elif kind == "end":
        op = str(rng.choice(["Softmax", "LogSoftmax", "ArgMax"]))
        add(op, [name], axis=int(rng.choice([-1, 1, 0])))
    elif kind == "quant":
        if rng.random() < 0.3:
            add("BipolarQuant", [name, _constant(model, number)], domain=_domain(model))
        else:
            add("Quant", [name, _constant(model, number), _constant(model, 0),
                          _constant(model, rng.integers(1, 9))], domain=_domain(model),
                signed=int(rng.integers(2)), narrow=int(rng.integers(2)),
                rounding_mode=str(rng.choice(["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP",
                                              "HALF_DOWN"])))
    elif kind == "dropout":
        add("Dropout", [name])
    elif kind == "norm":
        add("BatchNormalization", [name, *(_constant(model, value) for value in (
            [1.5] * 5, [0.5] * 5, [2.0] * 5, [3.0] * 5))])
    else:
        add("Sub", [name, _constant(model, 25)], made + "s")
        add("Abs", [made + "s"], made + "a")
        add("Sub", [made + "a", _constant(model, 15)])
    if at == len(nodes):
        model.graph.output[0].name = made
        model.graph.output[0].type.tensor_type.ClearField("shape")
    else:
        node.input[place] = made
    for each in reversed(out):
        nodes.insert(at, each)


def _domain(model):
    return next((each.domain for each in model.opset_import if each.domain in QONNX), QONNX[0])


def _swap(rng, model):
    node = model.graph.node[rng.integers(len(model.graph.node))]
    if len(node.input) > 1:
        node.input[0], node.input[1] = node.input[1], node.input[0]


def _attribute(rng, model):
    node = model.graph.node[rng.integers(len(model.graph.node))]
    name = str(rng.choice(["axis", "to", "alpha", "beta", "transA", "transB", "keepdims", "epsilon",
                           "select_last_index", "signed", "narrow", "rounding_mode", "out_scale",
                           "out_bias", "allowzero", "perm", "min", "max", "largest", "foo",
                           *(each.name for each in node.attribute)]))
    value = [int(rng.integers(-2, 12)), float(rng.choice(NUMBERS)), "CEIL", [1, 0]][
        rng.choice(4, p=[0.5, 0.3, 0.1, 0.1])]
    kept = [each for each in node.attribute if each.name != name]
    node.ClearField("attribute")
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


def _opset(rng, model):
    for each in model.opset_import:
        if not each.domain:
            each.version = int(rng.integers(7, 22))


def _type(rng, model):
    tensor = model.graph.initializer[rng.integers(len(model.graph.initializer))]
    kind = [np.float16, np.float64, np.int32, np.int64, np.bool_, np.int8][rng.integers(6)]
    with np.errstate(all="ignore"):
        array = numpy_helper.to_array(tensor).astype(kind)
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def _value(rng, model):
    tensor = model.graph.initializer[rng.integers(len(model.graph.initializer))]
    array = numpy_helper.to_array(tensor)
    number = rng.choice(NUMBERS)
    with np.errstate(all="ignore"):
        array = (array * number if rng.random() < 0.5 else array + number).astype(array.dtype)
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def _operator(rng, model):
    node = model.graph.node[rng.integers(len(model.graph.node))]
    for group in (["Add", "Sub", "Mul", "Div", "Pow"], ["Softmax", "LogSoftmax"],
                  ["BipolarQuant", "Quant"], ["Sign", "Relu", "Neg", "Sigmoid", "Abs"],
                  ["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"]):
        if node.op_type in group:
            node.op_type = str(rng.choice(group))


def _remove(rng, model):
    at = int(rng.integers(len(model.graph.node)))
    node = model.graph.node[at]
    if not node.input or len(model.graph.node) < 2:
        return
    before, after = node.input[0], node.output[0]
    for each in model.graph.node:
        for place, name in enumerate(each.input):
            if name == after:
                each.input[place] = before
    if model.graph.output[0].name == after:
        model.graph.output[0].name = before
    model.graph.node.pop(at)


def mutate(rng, model):
    """Damage a model in place, once to three times."""
    for _ in range(rng.integers(1, 4)):
        change = rng.choice([_insert, _swap, _attribute, _opset, _type, _value, _operator, _remove],
                            p=[0.5, 0.08, 0.1, 0.06, 0.06, 0.08, 0.06, 0.06])
        change(rng, model)


def draw(rng, imported, count, whole):
    """Draw inputs ``(count, n)`` of what a graph takes, and at the edges of what was found."""
    inputs, shape = imported.inputs, (count, len(imported.inputs.high))
    at = rng.random(shape)
    if not inputs.binarised:
        return np.where(at < 0.5, inputs.low, inputs.high)
    if whole:
        return rng.integers(*whole, shape, endpoint=True).astype(np.float32)
    rows = rng.integers(0, 6, (count, 1))
    values = np.choose(rows, [
        rng.normal(0, 1, shape), rng.normal(0, 300, shape), rng.integers(-1, 2, shape),
        rng.integers(0, 256, shape), rng.integers(0, 256, shape) / 255,
        rng.choice([-1, 1], shape) * 10.0 ** rng.uniform(-44, 38, shape)]).astype(np.float32)
    values = np.where(at < 0.1, inputs.low, values)
    return np.where(at > 0.9, inputs.high, values)


def outputs(path, values):
    """Return what the graph makes of values, of each program that runs it, ``(n, n_scores)``."""
    model = onnx.load(path)
    found = []
    batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value or len(values)
    parts = [values[start:start + batch] for start in range(0, len(values), batch)]
    name = next(each.name for each in model.graph.input
                if each.name not in {tensor.name for tensor in model.graph.initializer})
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if not {node.domain for node in model.graph.node} - {"", "ai.onnx"}:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                                   providers=["CPUExecutionProvider"])
            run = [session.run(None, {name: part})[0].reshape(len(part), -1) for part in parts]
            found.append(np.concatenate(run))
        evaluator = ReferenceEvaluator(model, new_ops=_operators(_domain(model)))
        run = [np.asarray(evaluator.run(None, {name: part})[0]).reshape(len(part), -1)
               for part in parts]
        found.append(np.concatenate(run))
    return found


def classes(path, output):
    """Say which classes an output stands for."""
    makers = {name: node for node in onnx.load(path).graph.node for name in node.output}
    node = makers.get(onnx.load(path).graph.output[0].name)
    passed = []
    while node is not None and node.op_type in (
            "Cast", "Identity", "Dropout", "Reshape", "Flatten", "Transpose", "Squeeze",
            "Unsqueeze", "Round"):
        passed.append(node.op_type)
        node = makers.get(node.input[0])
    last = node.op_type if node is not None else ""
    if last in ("ArgMax", "TopK"):
        return output[:, 0].astype(int)
    if output.shape[1] > 1:
        return output.argmax(axis=1)
    if last == "Sigmoid":
        return (output[:, 0] >= 0.5).astype(int)
    if last in ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "Not"):
        return output[:, 0].astype(int)
    return (output[:, 0] >= 0).astype(int)


def judge(path, rng, count=400):
    """Return ``refused``, ``equal``, ``not run``, or what is wrong."""
    imported, said = taken(path)
    if imported is None:
        return said
    annotated = [each.value for annotation in onnx.load(path).graph.quantization_annotation
                 for each in annotation.quant_parameter_tensor_names]
    values = draw(rng, imported, count, WHOLE[annotated[0]] if annotated else None)
    values = values.reshape(count, *imported.inputs.shape)
    codes = imported.inputs.codes(values)
    expected = forward.classify_all(imported.network, codes)
    try:
        found = outputs(path, values)
    except Exception as error:
        return f"not run: {next(iter(str(error).splitlines()), type(error).__name__)}"
    for output in found:
        wrong = int((classes(path, output) != expected).sum())
        if wrong:
            return f"wrong: {wrong} of {count} classes"
    return "equal"
