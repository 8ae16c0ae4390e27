"""What the operators of a graph do to arrays, in the order of rounding that ONNX and QONNX give.

An operator is understood with its types, ranges and all its attributes, or refused. ``ARITHMETIC``
works on each element by itself. Each is a function of the node and of its inputs as arrays, of
which the last may be left out or None.
"""

from collections.abc import Callable
from functools import reduce

import numpy as np

from .curves import BENT, CURVES
from .graph import Node, Refused
from .masked import ASSIGN, assign

__all__ = ["ARITHMETIC", "ATTRIBUTES", "BENDS", "IN_WAYS", "MAX_SIZE", "POWERS", "SIGNALS",
           "Operator", "apply", "cast", "check_attributes", "check_size"]

Array = np.ndarray
Operator = Callable[..., Array]

MAX_SIZE = 1 << 26      # Elements of an array.
AT_A_TIME = 1 << 22     # Comparisons at a time.
MAX_WORK = 1 << 34      # Comparisons of a MultiThreshold: some ten seconds.
POWERS = 2.0 ** -21     # What a power can be off, to what it is: a few of float32's steps.
MAX_BITS = 24           # Of a Quant: whole numbers that float32 has.

# The attributes that are understood. One that is not here, or has another type, is refused.
ATTRIBUTES: dict[tuple[str, str], dict[str, type | tuple[type, ...]]] = {
    ("", "ArgMax"): {"axis": int, "keepdims": int, "select_last_index": int},
    ("", "AveragePool"): {"auto_pad": str, "ceil_mode": int, "count_include_pad": int,
                          "dilations": list, "kernel_shape": list, "pads": list, "strides": list},
    # A momentum is for training, which is refused.
    ("", "BatchNormalization"): {"epsilon": float, "momentum": float, "training_mode": int,
                                 "spatial": int},
    ("", "Cast"): {"to": int, "saturate": int},    # It saturates float8, which is refused.
    ("", "CastLike"): {"saturate": int},
    ("", "Celu"): {"alpha": float},
    ("", "Clip"): {"min": float, "max": float},
    ("", "Concat"): {"axis": int},
    ("", "Conv"): {"auto_pad": str, "dilations": list, "group": int, "kernel_shape": list,
                   "pads": list, "strides": list},
    ("", "Constant"): {"value": np.ndarray, "value_float": float, "value_int": int,
                       "value_floats": list, "value_ints": list},
    ("", "Dropout"): {"ratio": float, "seed": int},    # For training too.
    ("", "Einsum"): {"equation": str},
    ("", "Elu"): {"alpha": float},
    ("", "Flatten"): {"axis": int},
    ("", "Gather"): {"axis": int},
    ("", "Gelu"): {"approximate": str},
    ("", "Gemm"): {"alpha": float, "beta": float, "transA": int, "transB": int},
    ("", "ConstantOfShape"): {"value": np.ndarray},
    ("", "HardSigmoid"): {"alpha": float, "beta": float},
    ("", "LeakyRelu"): {"alpha": float},
    ("", "LogSoftmax"): {"axis": int},
    # An order of storage is for the second output, which is refused.
    ("", "MaxPool"): {"auto_pad": str, "ceil_mode": int, "dilations": list, "kernel_shape": list,
                      "pads": list, "storage_order": int, "strides": list},
    ("", "Pad"): {"mode": str, "pads": list, "value": float},
    **{("", name): {"axes": list, "keepdims": int, "noop_with_empty_axes": int}
       for name in ("ReduceL1", "ReduceMax", "ReduceMean", "ReduceProd", "ReduceSum")},
    ("", "Reshape"): {"allowzero": int},
    ("", "Selu"): {"alpha": float, "gamma": float},
    ("", "Shape"): {"start": int, "end": int},
    ("", "Slice"): {"starts": list, "ends": list, "axes": list},
    ("", "Softmax"): {"axis": int},
    ("", "Squeeze"): {"axes": list},
    ("", "ThresholdedRelu"): {"alpha": float},
    ("", "TopK"): {"axis": int, "largest": int, "sorted": int},
    ("", "Transpose"): {"perm": list},
    ("", "Unsqueeze"): {"axes": list},
    ("qonnx", "Im2Col"): {"stride": list, "kernel_size": list, "input_shape": str,
                          "pad_amount": list, "pad_value": int, "depthwise": int,
                          "dilations": list},
    ("qonnx", "MaxPoolNHWC"): {"kernel_shape": list, "pads": list, "strides": list,
                               "ceil_mode": int},
    ("qonnx", "Quant"): {"signed": int, "narrow": int, "rounding_mode": str},
    ("qonnx", "MultiThreshold"): {"out_dtype": str, "out_scale": float, "out_bias": float,
                                  "data_layout": str},
}
ATTRIBUTES["qonnx", "IntQuant"] = ATTRIBUTES["qonnx", "Quant"]

