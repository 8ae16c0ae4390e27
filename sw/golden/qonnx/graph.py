"""What lies in an ONNX file: nodes and constants. Nothing is trusted or read from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import regular
from ..errors import UserError

__all__ = ["Graph", "Node", "Refused", "read"]

MAX_BYTES = 1 << 28      # A file: weights of a hundred of the largest networks that fit a board.
MAX_NODES = 10_000

CUSTOM = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")


class Refused(UserError, ValueError):
    """A graph is not one that is taken; the message says why, and what would be."""


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes
    ----------
    domain : str
        Empty for ONNX's own operators, ``qonnx`` for those of QONNX, whoever wrote them.
    inputs : tuple of str
        Names of values; an input that is left out is empty.
    """

    name: str
    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        return f"node {self.name[:60]!r} ({self.op[:40]})"


@dataclass(frozen=True)
class Graph:
    """A graph with one input and one output.

    Attributes
    ----------
    shape : tuple of int
        Of the input, the batch first; a batch of any size is 1.
    datatype : str
        What the file says of the input's values, ``BIPOLAR`` or ``BINARY``; else empty.
    nodes : list of Node
        Those on which the output depends, each after those it depends on.
    """

    input: str
    shape: tuple[int, ...]
    datatype: str
    output: str
    constants: Mapping[str, np.ndarray]
    nodes: list[Node]


def read(path: Path) -> Graph:
    """Read an ONNX file of at most 256 MiB.

    Raises
    ------
    Refused
        It is none, or not one that is taken.
    OSError
        It cannot be read.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ModuleNotFoundError:
        raise Refused("reading ONNX takes the package onnx: pip install '.[onnx]'") from None
    data = regular.read_bytes(path, MAX_BYTES)
    try:
        model = onnx.load_model_from_string(data)
        # A name that is no UTF-8 is bytes to one protobuf, an error to others.
        return _graph(model.graph)
    except (DecodeError, RuntimeError, TypeError, UnicodeDecodeError):
        raise Refused("it is not an ONNX file") from None


def _graph(graph: Any) -> Graph:
    if len(graph.node) > MAX_NODES:
        raise Refused(f"it has {len(graph.node)} nodes; {MAX_NODES} are taken at the most")
    constants = {tensor.name: _array(tensor) for tensor in graph.initializer}
    if graph.sparse_initializer:
        raise Refused("it has sparse constants; write them as dense ones")
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise Refused(f"it has {len(inputs)} inputs and {len(graph.output)} outputs; export one of "
                      "each: the values to classify and the scores")
    nodes = [_node(node, number) for number, node in enumerate(graph.node)]
    return Graph(inputs[0].name, _shape(inputs[0]), _datatype(graph, inputs[0].name),
                 graph.output[0].name, constants, _needed(nodes, graph.output[0].name))


def _array(tensor: Any) -> np.ndarray:
    from onnx import TensorProto, numpy_helper
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise Refused(f"the constant {tensor.name[:60]!r} lies in another file; write one file "
                      "with onnx.save(onnx.load(PATH), PATH)")
    try:
        array: np.ndarray = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError):
        raise Refused(f"the constant {tensor.name[:60]!r} is damaged") from None
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise Refused(f"the constant {tensor.name[:60]!r} is of a type unknown to numpy")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Refused(f"the constant {tensor.name[:60]!r} has numbers that are not finite")
    return array


def _node(node: Any, number: int) -> Node:
    from onnx import AttributeProto, helper
    name = node.name or f"{node.op_type}_{number}"
    attributes = {}
    for attribute in node.attribute:
        if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
            raise Refused(f"node {name[:60]!r} ({node.op_type}) holds a graph of its own; export "
                          "without control flow")
        value = helper.get_attribute_value(attribute)
        if attribute.type == AttributeProto.TENSOR:
            value = _array(attribute.t)
        attributes[attribute.name] = value.decode() if isinstance(value, bytes) else value
    domain = "qonnx" if node.domain in CUSTOM else node.domain.removeprefix("ai.onnx")
    return Node(name, node.op_type, domain, tuple(node.input), tuple(node.output), attributes)


def _shape(value: Any) -> tuple[int, ...]:
    tensor = value.type.tensor_type
    shape = [dimension.dim_value for dimension in tensor.shape.dim]
    if len(shape) < 2 or not all(size >= 1 for size in shape[1:]):
        raise Refused(f"the input {value.name[:60]!r} must have a batch and then a fixed shape, "
                      f"like (1, 784), not {tuple(size or '?' for size in shape)}")
    if tensor.elem_type != 1:
        raise Refused(f"the input {value.name[:60]!r} must be float32; export the model so")
    return max(1, shape[0]), *shape[1:]


def _datatype(graph: Any, name: str) -> str:
    """Give what FINN's annotation says of a value."""
    said = {annotation.tensor_name: {each.key: each.value for each in
                                     annotation.quant_parameter_tensor_names}
            for annotation in graph.quantization_annotation}
    return str(said.get(name, {}).get("finn_datatype", ""))


def _needed(nodes: list[Node], output: str) -> list[Node]:
    names, needed = {output}, []
    for node in reversed(nodes):
        if names & set(node.outputs):
            needed.append(node)
            names |= set(filter(None, node.inputs))
    return needed[::-1]
