"""What the operators of a graph do to arrays, in the order of rounding that ONNX and QONNX give.

``ARITHMETIC`` works on each element by itself, ``MOVES`` only puts elements elsewhere. Each is a
function of the node and of its inputs as arrays, of which the last may be left out or None.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Node, Refused

__all__ = ["ARITHMETIC", "MAX_SIZE", "MOVES", "apply", "check_size"]

Array = np.ndarray
Operator = Callable[..., Array]

MAX_SIZE = 1 << 26      # Elements of an array.


def apply(operator: Operator, node: Node, *inputs: Array | None) -> Array:
    """Apply an operator; :exc:`Refused` where the inputs do not fit it."""
    try:
        return np.asarray(operator(node, *inputs))
    except Refused:
        raise
    except (ValueError, TypeError, IndexError, KeyError, AttributeError):
        raise Refused("its inputs do not fit the operator") from None


def _both(function: Callable[[Array, Array], Array]) -> Operator:
    def operator(node: Node, a: Array, b: Array) -> Array:
        check_size(*np.broadcast_shapes(a.shape, b.shape))
        return np.asarray(function(a, b))
    return operator


def check_size(*shape: int) -> None:
    """Raise :exc:`Refused` before an array of this shape takes the machine's memory."""
    if np.prod(shape, dtype=float) > MAX_SIZE:
        raise Refused("it makes an array that is too large")


def _divide(a: Array, b: Array) -> Array:
    quotient: Array = a / b
    return quotient if a.dtype.kind == "f" else np.asarray(np.trunc(quotient), a.dtype)


def _batch_norm(node: Node, x: Array, scale: Array, bias: Array, mean: Array,
                variance: Array) -> Array:
    if node.attributes.get("training_mode") or len(node.outputs) > 1:
        raise Refused("its batch norm is still training; call eval() before the export")
    along = (-1, *[1] * (x.ndim - 2))
    scale, bias, mean, variance = (each.reshape(along) for each in (scale, bias, mean, variance))
    epsilon = np.float32(node.attributes.get("epsilon", 1e-5))
    return np.asarray(scale * (x - mean) / np.sqrt(variance + epsilon) + bias)


def _bipolar(node: Node, x: Array, scale: Array, *_: Array | None) -> Array:
    return np.asarray(np.where(x >= 0, np.float32(1), np.float32(-1)) * scale)


ROUND: dict[str, Callable[[Array], Array]] = {
    "ROUND": np.round, "HALF_EVEN": np.round, "CEIL": np.ceil, "FLOOR": np.floor,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)), "DOWN": np.trunc,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - 0.5)}


def _quant(node: Node, x: Array, scale: Array, zero: Array, width: Array) -> Array:
    bits, signed = width.item(), node.attributes.get("signed", 1)
    if bits != 1:
        raise Refused(f"it quantises to {bits:g} bits; train with 1")
    y = x / scale + zero
    if signed:    # QONNX's executor reads one signed bit as a sign.
        y = np.where(y >= 0, np.float32(1), np.float32(-1))
    else:
        highest = 0 if node.attributes.get("narrow", 0) else 1
        y = ROUND[str(node.attributes.get("rounding_mode", "ROUND")).upper()](
            np.clip(y, 0, highest))
    return np.asarray((y - zero) * scale, np.float32)


def _multi_threshold(node: Node, x: Array, thresholds: Array) -> Array:
    layout = node.attributes.get("data_layout") or {2: "NC", 3: "NWC", 4: "NCHW"}[x.ndim]
    channels = layout.index("C")
    moved = np.moveaxis(x, channels, -1)
    if thresholds.ndim != 2 or thresholds.shape[0] not in (1, moved.shape[-1]):
        raise ValueError
    check_size(x.size, thresholds.shape[1])
    passed = (moved[..., None] >= thresholds).sum(-1).astype(x.dtype)
    scale, bias = (np.float32(node.attributes.get(name, default))
                   for name, default in (("out_scale", 1.0), ("out_bias", 0.0)))
    return np.moveaxis(scale * passed + bias, -1, channels)


def _clip(node: Node, x: Array, low: Any = None, high: Any = None) -> Array:
    low = node.attributes.get("min", -np.inf) if low is None else low
    high = node.attributes.get("max", np.inf) if high is None else high
    return np.asarray(np.clip(x, np.float32(low), np.float32(high)))


ARITHMETIC: dict[tuple[str, str], Operator] = {
    ("", "Add"): _both(np.add),
    ("", "Sub"): _both(np.subtract),
    ("", "Mul"): _both(np.multiply),
    ("", "Div"): _both(_divide),
    ("", "Pow"): _both(np.power),
    ("", "Sqrt"): lambda node, a: np.sqrt(a),
    ("", "Neg"): lambda node, a: -a,
    ("", "Sign"): lambda node, a: np.sign(a),
    ("", "Relu"): lambda node, a: np.maximum(a, 0),
    ("", "Clip"): _clip,
    ("", "BatchNormalization"): _batch_norm,
    ("qonnx", "BipolarQuant"): _bipolar,
    ("qonnx", "Quant"): _quant,
    ("qonnx", "IntQuant"): _quant,
    ("qonnx", "MultiThreshold"): _multi_threshold,
}


def _axes(node: Node, axes: Array | None) -> tuple[int, ...] | None:
    """Give the axes of a Squeeze or Unsqueeze, an attribute until opset 12 and then an input."""
    given: Any = node.attributes.get("axes") if axes is None else axes.tolist()
    return None if given is None else tuple(given)


def _reshape(node: Node, x: Array, target: Array) -> Array:
    keep = not node.attributes.get("allowzero")
    return x.reshape([x.shape[number] if size == 0 and keep else size
                      for number, size in enumerate(target.tolist())])


def _flatten(node: Node, x: Array) -> Array:
    axis = node.attributes.get("axis", 1)
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def _cast(node: Node, x: Array) -> Array:
    from onnx import helper
    return x.astype(helper.tensor_dtype_to_np_dtype(node.attributes["to"]))


def _gather(node: Node, x: Array, at: Array) -> Array:
    axis = node.attributes.get("axis", 0)
    check_size(x.size // max(1, x.shape[axis]), at.size)
    return np.asarray(np.take(x, at, axis))


def _concat(node: Node, *arrays: Array) -> Array:
    check_size(sum(array.size for array in arrays))
    return np.concatenate(arrays, node.attributes["axis"])


MOVES: dict[tuple[str, str], Operator] = {
    ("", "Identity"): lambda node, x: x,
    ("", "Dropout"): lambda node, x, *_: x,
    ("", "Cast"): _cast,
    ("", "Reshape"): _reshape,
    ("", "Flatten"): _flatten,
    ("", "Transpose"): lambda node, x: np.transpose(x, node.attributes.get("perm")),
    ("", "Squeeze"): lambda node, x, axes=None: np.squeeze(x, _axes(node, axes)),
    ("", "Unsqueeze"): lambda node, x, axes=None: np.expand_dims(x, _axes(node, axes) or ()),
    ("", "Gather"): _gather,
    ("", "Concat"): _concat,
    ("", "Constant"): lambda node: next(
        np.asarray(node.attributes[key], dtype) for key, dtype in (
            ("value", None), ("value_float", np.float32), ("value_int", np.int64),
            ("value_floats", np.float32), ("value_ints", np.int64)) if key in node.attributes),
}
