"""What the operators of a graph do that only put elements elsewhere, or make constants.

``MOVES`` are functions of the node and of its inputs as arrays, like those of
:mod:`sw.golden.qonnx.file.operators`.
"""

from typing import Any

import numpy as np

from .graph import Node, Refused
from .operators import Operator, check_size

__all__ = ["MOVES"]

Array = np.ndarray


def _axes(node: Node, axes: Array | None) -> tuple[int, ...] | None:
    """Return the axes of a Squeeze or Unsqueeze, an attribute until opset 12 and then an input."""
    given: Any = node.attributes.get("axes") if axes is None else axes.tolist()
    return None if given is None else tuple(given)


def _reshape(node: Node, x: Array, target: Array) -> Array:
    keep = not node.attributes.get("allowzero")
    return x.reshape([x.shape[number] if size == 0 and keep else size
                      for number, size in enumerate(target.tolist())])


def _flatten(node: Node, x: Array) -> Array:
    axis = node.attributes["axis"]
    if not -x.ndim <= axis <= x.ndim:
        raise ValueError
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def _gather(node: Node, x: Array, at: Array) -> Array:
    axis = node.attributes["axis"]
    check_size(x.size // max(1, x.shape[axis]), at.size)
    return np.asarray(np.take(x, at, axis))


def _concat(node: Node, *arrays: Array) -> Array:
    check_size(sum(array.size for array in arrays))
    return np.concatenate(arrays, node.attributes["axis"])


def _constant(node: Node) -> Array:
    (name, value), = node.attributes.items()
    return np.asarray(value, {"value_float": np.float32, "value_floats": np.float32,
                              "value_int": np.int64, "value_ints": np.int64}.get(name))


def _constant_of_shape(node: Node, shape: Array) -> Array:
    check_size(*shape.tolist())
    value = node.attributes.get("value", np.zeros(1, np.float32))
    return np.full(shape.tolist(), value.item(), value.dtype)


def _expand(node: Node, x: Array, shape: Array) -> Array:
    sizes = np.broadcast_shapes(x.shape, tuple(shape.tolist()))
    check_size(*sizes)
    return np.broadcast_to(x, sizes)


def _slice(node: Node, x: Array, *given: Array | None) -> Array:
    starts, ends, axes, steps = [*given, None, None, None, None][:4]
    first, last = (node.attributes[name] if each is None else each.tolist()
                   for name, each in (("starts", starts), ("ends", ends)))
    along = node.attributes.get("axes", range(len(first))) if axes is None else axes.tolist()
    parts = [slice(None)] * x.ndim
    strides = [1] * len(first) if steps is None else steps.tolist()
    for axis, start, end, stride in zip(along, first, last, strides, strict=True):
        parts[axis] = slice(start, end, stride)
    return x[tuple(parts)]


def _dropout(node: Node, x: Array, ratio: Array | None = None, training: Array | None = None
             ) -> Array:
    if training is not None and training.any():
        raise Refused("its dropout is still training; call eval() before the export")
    return x


MOVES: dict[tuple[str, str], Operator] = {
    ("", "Identity"): lambda node, x: x,
    ("", "Dropout"): _dropout,
    ("", "Reshape"): _reshape,
    ("", "Flatten"): _flatten,
    ("", "Transpose"): lambda node, x: np.transpose(x, node.attributes.get("perm")),
    ("", "Squeeze"): lambda node, x, axes=None: np.squeeze(x, _axes(node, axes)),
    ("", "Unsqueeze"): lambda node, x, axes=None: np.expand_dims(x, _axes(node, axes) or ()),
    ("", "Gather"): _gather,
    ("", "Concat"): _concat,
    ("", "Constant"): _constant,
    ("", "ConstantOfShape"): _constant_of_shape,
    ("", "Expand"): _expand,
    ("", "Slice"): _slice,
}
