"""What lies in an ONNX file: nodes and constants. Nothing of it is trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import regular
from . import constants as arrays
from .refused import Refused

__all__ = ["Graph", "Node", "Refused", "answer", "check_types", "needed", "read"]

MAX_BYTES = 1 << 28      # A file: weights of a hundred of the largest networks that fit a board.
MAX_NODES = 10_000

OLDEST = 7               # Opset: before it, operators broadcast in ways of their own.
CUSTOM = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
FLOAT, UINT8, INT8 = 1, 2, 3    # ONNX's numbers of types.
# What hands on what it is given, and what gives 0 or 1.
PASSING = {"Identity", "Dropout", "Cast", "Reshape", "Flatten", "Transpose", "Squeeze",
           "Unsqueeze"}
COMPARISONS = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "Not"}


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes
    ----------
    domain : str
        Empty for ONNX's own operators, ``qonnx`` for those of QONNX, whoever wrote them.
    inputs : tuple of str
        Names of values; an input that is left out is empty.
    attributes : mapping
        Those that the file gives, and of the others the defaults of its opset.
    opset : int
        Of ONNX's own operators, as the file has it.
    """

    name: str
    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    opset: int

    def __str__(self) -> str:
        return _named(self.name, self.op)


@dataclass(frozen=True)
class Graph:
    """A graph with one input and one output.

    Attributes
    ----------
    shape : tuple of int
        Of the input, the batch first; a batch of any size is 1.
    any_batch : bool
    type, output_type : str
        Of the input's and of the output's values, as numpy names them; empty where the file does
        not say.
    datatype : str
        FINN's annotation of the input's values, such as ``BIPOLAR``; else empty.
    nodes : list of Node
        Those on which the output depends, each after those it depends on.
    """

    input: str
    shape: tuple[int, ...]
    any_batch: bool
    type: str
    datatype: str
    output: str
    output_type: str
    constants: Mapping[str, np.ndarray]
    nodes: list[Node]


def _named(name: str, op: str) -> str:
    kind = op[:40] if str(op).isidentifier() else repr(op[:40])
    return f"node {name[:60]!r} ({kind})"