# QONNX's operators, which have no schema.
INPUTS = {"BipolarQuant": 2, "Quant": 4, "IntQuant": 4, "MultiThreshold": 2,
          "XnorPopcountMatMul": 2, "Im2Col": 1, "MaxPoolNHWC": 1}


def check_attributes(node: Node) -> None:
    """Raise :exc:`Refused` at an attribute that is not understood, or a missing one or input."""
    understood = ATTRIBUTES.get((node.domain, node.op), {})
    for name, value in node.attributes.items():
        kind = understood.get(name)
        if kind is None or not isinstance(value, kind):
            raise Refused(f"its attribute {name[:60]!r} is not understood; leave it out"
                          if kind is None else f"its attribute {name!r} has another type")
    if node.domain == "qonnx":
        if len(node.inputs) != INPUTS[node.op] or not all(node.inputs):
            raise Refused(f"it takes {INPUTS[node.op]} inputs")
        if "Quant" in node.op and node.op != "BipolarQuant":
            for name in "signed", "narrow":
                if node.attributes.get(name) not in (0, 1):
                    raise Refused(f"its attribute {name!r} must be given, as 0 or 1")


def apply(operator: Operator, node: Node, *inputs: Array | None) -> Array:
    """Apply an operator; :exc:`Refused` where the inputs do not fit it."""
    try:
        return np.asarray(operator(node, *inputs))
    except Refused:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, StopIteration):
        raise Refused("its inputs do not fit the operator") from None


def _both(function: Callable[[Array, Array], Array]) -> Operator:
    def operator(node: Node, a: Array, b: Array) -> Array:
        check_size(*np.broadcast_shapes(a.shape, b.shape))
        made = np.asarray(function(a, b))
        if made.dtype.kind in "iu":
            exact = function(a.astype(np.float64), b.astype(np.float64))
            if (exact != made).any() or (np.abs(exact) > 2.0 ** 53).any():
                raise Refused(f"it gives numbers that {made.dtype.name} does not have")
        return made
    return operator


def check_size(*shape: int) -> None:
    """Raise :exc:`Refused` before an array of this shape takes the machine's memory."""
    if np.prod(shape, dtype=float) > MAX_SIZE:
        raise Refused("it makes an array that is too large")


def _divide(node: Node, a: Array, b: Array) -> Array:
    check_size(*np.broadcast_shapes(a.shape, b.shape))
    if (b == 0).any():
        raise Refused("it divides by zero")
    quotient: Array = a / b
    if a.dtype.kind == "f":
        return quotient
    if (quotient != np.trunc(quotient)).any():
        raise Refused("it rounds a quotient of whole numbers, which programs do in their own "
                      "ways; divide floats")
    return quotient.astype(a.dtype)


def _pow(node: Node, a: Array, b: Array) -> Array:
    """Return the least, the exact and the most of powers; those that the type has are exact."""
    check_size(3, *np.broadcast_shapes(a.shape, b.shape))
    if a.dtype != b.dtype or a.dtype.kind != "f":
        raise Refused("it takes floats of one type")
    exact = np.power(a.astype(np.float64), b.astype(np.float64))
    if not np.isfinite(exact).all():
        raise Refused("it gives numbers that are not finite")
    off = np.where(exact == exact.astype(a.dtype), 0, np.abs(exact) * POWERS)
    return np.concatenate([exact - off, exact, exact + off]).astype(a.dtype)


def _batch_norm(node: Node, x: Array, scale: Array, bias: Array, mean: Array,
                variance: Array) -> Array:
    """Return what comes of the two orders of rounding that are in use, one below the other."""
    if node.attributes.get("training_mode") or len(list(filter(None, node.outputs))) > 1:
        raise Refused("its batch norm is still training; call eval() before the export")
    if not node.attributes.get("spatial", 1):
        raise Refused("its batch norm has a mean for each place (spatial = 0); export with opset 9")
    if not {each.shape for each in (scale, bias, mean, variance)} == {x.shape[1:2]}:
        raise ValueError
    along = (-1, *[1] * (x.ndim - 2))
    scale, bias, mean, variance = (each.reshape(along) for each in (scale, bias, mean, variance))
    epsilon = np.float32(node.attributes["epsilon"]).astype(x.dtype)
    if (variance + epsilon <= 0).any():
        raise Refused("its variances must be above zero")
    root = np.sqrt(variance + epsilon)
    slope = scale * (1 / root)
    return np.concatenate([scale * (x - mean) / root + bias, x * slope + (bias - mean * slope)])


