"""Functions that programs approximate: what another program gives lies within what is said."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install '.[onnx]'")

import onnxruntime
from onnx import helper

from sw.golden.qonnx.file.curves import CURVES
from sw.golden.qonnx.file.graph import Node

OPSET = 20
SOME = {"Elu": {"alpha": 0.7}, "Celu": {"alpha": 0.7}, "Selu": {"alpha": 1.6, "gamma": 1.05},
        "Gelu": {"approximate": "tanh"}}


def other_program(op, attributes, x):
    made = helper.make_graph(
        [helper.make_node(op, ["x"], ["y"], **attributes)], "g",
        *([helper.make_tensor_value_info(name, 1, [len(x)])] for name in "xy"))
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("op", [op for _, op in CURVES])
def test_another_program_gives_what_lies_between_the_least_and_the_most(op):
    rng = np.random.default_rng(0)
    x = np.concatenate([np.arange(-40, 41) / 2, rng.normal(0, 1, 3000), rng.normal(0, 1e-4, 1000),
                        rng.normal(0, 30, 3000), rng.normal(0, 1e-42, 99)]).astype(np.float32)
    x = np.abs(x[x != 0]) if op == "Log" else x
    said = SOME.get(op, {})
    node = Node("", op, "", ("x",), ("y",), {key: value if isinstance(value, str) else float(
        np.float32(value)) for key, value in said.items()}, OPSET)
    least, exact, most = CURVES["", op](node, x).reshape(3, -1)
    made = other_program(op, said, x)
    assert ((least <= made) & (made <= most) & (least <= exact) & (exact <= most)).all()


@pytest.mark.parametrize("op, x, y", [("Elu", 2.0, 2.0), ("Sigmoid", 0.0, 0.5), ("Exp", 0.0, 1.0),
                                      ("Log", 1.0, 0.0), ("Tanh", 0.0, 0.0), ("Gelu", 0.0, 0.0),
                                      ("Softsign", 0.0, 0.0)])
def test_some_values_are_known_exactly(op, x, y):
    node = Node("", op, "", ("x",), ("y",), SOME.get(op, {}), OPSET)
    assert (CURVES["", op](node, np.array([x], np.float32)) == np.float32(y)).all()
