"""What the operators of maps do: Conv, MaxPool and Pad, with the attributes that golden can have.

Golden's windows are squares, its borders the same on all four sides, its pools next to each other.
An operator is taken if it does the same, however it says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...stages import Conv, Dense, Map, Pool, Stage
from ..file.graph import Node, Refused
from ..signals.signal import Border, Signal
from . import layers

__all__ = ["Windows", "conv", "global_pool", "im2col", "max_pool", "max_pool_last", "pad",
           "product"]

Array = np.ndarray
Pads = tuple[int, int, int, int]    # Above, left, below, right.

NO_PADS: Pads = (0, 0, 0, 0)


@dataclass(frozen=True)
class Window:
    """What a window says, for rows and for columns."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: Pads

    def gives(self, height: int, width: int) -> tuple[int, int]:
        """Return how many windows there are in a map, down and across."""
        top, left, bottom, right = self.pads
        return ((height + top + bottom - self.kernel[0]) // self.stride[0] + 1,
                (width + left + right - self.kernel[1]) // self.stride[1] + 1)


@dataclass(frozen=True)
class Windows:
    """What Im2Col gives: the windows of a map, each a row for a product of matrices.

    ``signal`` is the map, channel first; its border is of ``value``.
    """

    signal: Signal
    window: Window
    value: float

    @property
    def dtype(self) -> np.dtype:
        return self.signal.dtype


def im2col(node: Node, signal: Signal) -> Windows:
    """Return the windows that an Im2Col takes from a map, channel last."""
    first = _channel_first(signal)
    channels, height, width = first.shape
    said, kernel = node.attributes, node.attributes.get("kernel_size", [])
    shape = str(said.get("input_shape", "")).replace(" ", "")
    if said.get("depthwise") or signal.border or not shape.endswith(
            f",{height},{width},{channels})"):
        raise Refused(f"it must take all channels of its input, {signal.shape}, and its attribute "
                      "'input_shape' say so; a Pad is its own")
    attributes = {"strides": said.get("stride"), "dilations": said.get("dilations"),
                  "pads": said.get("pad_amount")}
    if min(height, width) == 1 < max(*kernel, 1):
        raise Refused("QONNX's executor has no windows in a map of one row or column; use Conv")
    return Windows(first, _window(attributes, kernel, (height, width)),
                   float(said.get("pad_value", 0)))


def product(windows: Windows | Signal, weights: Array, error: float, *, xnor: bool = False
            ) -> Signal:
    """Multiply windows, or each place of a map, channel last, with ``weights (n_in, n_out)``."""
    if isinstance(windows, Signal):
        if windows.shape[-1] != len(weights):
            raise Refused(f"its input has shape {windows.shape}, but its weights take a vector of "
                          f"{len(weights)}; flatten the input before it")
        windows = Windows(_channel_first(windows), Window((1, 1), (1, 1), NO_PADS), 0)
    signal, window = windows.signal, windows.window
    channels, height, width = signal.shape
    sizes = (*window.kernel, channels, -1)
    if signal.border or np.prod(sizes[:3]) != len(weights):
        raise Refused(f"its weights take {len(weights)} numbers, but a window has "
                      f"{np.prod(sizes[:3])}")
    stage = _stage(window, weights.shape[1], height, width)
    value = np.full(channels, windows.value, signal.dtype) if any(window.pads) else None
    made = layers.convolve(signal, weights.reshape(sizes).transpose(3, 2, 0, 1), stage, value, None,
                           error, xnor=xnor)
    return made.turned((1, 2, 0))


def _channel_first(signal: Signal) -> Signal:
    _check_map(signal)
    return signal.turned((2, 0, 1))


def max_pool_last(node: Node, signal: Signal) -> Signal:
    """Take the greatest of each window of a MaxPoolNHWC."""
    if len(node.attributes.get("kernel_shape", [])) != 2:
        raise Refused("its attribute 'kernel_shape' must be two numbers")
    return max_pool(node, _channel_first(signal)).turned((1, 2, 0))


def conv(node: Node, signal: Signal, weights: Array, bias: Any, error: float) -> Signal:
    """Begin the layer that a Conv is, with the border that a Pad before it has laid.

    The weights may be off by ``error``, to what they are.
    """
    _check_map(signal)
    if bias is not None and not (isinstance(bias, Array) and bias.shape == weights.shape[:1]):
        raise Refused("its bias must be constants, one for each channel")
    channels, height, width = signal.shape
    if node.attributes.get("group", 1) != 1 or weights.shape[1] != channels:
        raise Refused(f"it has groups, or weights for {weights.shape[1]} of {channels} channels; "
                      "a convolution sees all channels of its window")
    window = _window(node.attributes, weights.shape[2:], (height, width))
    value = np.zeros(1, signal.dtype)
    if signal.border:
        if any(window.pads) and signal.border.table.any():
            raise Refused("it pads with zeros around a border of another value; leave one of them "
                          "out")
        window, value = _with_border(window, signal.border)
    stage = _stage(window, len(weights), height, width)
    padded = np.broadcast_to(value, channels) if any(window.pads) else None
    return layers.convolve(replace(signal, border=None), weights, stage, padded, bias, error)


def _with_border(window: Window, border: Border) -> tuple[Window, Array]:
    """Return a window with the pads of a border, and the border's values by channel."""
    channels, rows, columns = border.pads
    if any(channels) or border.table[0, 0].size > 1:
        raise Refused("its border has channels of its own, or differs from place to place")
    more = (rows[0], columns[0], rows[1], columns[1])
    top, left, bottom, right = (one + other for one, other in zip(window.pads, more))
    return replace(window, pads=(top, left, bottom, right)), border.table.reshape(-1)


def _check_map(signal: Signal) -> None:
    if len(signal.shape) != 3:
        raise Refused(f"its input has shape {signal.shape}, but it takes a map of channels, rows "
                      "and columns; only convolutions of pictures are built")


def _window(attributes: Mapping[str, Any], kernel: Sequence[int], sides: tuple[int, int]
            ) -> Window:
    """Read a window from the attributes of a Conv or MaxPool whose kernel is ``kernel``."""
    strides = tuple(attributes.get("strides") or (1, 1))
    dilations = tuple(attributes.get("dilations") or (1, 1))
    if tuple(attributes.get("kernel_shape") or kernel) != tuple(kernel) or not (
            len(kernel) == len(strides) == len(dilations) == 2 and min(*kernel, *strides) > 0):
        raise Refused("its kernel, strides and dilations must be two numbers each, and the kernel "
                      "that of its weights")
    if any(each != 1 and side > 1 for each, side in zip(dilations, kernel)):
        raise Refused(f"its window is dilated by {dilations[0]}; windows are without gaps")
    pads = _pads(attributes, kernel, strides, sides)
    if len(pads) != 4 or min(pads) < 0:
        raise Refused(f"its pads must be four numbers from 0 on, not {list(pads)}")
    return Window((kernel[0], kernel[1]), (strides[0], strides[1]), pads)


def _pads(attributes: Mapping[str, Any], kernel: Sequence[int], strides: Sequence[int],
          sides: tuple[int, int]) -> Pads:
    """Return the pads that are given, or that ``auto_pad`` stands for."""
    auto = attributes.get("auto_pad", "NOTSET")
    given = tuple(attributes.get("pads") or NO_PADS)
    if auto == "NOTSET":
        return given    # Their count is checked by who asks.
    if auto not in ("VALID", "SAME_UPPER", "SAME_LOWER") or any(given):
        raise Refused(f"its auto_pad is {auto[:20]!r}, beside pads; give the pads alone")
    if auto == "VALID":
        return NO_PADS
    totals = [max(0, ((side - 1) // stride) * stride + size - side)
              for side, size, stride in zip(sides, kernel, strides)]
    less, more = ([total // 2 for total in totals], [total - total // 2 for total in totals])
    first, last = (less, more) if auto == "SAME_UPPER" else (more, less)
    return first[0], first[1], last[0], last[1]


def _stage(window: Window, n_out: int, height: int, width: int) -> Stage:
    """Return the stage that does as the window says."""
    (rows, columns), (down, across) = window.kernel, window.stride
    if rows != columns:
        if (rows, columns) == (height, width) and not any(window.pads):
            return Dense(n_out)
        raise Refused(f"its window is of {rows} x {columns}; windows are squares, or the whole map")
    given = window.gives(height, width)
    if min(given) < 1:
        raise Refused(f"its window of {rows} x {columns} does not fit its input")
    stride = across if given[0] == 1 else down    # Of a single row of windows there is no next.
    top, left, _, _ = window.pads
    stage = Conv(n_out, rows, stride, top)
    try:
        fits = stage.gives(Map(height, width, 1)).shape[:2] == given
    except ValueError as error:
        raise Refused(str(error)) from None
    if top != left or not fits or (down != across and 1 not in given):
        raise Refused(f"its strides are {down} and {across}, its pads {list(window.pads)}; a "
                      "convolution has one stride and the same border on all sides")
    return stage


def max_pool(node: Node, signal: Signal) -> Signal:
    """Take the greatest of each window of a MaxPool."""
    _check_map(signal)
    _, height, width = signal.shape
    window = _window(node.attributes, node.attributes["kernel_shape"], (height, width))
    size = window.kernel[0]
    given = (height // size, width // size)
    same = window.gives(height, width) == given and (
        not node.attributes.get("ceil_mode") or height % size == width % size == 0)
    strides = {stride for stride, count in zip(window.stride, given) if count > 1} - {size}
    if window.kernel != (size, size) or strides or any(window.pads) or not same:
        raise Refused(f"it pools {window.kernel[0]} x {window.kernel[1]} with strides "
                      f"{list(window.stride)} and pads {list(window.pads)}; pools are squares next "
                      "to each other, without pads, and what is left over is dropped")
    return _pooled(signal, size)


def global_pool(node: Node, signal: Signal) -> Signal:
    """Take the greatest of the whole map of each channel."""
    _check_map(signal)
    _, height, width = signal.shape
    if height != width:
        raise Refused(f"it pools a map of {height} x {width}; pools are squares")
    return _pooled(signal, height)


def _pooled(signal: Signal, size: int) -> Signal:
    if signal.border:
        raise Refused("it pools a border that a Pad has laid; pad behind it")
    return layers.pool(signal, Pool(size))


def pad(node: Node, signal: Signal, inputs: Sequence[Any]) -> Signal:
    """Lay the border of a Pad around a map."""
    _check_map(signal)
    given = [*inputs[1:], None, None, None][:3]
    if any(isinstance(each, Signal) for each in given):
        raise Refused("what it pads with depends on the graph's input; let it be a constant")
    pads, value, axes = given
    numbers = node.attributes.get("pads") if pads is None else pads.reshape(-1).tolist()
    value = node.attributes.get("value", 0.0) if value is None else value
    if str(node.attributes.get("mode", "constant")) != "constant" or np.size(value) != 1:
        raise Refused("it must pad with one constant")
    if axes is not None or not numbers or len(numbers) != 8:
        raise Refused("it must have a pad before and behind each of its four axes")
    if numbers[0] or numbers[4] or min(numbers) < 0:
        raise Refused(f"its pads are {numbers}; it must pad rows and columns alone, with more")
    if signal.border:
        raise Refused("it lays a border around a border; let it be one")
    if not any(numbers):
        return signal
    table = np.full((1, *[1] * len(signal.shape)), np.asarray(value).item(), signal.dtype)
    return replace(signal, border=Border(tuple(zip(numbers[1:4], numbers[5:])), table))