def _clip(node: Node, x: Array, low: Array | None = None, high: Array | None = None) -> Array:
    limits = np.finfo(x.dtype) if x.dtype.kind == "f" else np.iinfo(x.dtype)
    low = np.asarray(node.attributes.get("min", limits.min) if low is None else low, x.dtype)
    high = np.asarray(node.attributes.get("max", limits.max) if high is None else high, x.dtype)
    if low.size != 1 or high.size != 1:
        raise Refused("its limits must be one number each")
    if low > high:
        raise Refused("its lower limit is above the upper one")
    return np.asarray(np.minimum(np.maximum(x, low.item()), high.item()), x.dtype)


def _sized(operator: Operator) -> Operator:
    """Return an operator of inputs that are spread to one shape, which is looked at first."""
    def looked_at(node: Node, *arrays: Array | None) -> Array:
        given = [each for each in arrays if each is not None]
        shape = np.broadcast_shapes(*(each.shape for each in given))
        if shape not in [each.shape for each in given]:
            check_size(*shape)
        return operator(node, *arrays)
    return looked_at


def _least_or_most(function: Callable[[Array, Array], Array]) -> Operator:
    def operator(node: Node, *arrays: Array) -> Array:
        check_size(*np.broadcast_shapes(*(each.shape for each in arrays)))
        return np.asarray(reduce(function, arrays))
    return operator


def _leaky(node: Node, x: Array, slope: Array | None = None) -> Array:
    slope = np.asarray(node.attributes.get("alpha") if slope is None else slope, x.dtype)
    return np.asarray(np.where(x < 0, slope * x, x))


def _hard_sigmoid(node: Node, x: Array) -> Array:
    """Return what comes of a product that is rounded, and of one that is not."""
    alpha, beta = (np.float32(node.attributes[name]).astype(x.dtype) for name in ("alpha", "beta"))
    exact = (x.astype(np.float64) * float(alpha) + float(beta)).astype(x.dtype)
    made = np.concatenate([alpha * x + beta, exact])
    return np.asarray(np.clip(made, x.dtype.type(0), x.dtype.type(1)))


def _floats(*arrays: Array) -> None:
    """Raise :exc:`Refused` unless QONNX's operator is given what it is made for."""
    if any(each.dtype != np.float32 for each in arrays):
        raise Refused("its inputs must be float32")


def _bipolar(node: Node, x: Array, scale: Array) -> Array:
    _floats(x, scale)
    return np.asarray(np.where(x >= 0, np.float32(1), np.float32(-1)) * scale)


ROUND: dict[str, Callable[[Array], Array]] = {
    "ROUND": np.round, "HALF_EVEN": np.round, "CEIL": np.ceil, "FLOOR": np.floor,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)), "DOWN": np.trunc,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + np.float32(0.5)),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - np.float32(0.5))}


def _quant(node: Node, x: Array, scale: Array, zero: Array, width: Array) -> Array:
    _floats(x, scale, zero)
    bits, signed, narrow = width.item(), node.attributes["signed"], node.attributes["narrow"]
    rounding = str(node.attributes.get("rounding_mode", "ROUND")).upper()
    if bits not in range(1, MAX_BITS + 1) or rounding not in ROUND:
        raise Refused(f"it quantises to {bits:g} bits with {rounding[:20]!r}; 1 to {MAX_BITS} are "
                      f"taken, with {', '.join(ROUND)}")
    if (scale == 0).any():
        raise Refused("its scale is zero")
    y = x / scale + zero
    if signed and bits == 1:    # QONNX's executor reads one signed bit as a sign.
        y = np.where(y >= 0, np.float32(1), np.float32(-1))
    else:
        half = 2 ** (int(bits) - 1)
        low, high = (narrow - half, half - 1) if signed else (0, 2 * half - 1 - narrow)
        y = ROUND[rounding](np.clip(y, np.float32(low), np.float32(high)))
    return np.asarray((y - zero) * scale, np.float32)


