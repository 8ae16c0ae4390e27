"""From a network to a QONNX file, whose classes are the network's.

Signs go in, of which the graph takes the sign again; weights are BipolarQuant, a hidden layer ends
in a MultiThreshold that gives -1 and +1. The sums that come out are twice the network's scores,
less a constant: the class is that of the highest, and of equal ones that with the lowest index.
With a single class the ArgMax of its one sum comes out, as a single score would stand for two.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ..bits import Bits, to_signs
from ..network import Network
from ..tensors import atomic_write

__all__ = ["save"]

OPSET, IR = 13, 7    # Of 2020: all that is in use reads them.
FLOAT = 1                # ONNX's number of the type.
DOMAIN = "qonnx.custom_op.general"


def save(network: Network, path: Path, batch: int = 1) -> None:
    """Write a network for ``batch`` codes at a time: ``signs (batch, n_in)`` to ``sums``.

    FINN takes a batch of 1. All intermediate shapes are in the file, as QONNX's executor wants.

    Raises
    ------
    ValueError
        The network is not fully connected on bits.
    """
    if network.signature.widths is None:
        raise ValueError(f"{network} is not fully connected on bits, so no QONNX file of it is "
                         "written")
    from onnx import TensorProto, helper
    graph = _Graph(batch)
    x = graph.quantise("signs", "input", (batch, network.n_in))
    for number, layer in enumerate(network.layers):
        sums = graph.product(x, f"layer.{number}", layer.weights)
        thresholds = 2 * layer.thresholds[:, None] - layer.n_in
        x = graph.node("MultiThreshold", [sums, graph.constant(f"layer.{number}.thresholds",
                                                               thresholds)],
                       f"layer.{number}.signs", (batch, layer.n_out), out_dtype="BIPOLAR",
                       out_scale=2.0, out_bias=-1.0)
    matches = graph.product(x, "readout", network.readout.weights)
    graph.node("Add", [matches, graph.constant("readout.offsets", 2 * network.readout.offsets)],
               "sums", (batch, network.n_classes))
    if network.n_classes == 1:
        graph.node("ArgMax", ["sums"], "class", (batch,), TensorProto.INT64, axis=1, keepdims=0)
    model = helper.make_model(
        helper.make_graph(graph.nodes, "network", [_tensor("signs", (batch, network.n_in))],
                          [graph.shapes.pop()], graph.constants, value_info=graph.shapes),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)],
        ir_version=IR, producer_name="hybnn")
    atomic_write(path, model.SerializeToString(deterministic=True))


def _tensor(name: str, shape: tuple[int, ...], kind: int = FLOAT) -> Any:
    from onnx import helper
    return helper.make_tensor_value_info(name, kind, shape)


class _Graph:
    """Nodes, constants and shapes under construction. A value is its name."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.shapes: list[Any] = []

    def constant(self, name: str, array: np.ndarray) -> str:
        from onnx import numpy_helper
        self.constants.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, shape: tuple[int, ...],
             kind: int = FLOAT, **attributes: Any) -> str:
        from onnx import helper
        domain = "" if op in ("MatMul", "Add", "ArgMax") else DOMAIN
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, domain=domain,
                                           **attributes))
        self.shapes.append(_tensor(output, shape, kind))
        return output

    def quantise(self, x: str, name: str, shape: tuple[int, ...]) -> str:
        scale = self.constant(f"{name}.scale", np.ones(()))
        return self.node("BipolarQuant", [x, scale], f"{name}.quantised", shape)

    def product(self, x: str, name: str, weights: Bits) -> str:
        n_out, n_in = weights.shape
        constant = self.constant(f"{name}.weights", to_signs(weights).T)
        quantised = self.quantise(constant, f"{name}.weights", (n_in, n_out))
        return self.node("MatMul", [x, quantised], f"{name}.matches", (self.batch, n_out))