def read(path: Path) -> Graph:
    """Read an ONNX file of at most 256 MiB, and the data file that it may have.

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
        return _graph(model, arrays.beside(path))
    except (DecodeError, RuntimeError, TypeError, UnicodeDecodeError):
        raise Refused("it is not an ONNX file") from None


def answer(graph: Graph) -> str:
    """Tell from its last operators what the output of a graph is.

    ``class``: the number of the class. ``scores``: one for each class, of which the first of the
    highest counts; of a single score, class 1 for zero or more. ``bit``: of a single one, the
    class itself. ``probability``: of a single one, class 1 for a half or more.
    """
    makers = {name: node for node in graph.nodes for name in node.outputs}

    def last(name: str) -> Node | None:
        node = makers.get(name)
        while node and not node.domain and node.op in PASSING and node.inputs:
            node = makers.get(node.inputs[0])
        return node if node and not node.domain else None

    node = last(graph.output)
    if node and node.op == "Round" and node.inputs:
        before = last(node.inputs[0])
        return "bit" if before and before.op == "Sigmoid" else "scores"
    kinds = {"ArgMax": "class", "TopK": "class", "Sigmoid": "probability",
             **dict.fromkeys(COMPARISONS, "bit")}
    return kinds.get(node.op, "scores") if node else "scores"


def _graph(model: Any, data: arrays.Read) -> Graph:
    graph = model.graph
    if len(graph.node) > MAX_NODES:
        raise Refused(f"it has {len(graph.node)} nodes; {MAX_NODES} are taken at the most")
    if model.functions:
        raise Refused(f"it has functions of its own, like {model.functions[0].name[:60]!r}; "
                      "inline them with onnx.inliner.inline_local_functions")
    if graph.sparse_initializer:
        raise Refused("it has sparse constants; write them as dense ones")
    constants = {tensor.name: arrays.array(tensor, data) for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise Refused(f"it has {len(inputs)} inputs and {len(graph.output)} outputs; export one of "
                      "each: the values to classify and the scores")
    opset = _opset(model)
    nodes = [_node(node, number, opset, model.ir_version) for number, node in enumerate(graph.node)]
    names = [*(tensor.name for tensor in graph.initializer), inputs[0].name,
             *(name for node in nodes for name in node.outputs if name)]
    seen: set[str] = set()
    for name in names:
        if name in seen or not name:
            raise Refused(f"two of its values have the name {name[:60]!r}" if name
                          else "a value of it has no name")
        seen.add(name)
    shape = _shape(inputs[0])
    return Graph(inputs[0].name, (max(1, shape[0]), *shape[1:]), shape[0] < 1, _type(inputs[0]),
                 _datatype(graph, inputs[0].name), graph.output[0].name,
                 _output_type(graph.output[0]), constants,
                 needed(nodes, graph.output[0].name))


def _opset(model: Any) -> int:
    from onnx import defs
    versions = [each.version for each in model.opset_import if each.domain in ("", "ai.onnx")]
    newest = defs.onnx_opset_version()
    if len(versions) > 1 or not all(OLDEST <= version <= newest for version in versions):
        raise Refused(f"it is of opset {', '.join(map(str, versions))}; {OLDEST} to {newest} are "
                      "taken")
    if not versions:
        raise Refused("it does not say its opset; export it anew")
    return int(versions[0])


def _node(node: Any, number: int, opset: int, ir_version: int) -> Node:
    from onnx import AttributeProto, helper
    name = node.name or f"{node.op_type}_{number}"
    said = _named(name, node.op_type)
    attributes = {}
    for attribute in node.attribute:
        if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
            raise Refused(f"{said} holds a graph of its own; export without control flow")
        if attribute.name in attributes or attribute.ref_attr_name:
            raise Refused(f"{said}: its attribute {attribute.name[:60]!r} is given twice, or "
                          "elsewhere")
        try:
            value = helper.get_attribute_value(attribute)
        except ValueError:
            raise Refused(f"{said}: its attribute {attribute.name[:60]!r} has no type") from None
        if attribute.type == AttributeProto.TENSOR:
            value = arrays.array(attribute.t)
        if attribute.type in (AttributeProto.FLOAT, AttributeProto.FLOATS) and not np.isfinite(
                value).all():
            raise Refused(f"{said}: its attribute {attribute.name[:60]!r} is not finite")
        attributes[attribute.name] = value.decode() if isinstance(value, bytes) else value
    domain = "qonnx" if node.domain in CUSTOM else (
        "" if node.domain in ("", "ai.onnx") else f"of {node.domain}")
    if not domain:
        attributes = {**_defaults(node, said, opset, ir_version), **attributes}
    return Node(name, node.op_type, domain, tuple(node.input), tuple(node.output), attributes,
                opset)


def _defaults(node: Any, said: str, opset: int, ir_version: int) -> dict[str, Any]:
    """Check an operator of ONNX against what its opset says of it; return its default attributes.

    An operator that is not in the opset has none: the reader does not know it either.
    """
    from onnx import checker, defs, helper
    try:
        schema = defs.get_schema(node.op_type, opset, "")
    except defs.SchemaError:
        return {}
    context = checker.C.CheckerContext()
    context.ir_version, context.opset_imports = max(3, ir_version), {"": opset}
    try:
        checker.check_node(node, context)
    except checker.ValidationError as error:
        raise Refused(f"{said} is not as opset {opset} has it: "
                      f"{next(iter(str(error).splitlines()), '')[:200]}") from None
    found = {name: helper.get_attribute_value(each.default_value)
             for name, each in schema.attributes.items() if each.default_value.name}
    return {name: value.decode() if isinstance(value, bytes) else value
            for name, value in found.items()}


def check_types(node: Node, types: Sequence[np.dtype | None]) -> None:
    """Raise :exc:`Refused` if an operator of ONNX does not take inputs of these types.

    None is an input that is left out.
    """
    from onnx import defs
    try:
        schema = defs.get_schema(node.op, node.opset, "")
    except defs.SchemaError:
        raise Refused(f"opset {node.opset} has no such operator") from None
    allowed = {each.type_param_str: each.allowed_type_strs for each in schema.type_constraints}
    bound: dict[str, np.dtype] = {}
    for number, dtype in enumerate(types):
        if dtype is None:
            continue
        parameter = schema.inputs[min(number, len(schema.inputs) - 1)]
        name = parameter.type_str
        tensor = {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)
        if f"tensor({tensor})" not in allowed.get(name, [name]):
            raise Refused(f"its input {number} is {dtype.name}, which opset {node.opset} does not "
                          "have there")
        if bound.setdefault(name, dtype) != dtype and name in allowed and parameter.is_homogeneous:
            raise Refused(f"its inputs are {bound[name].name} and {dtype.name}; they must be of "
                          "one type")


def _shape(value: Any) -> tuple[int, ...]:
    tensor = value.type.tensor_type
    shape = [dimension.dim_value for dimension in tensor.shape.dim]
    if len(shape) < 2 or not all(size >= 1 for size in shape[1:]):
        raise Refused(f"the input {value.name[:60]!r} must have a batch and then a fixed shape, "
                      f"like (1, 784), not {tuple(size or '?' for size in shape)}")
    return tuple(shape)


def _type(value: Any) -> str:
    kinds = {FLOAT: "float32", UINT8: "uint8", INT8: "int8"}
    kind = value.type.tensor_type.elem_type
    if kind not in kinds:
        raise Refused(f"the input {value.name[:60]!r} must be float32, uint8 or int8; export the "
                      "model so")
    return kinds[kind]


def _output_type(value: Any) -> str:
    from onnx import helper
    kind = value.type.tensor_type.elem_type
    try:
        return str(helper.tensor_dtype_to_np_dtype(kind)) if kind else ""
    except KeyError:
        return "a type unknown to numpy"


def _datatype(graph: Any, name: str) -> str:
    """Return what FINN's annotation says of a value."""
    said = {annotation.tensor_name: {each.key: each.value for each in
                                     annotation.quant_parameter_tensor_names}
            for annotation in graph.quantization_annotation}
    return str(said.get(name, {}).get("finn_datatype", ""))


def needed(nodes: list[Node], output: str) -> list[Node]:
    """Return the nodes on which an output depends."""
    names, found = {output}, []
    for node in reversed(nodes):
        if names & set(filter(None, node.outputs)):
            found.append(node)
            names |= set(filter(None, node.inputs))
    return found[::-1]