def _multi_threshold(node: Node, x: Array, thresholds: Array) -> Array:
    _floats(x, thresholds)
    layout = node.attributes.get("data_layout") or {2: "NC", 3: "NWC", 4: "NCHW"}[x.ndim]
    if len(layout) != x.ndim:
        raise ValueError
    channels = layout.index("C")
    moved = np.moveaxis(x, channels, -1)
    if thresholds.ndim != 2 or thresholds.shape[0] not in (1, moved.shape[-1]):
        raise ValueError
    if x.size * thresholds.shape[1] > MAX_WORK:
        raise Refused("it compares too many sums with too many thresholds")
    passed = np.zeros(moved.shape, x.dtype)
    together = max(1, AT_A_TIME // x.size)
    for start in range(0, thresholds.shape[1], together):
        part = thresholds[:, start:start + together]
        passed += (moved[..., None] >= part).sum(-1).astype(x.dtype)
    scale, bias = (np.float32(node.attributes.get(name, default))
                   for name, default in (("out_scale", 1.0), ("out_bias", 0.0)))
    return np.moveaxis(scale * passed + bias, -1, channels)


def cast(x: Array, dtype: np.dtype) -> Array:
    """Cast to another type; :exc:`Refused` where ONNX does not say what comes out."""
    if dtype.kind in "iu":
        limits, whole = np.iinfo(dtype), np.trunc(x) if x.dtype.kind == "f" else x
        if not (np.isfinite(whole) & (whole >= limits.min) & (whole <= limits.max)).all() or (
                x.dtype.kind == "f" and (np.abs(whole) >= 2.0 ** 62).any()):
            raise Refused(f"it casts numbers that {dtype.name} does not have; clip them before it")
        return whole.astype(dtype)
    return x.astype(dtype)


def _cast(node: Node, x: Array) -> Array:
    from onnx import TensorProto, helper
    to = node.attributes["to"]
    if to not in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BOOL,
                  TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64,
                  TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32):
        raise Refused("it casts to a type that is not taken; cast to float32")
    return cast(x, np.dtype(helper.tensor_dtype_to_np_dtype(to)))


ARITHMETIC: dict[tuple[str, str], Operator] = {
    ("", "Add"): _both(np.add),
    ("", "Sub"): _both(np.subtract),
    ("", "Mul"): _both(np.multiply),
    ("", "Div"): _divide,
    ("", "Pow"): _pow,
    ("", "Sqrt"): lambda node, a: np.sqrt(a),
    ("", "Neg"): lambda node, a: _both(np.subtract)(node, np.zeros_like(a), a),
    ("", "Abs"): lambda node, a: np.maximum(a, _both(np.subtract)(node, np.zeros_like(a), a)),
    ("", "Sign"): lambda node, a: np.sign(a),
    ("", "Relu"): lambda node, a: np.maximum(a, np.zeros_like(a)),
    ("", "Round"): lambda node, a: np.asarray(np.round(a)),
    ("", "Floor"): lambda node, a: np.floor(a),
    ("", "Ceil"): lambda node, a: np.ceil(a),
    ("", "Clip"): _clip,
    ("", "Min"): _least_or_most(np.minimum),
    ("", "Max"): _least_or_most(np.maximum),
    ("", "LeakyRelu"): _leaky,
    ("", "PRelu"): _sized(_leaky),
    ("", "ThresholdedRelu"): lambda node, a: np.where(
        a > np.float32(node.attributes["alpha"]).astype(a.dtype), a, np.zeros_like(a)),
    ("", "Reciprocal"): lambda node, a: _divide(node, np.ones_like(a), a),
    ("", "HardSigmoid"): _hard_sigmoid,
    ("", "Cast"): _cast,
    ("", "Greater"): _sized(lambda node, a, b: a > b),
    ("", "GreaterOrEqual"): _sized(lambda node, a, b: a >= b),
    ("", "Less"): _sized(lambda node, a, b: a < b),
    ("", "LessOrEqual"): _sized(lambda node, a, b: a <= b),
    ("", "Equal"): _sized(lambda node, a, b: a == b),
    ("", "Not"): lambda node, a: ~a,
    ("", "And"): _sized(lambda node, a, b: a & b),
    ("", "Or"): _sized(lambda node, a, b: a | b),
    ("", "Xor"): _sized(lambda node, a, b: a ^ b),
    ("", "Where"): _sized(lambda node, *arrays: np.where(*arrays)),
    ("", "BatchNormalization"): _batch_norm,
    **CURVES,
    ASSIGN: _sized(assign),
    ("qonnx", "BipolarQuant"): _sized(_bipolar),
    ("qonnx", "Quant"): _sized(_quant),
    ("qonnx", "IntQuant"): _sized(_quant),
    ("qonnx", "MultiThreshold"): _multi_threshold,
}
# Inputs of an operator that may depend on the graph's input; of all others the first alone.
SIGNALS = {("", name): (0, 1) for name in (
    "Add", "Sub", "Mul", "Div", "Min", "Max", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Equal", "And", "Or", "Xor")} | {ASSIGN: (0, 1)}
# What rises and falls: it turns at zero, or where its inputs are equal. All others only do one.
BENDS = {"Abs", "Pow", "Equal", "Sigmoid", "Reciprocal", *BENT}
# What gives all that programs may give, one below the other, and is not taken of constants; curves
# and powers give that too, and are.
IN_WAYS = {"BatchNormalization", "HardSigmoid"}
