"""Graphs of maps, damaged where windows, borders and layouts are said, and what became of them.

Each mutant must be refused in one line, or be equal to its graph in the executor of the field.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from sw.golden import fast
from sw.golden.network import NetworkFileError
from sw.golden.qonnx import executor, reader

__all__ = ["judge", "mutate", "taken"]

WORDS = ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", "NCHW", "NHWC", "NC", "constant", "reflect",
         "edge", "", "BIPOLAR"]
MORE = {"Conv": {"auto_pad": WORDS, "dilations": [2, 2], "group": 2, "pads": [1, 1, 1, 1],
                 "strides": [2, 2], "kernel_shape": [3, 3]},
        "MaxPool": {"auto_pad": WORDS, "ceil_mode": 1, "dilations": [2, 2], "storage_order": 1,
                    "pads": [1, 1, 1, 1], "strides": [1, 1]},
        "Flatten": {"axis": 2}, "Transpose": {"perm": [0, 2, 3, 1]}, "Pad": {"mode": WORDS},
        "MultiThreshold": {"data_layout": WORDS, "out_bias": 0.0, "out_scale": 1.0},
        "Quant": {"signed": 1, "narrow": 1}}
NUMBERS = [-2, -1, 0, 1, 2, 3, 0.5]


def _attribute(rng, model):
    """Change an attribute of a map's operator, or say one that was left out."""
    nodes = [node for node in model.graph.node if node.op_type in MORE]
    node = nodes[rng.integers(len(nodes))]
    said = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    name = str(rng.choice(list({**MORE[node.op_type], **said})))
    value = said.get(name, MORE[node.op_type].get(name))
    if isinstance(value, bytes) or value is WORDS:
        value = str(rng.choice(WORDS))
    elif isinstance(value, list):
        value = list(rng.permutation(value)) if rng.random() < 0.3 else list(value)
        value[rng.integers(len(value))] += int(rng.integers(-1, 3))
        value = [int(each) for each in value]
    elif name in said:
        value = type(value)(value + rng.integers(-1, 2))
    for at, each in enumerate(node.attribute):
        if each.name == name:
            node.attribute.pop(at)
            break
    if name not in said or rng.random() < 0.9:
        node.attribute.append(helper.make_attribute(name, value))


def _insert(rng, model):
    """Put an operator of maps before another."""
    at = int(rng.integers(len(model.graph.node)))
    node = model.graph.node[at]
    if not node.input:
        return
    made, number = f"made_{rng.integers(1 << 30)}", len(model.graph.initializer)
    kind = rng.choice(["Transpose", "MaxPool", "Pad", "Flatten", "Neg", "Identity",
                       "GlobalMaxPool"])
    attributes = {"Transpose": {"perm": [0, *map(int, rng.permutation([1, 2, 3]))]},
                  "MaxPool": {"kernel_shape": [2, 2], "strides": [int(rng.integers(1, 3))] * 2},
                  "Flatten": {"axis": int(rng.integers(0, 4))}}.get(str(kind), {})
    inputs = [node.input[0]]
    if kind == "Pad":
        pads = np.zeros(8, np.int64)
        pads[rng.choice(8, 3)] = 1
        if rng.random() < 0.6:
            pads = np.array(2 * [0, 0, 1, 1])
        value = np.array(rng.choice([-1, 0, 1, 0.5]), np.float32)
        for name, array in (("pads", pads), ("value", value)):
            model.graph.initializer.append(numpy_helper.from_array(array, f"{name}_{number}"))
            inputs.append(f"{name}_{number}")
    model.graph.node.insert(at, helper.make_node(str(kind), inputs, [made], **attributes))
    node = model.graph.node[at + 1]
    node.input[0] = made


def _constant(rng, model):
    """Change a number of a constant, or turn it around."""
    tensor = model.graph.initializer[rng.integers(len(model.graph.initializer))]
    array = numpy_helper.to_array(tensor).copy()
    if array.ndim > 1 and rng.random() < 0.5:
        array = array.swapaxes(*rng.choice(array.ndim, 2, replace=False))
    else:
        flat = array.reshape(-1)
        flat[rng.integers(flat.size)] = rng.choice(NUMBERS)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), tensor.name))


def _swap(rng, model):
    """Let two neighbours of one input and output change places."""
    at = int(rng.integers(len(model.graph.node) - 1))
    one, other = model.graph.node[at], model.graph.node[at + 1]
    if other.input and one.input and other.input[0] == one.output[0]:
        one.input[0], other.input[0] = other.output[0], one.input[0]
        names = one.output[0], other.output[0]
        first, second = onnx.NodeProto(), onnx.NodeProto()
        first.CopyFrom(other)
        second.CopyFrom(one)
        first.output[0], second.output[0] = names
        second.input[0] = names[0]
        one.CopyFrom(first)
        other.CopyFrom(second)


def _remove(rng, model):
    at = int(rng.integers(len(model.graph.node)))
    node = model.graph.node[at]
    for each in model.graph.node:
        for place, name in enumerate(each.input):
            if name == node.output[0] and node.input:
                each.input[place] = node.input[0]
    model.graph.node.pop(at)


def mutate(rng, model):
    """Damage a model in place, once to three times; forget its shapes."""
    model.graph.ClearField("value_info")
    for _ in range(rng.integers(1, 4)):
        change = rng.choice([_attribute, _insert, _constant, _swap, _remove],
                            p=[0.5, 0.25, 0.1, 0.1, 0.05])
        change(rng, model)


def taken(path):
    """Return what a file is read as, and ``""``; or None, and ``refused`` or what is wrong."""
    try:
        return reader.load(path), ""
    except NetworkFileError as error:
        said = str(error)
        return None, ("refused" if said.startswith(f"{path} is not taken: ") and "\n" not in said
                      else f"wrong: {said}")


def judge(path, count):
    """Return ``refused``, ``equal``, ``not run``, or what is wrong."""
    imported, said = taken(path)
    if imported is None:
        return said
    values = imported.inputs.draw(count, seed=0)
    expected = fast.classify_all(imported.network, imported.inputs.codes(values))
    try:
        found = executor.classify(path, values)
    except NetworkFileError as error:
        return f"not run: {error}"
    wrong = int((expected != found).sum())
    return f"wrong: {wrong} of {count} classes" if wrong else "equal"
