"""A network of plain arrays, as programs of others store weights and thresholds.

For each stage ``L`` with weights, counted from 0, there is an array ``L.weights``, in one of four
forms:

* numbers ``(n_out, n_in)``, signs or latent weights: what is below zero is -1, all else +1.
  ``n_in`` runs over row, column and channel of the window, the channel fastest;
* numbers ``(n_out, channels, rows, columns)``, the same as PyTorch stores them;
* bool ``(n_out, n_in)``: weight bits, True for +1;
* uint8 ``(n_out, ceil(n_in / 8))``: these packed, the first in the least significant bit.

All stages but the last have ``L.thresholds (n_out,)``, and :data:`RULES` says when a neuron fires.
The last may have ``L.offsets (n_classes,)``, integers that are added to the counts of matches.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from .bits import Bits, Integers, n_bytes, to_signs, unpack_all
from .errors import UserError
from .network import Layer, Network, OutputLayer, default_levels
from .stages import Conv, Map, Signature, Stage

__all__ = ["RULES", "ArraysError", "bnn_pynq_levels", "network_of"]


Floats = npt.NDArray[np.float64]
Least = Callable[[Floats, Bits, Map], Floats]    # Of T, weights and input: the least count.
Levels = Callable[[Map], Bits]


class ArraysError(UserError):
    """The arrays are not those of such a network; the message says which is wrong, and why."""


def network_of(arrays: Mapping[str, np.ndarray], signature: Signature, rule: str) -> Network:
    """Make a network of this signature.

    Raises
    ------
    ArraysError
        An array is missing, does not belong there, or is not what it must be.
    """
    stages = list(signature.layers())
    last = len(stages) - 1
    _check_names(arrays, last, signature)
    least, levels = RULES[rule]
    if rule == "bnn-pynq" and signature.input.bits > 1 and isinstance(stages[0][0], Conv) \
            and stages[0][0].border:
        raise ArraysError("Around pixels BNN-PYNQ has no border: the first stage must be one such "
                          "as 64b0")
    try:
        weights = [_weights(f"{number}.weights", arrays[f"{number}.weights"], stage, takes,
                            gives.channels)
                   for number, (stage, takes, gives) in enumerate(stages)]
        layers = [Layer(bits, _least(f"{number}.thresholds", arrays[f"{number}.thresholds"], bits,
                                     takes, least), takes.bits)
                  for number, (bits, (_, takes, _)) in enumerate(zip(weights[:-1], stages))]
        offsets = arrays.get(f"{last}.offsets", np.zeros(signature.n_classes, int))
        return Network(layers, OutputLayer(weights[-1], offsets), signature,
                       levels(signature.input))
    except ValueError as error:
        raise ArraysError(f"{error}") from None


def _check_names(arrays: Mapping[str, np.ndarray], last: int, signature: Signature) -> None:
    needed = {f"{number}.weights" for number in range(last + 1)} \
        | {f"{number}.thresholds" for number in range(last)}
    if missing := sorted(needed - set(arrays)):
        raise ArraysError(f"{signature} needs an array {missing[0]!r}, and there is none")
    if extra := sorted(set(arrays) - needed - {f"{last}.offsets"}):
        raise ArraysError(f"The array {extra[0]!r:.40} is none of {signature}, whose stages with "
                          f"weights are 0 to {last}")


def _weights(name: str, given: np.ndarray, stage: Stage, takes: Map, n_out: int) -> Bits:
    """Return weight bits ``(n_out, n_in)``."""
    n_in = stage.fan_in(takes)
    if given.dtype == np.uint8:
        _check_shape(name, given, (n_out, n_bytes(n_in)))
        return unpack_all(given, n_in, name)
    if given.ndim == 4:
        rows, columns = [stage.kernel] * 2 if isinstance(stage, Conv) else takes.shape[:2]
        _check_shape(name, given, (n_out, takes.channels, rows, columns))
        given = given.transpose(0, 2, 3, 1).reshape(n_out, n_in)
    _check_shape(name, given, (n_out, n_in))
    if given.dtype == np.bool_:
        return given.astype(np.uint8)
    if not np.isfinite(given).all():
        raise ValueError(f"{name!r} must be finite numbers")
    if np.isin(given, (0, 1)).all() and given.any() and not given.all():
        raise ValueError(f"{name!r} has only 0 and 1, of which 0 would count as +1: give signs, -1 "
                         "and +1, or bool")
    return (given >= 0).astype(np.uint8)


def _check_shape(name: str, given: np.ndarray, shape: tuple[int, ...]) -> None:
    if given.shape != shape or given.dtype.kind not in "biuf":
        raise ValueError(f"{name!r} must be numbers of shape {shape}, not {given.dtype} of shape "
                         f"{given.shape}")


def _least(name: str, given: np.ndarray, weights: Bits, takes: Map, rule: Least) -> Integers:
    """Return golden's thresholds, see :class:`~sw.golden.network.Layer`."""
    _check_shape(name, given, weights.shape[:1])
    with np.errstate(over="ignore"):
        below = (np.abs(given.astype(float)) < 1 << 52).all()
    if not (np.isfinite(given).all() and below):
        raise ValueError(f"{name!r} must be finite, and below 2^52")
    never = takes.top * weights.shape[1] + 1
    limits: Integers = np.clip(rule(given.astype(float), weights, takes), 0, never).astype(np.int64)
    return limits


def _of_counts(limits: Floats, weights: Bits, takes: Map) -> Floats:
    return np.ceil(limits)


def _of_sums(limits: Floats, weights: Bits, takes: Map) -> Floats:
    least: Floats
    if takes.bits == 1:
        least = np.ceil((limits + weights.shape[1]) / 2)
    else:
        least = np.ceil(limits) + takes.top * (weights == 0).sum(axis=1)
    return least


def _of_bnn_pynq(limits: Floats, weights: Bits, takes: Map) -> Floats:
    if takes.bits == 1:
        return np.floor(limits) + 1
    # The least integer greater than T / 2, for pixels u = v + 128.
    turned, signs = (weights == 0).sum(axis=1), to_signs(weights).sum(axis=1, dtype=np.int64)
    least: Floats = np.floor(limits / 2) + 1 + 128 * signs + takes.top * turned
    return least


def _usual_levels(takes: Map) -> Bits:
    return default_levels(takes.bits)


def bnn_pynq_levels(takes: Map) -> Bits:
    """Return u = v + 128 of each byte, which is never 128."""
    if takes.bits == 1:
        return _usual_levels(takes)
    if takes.bits != 8:
        raise ValueError(f"Pixels of BNN-PYNQ must have 8 bits, not {takes.bits}")
    rounded = np.floor((np.arange(256) / 255 * 2 - 1) * 128 + 0.5)
    return (np.clip(rounded, -128, 127) + 128).astype(np.uint8)


RULES: dict[str, tuple[Least, Levels]] = {
    # A neuron fires at T matches or more, counted as in :class:`~sw.golden.network.Layer`.
    "count": (_of_counts, _usual_levels),
    # Where the sum of w * x is T or more: w is -1 or +1, x too, or a pixel from 0 on.
    "sum": (_of_sums, _usual_levels),
    # As Xilinx' BNN-PYNQ does it: where there are more than T matches. A pixel is
    # v = (p / 255 * 2 - 1) * 128, rounded, -128 to 127, and 2 * sum(w * v) must be more than T.
    "bnn-pynq": (_of_bnn_pynq, bnn_pynq_levels),
}
