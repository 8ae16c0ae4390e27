"""From a network to a QONNX file, whose classes are the network's.

A network on bits takes signs, of which the graph takes the sign again; one on pixels takes numbers
from 0 on, as they are (``levels``, which make them of raw bytes, are the host's). Maps lie as the
field has them: sample, channel, row, column. Weights are BipolarQuant, and so is the end of a
hidden stage, of its sums less its thresholds: hls4ml's front end has no MultiThreshold, and for a
map takes what is added to each channel from the Conv alone. A border around bits is a Pad with -1,
one around pixels the Conv's own zeros; hls4ml takes only the latter. The sums that come out are
twice the network's scores, less a constant: the class is that of the highest, and of equal ones
that with the lowest index. With a single class the ArgMax of its one sum comes out, as a single
score would stand for two.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ..bits import Bits, to_signs
from ..network import Layer, Network
from ..stages import Conv, Dense, Map, Pool, Readout
from ..tensors import atomic_write

__all__ = ["save"]

OPSET, IR = 13, 7    # Of 2020: all that is in use reads them.
FLOAT = 1                # ONNX's number of the type.
DOMAIN = "qonnx.custom_op.general"
CUSTOM = ("BipolarQuant", "Quant")


def save(network: Network, path: Path, batch: int = 1) -> None:
    """Write a network for ``batch`` inputs at a time: ``signs`` or ``pixels`` to ``sums``.

    The input of a dense stage has shape ``(batch, n)``, in the order of the code, any other
    ``(batch, channels, height, width)``. FINN takes a batch of 1. All intermediate shapes are in
    the file, as QONNX's executor wants.
    """
    from onnx import TensorProto, helper
    graph = _Graph(batch)
    x = graph.start(network)
    given, shape = graph.shapes.pop(0), network.input
    if graph.is_flat:
        shape = Map(1, 1, shape.size, shape.bits)
    layers = enumerate(network.layers)
    for stage, gives in zip(network.signature.stages, network.signature.maps[1:]):
        if isinstance(stage, Readout):
            break
        x = (graph.pool(x, stage, gives) if isinstance(stage, Pool)
             else graph.fires(x, *next(layers), stage, shape, gives))
        shape = gives
    matches = graph.product(graph.flat(x, shape), "readout", network.readout.weights, shape)
    graph.node("Add", [matches, graph.constant("readout.offsets", 2 * network.readout.offsets)],
               "sums", (batch, network.n_classes))
    if network.n_classes == 1:
        graph.node("ArgMax", ["sums"], "class", (batch,), TensorProto.INT64, axis=1, keepdims=0)
    made = helper.make_graph(graph.nodes, "network", [given], [graph.shapes.pop()],
                             graph.constants, value_info=graph.shapes)
    if network.input.bits > 1:
        _annotate(made, given.name, f"UINT{network.input.bits}")
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)],
        ir_version=IR, producer_name="hybnn")
    atomic_write(path, model.SerializeToString(deterministic=True))


def _annotate(graph: Any, name: str, datatype: str) -> None:
    """Say of a value what FINN wants to know: the numbers that it can be."""
    annotation = graph.quantization_annotation.add(tensor_name=name)
    annotation.quant_parameter_tensor_names.add(key="finn_datatype", value=datatype)


def _in_nchw(weights: Bits, takes: Map, kernel: tuple[int, int]) -> Bits:
    """Return weights ``(n_out, channels, *kernel)`` of those that run over row, column, channel."""
    return weights.reshape(len(weights), *kernel, takes.channels).transpose(0, 3, 1, 2)


class _Graph:
    """Nodes, constants and shapes under construction. A value is its name.

    Maps are values of four dimensions, until one is made flat.
    """

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.shapes: list[Any] = []
        self.is_flat = False

    def start(self, network: Network) -> str:
        """Add the input; its shape is the first."""
        takes, first = network.input, network.signature.stages[0]
        self.is_flat = isinstance(first, Dense | Readout)
        name = "signs" if takes.bits == 1 else "pixels"
        self._shape(name, self._sizes(takes))
        if takes.bits == 1:
            return self.quantise(name, "input", self._sizes(takes))
        numbers = {"scale": 1, "zero": 0, "bits": takes.bits}
        constants = [self.constant(f"input.{each}", np.array(value))
                     for each, value in numbers.items()]
        return self.node("Quant", [name, *constants], "input.quantised", self._sizes(takes),
                         narrow=0, rounding_mode="ROUND", signed=0)

    def _sizes(self, shape: Map) -> tuple[int, ...]:
        sides = () if self.is_flat else (shape.height, shape.width)
        return (self.batch, shape.size if self.is_flat else shape.channels, *sides)

    def _shape(self, name: str, shape: tuple[int, ...], kind: int = FLOAT) -> None:
        from onnx import helper
        self.shapes.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, name: str, array: np.ndarray, kind: type = np.float32) -> str:
        from onnx import numpy_helper
        self.constants.append(numpy_helper.from_array(array.astype(kind), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, shape: tuple[int, ...],
             kind: int = FLOAT, **attributes: Any) -> str:
        from onnx import helper
        self.nodes.append(helper.make_node(op, inputs, [output], name=output,
                                           domain=DOMAIN if op in CUSTOM else "", **attributes))
        self._shape(output, shape, kind)
        return output

    def quantise(self, x: str, name: str, shape: tuple[int, ...]) -> str:
        scale = self.constant(f"{name}.scale", np.ones(()))
        return self.node("BipolarQuant", [x, scale], f"{name}.quantised", shape)

    def flat(self, x: str, shape: Map) -> str:
        """Flatten a map, in the order that it has here."""
        if self.is_flat:
            return x
        self.is_flat = True
        return self.node("Flatten", [x], f"{x}.flat", self._sizes(shape), axis=1)

    def square(self, x: str, shape: Map) -> str:
        """Undo :meth:`flat`: a vector becomes a map of 1 x 1."""
        if not self.is_flat:
            return x
        self.is_flat = False
        sizes = self._sizes(shape)
        return self.node("Reshape", [x, self.constant(f"{x}.sizes", np.array(sizes), np.int64)],
                         f"{x}.square", sizes)

    def pool(self, x: str, stage: Pool, gives: Map) -> str:
        return self.node("MaxPool", [self.square(x, gives)], f"{x}.pooled", self._sizes(gives),
                         kernel_shape=[stage.size] * 2, pads=[0] * 4, strides=[stage.size] * 2)

    def fires(self, x: str, number: int, layer: Layer, stage: Any, takes: Map, gives: Map) -> str:
        """Add a hidden stage: its sums less its thresholds, and their signs."""
        name = f"layer.{number}"
        thresholds = 2 * layer.thresholds - layer.n_in
        if takes.bits > 1:
            lacking = takes.top * (layer.weights == 0).sum(axis=1, dtype=np.int64)
            thresholds = layer.thresholds - lacking
        constant = self.constant(f"{name}.thresholds", -thresholds)
        if isinstance(stage, Conv):
            above = self.convolution([self.square(x, takes), constant], name, layer.weights, stage,
                                     takes, gives)
        else:
            sums = self.product(self.flat(x, takes), name, layer.weights, takes)
            above = self.node("Add", [sums, constant], f"{name}.above", self._sizes(gives))
        return self.quantise(above, f"{name}.signs", self._sizes(gives))

    def product(self, x: str, name: str, weights: Bits, takes: Map) -> str:
        n_out, n_in = weights.shape
        turned = _in_nchw(weights, takes, (takes.height, takes.width)).reshape(n_out, n_in)
        constant = self.constant(f"{name}.weights", to_signs(turned).T)
        quantised = self.quantise(constant, f"{name}.weights", (n_in, n_out))
        return self.node("MatMul", [x, quantised], f"{name}.matches", (self.batch, n_out))

    def convolution(self, inputs: list[str], name: str, weights: Bits, stage: Conv, takes: Map,
                    gives: Map) -> str:
        """Add a Conv of a map, to whose sums a constant is added."""
        x, bias = inputs
        border = stage.border
        if border and takes.bits == 1:    # A Conv of its own pads with zero, which is no sign.
            x, border = self.pad(x, name, border, takes), 0
        turned = _in_nchw(weights, takes, (stage.kernel, stage.kernel))
        quantised = self.quantise(self.constant(f"{name}.weights", to_signs(turned)),
                                  f"{name}.weights", turned.shape)
        return self.node("Conv", [x, quantised, bias], f"{name}.above", self._sizes(gives),
                         dilations=[1, 1], group=1, kernel_shape=[stage.kernel] * 2,
                         pads=[border] * 4, strides=[stage.stride] * 2)

    def pad(self, x: str, name: str, border: int, takes: Map) -> str:
        pads = self.constant(f"{name}.pads", np.array(2 * [0, 0, border, border]), np.int64)
        value = self.constant(f"{name}.border", np.array(-1))
        return self.node("Pad", [x, pads, value], f"{name}.padded", (
            self.batch, takes.channels, takes.height + 2 * border, takes.width + 2 * border),
                         mode="constant")
