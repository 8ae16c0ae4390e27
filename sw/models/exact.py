"""From a trained classifier to the bits and integers of :mod:`sw.golden.network`, exactly."""

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ..golden import exact, fast
from ..golden.bits import Bits
from ..golden.errors import UserError
from ..golden.network import MAX_OFFSET, Layer, Network, OutputLayer
from .binary import BinaryLinear, BinaryWeights, Signs
from .classifier import BinaryClassifier, BinaryReadout

__all__ = ["ExportError", "check_equal", "export", "export_layer", "export_readout",
           "verify_layer"]


class ExportError(UserError):
    """A model cannot become a network; the message says in one sentence why."""


@torch.no_grad()
def export(model: BinaryClassifier) -> Network:
    """Turn a classifier, evaluating and on the CPU, into a network that gives the same answers."""
    layers = [export_layer(cast(BinaryLinear, linear), cast(nn.BatchNorm1d, norm),
                           cast(Signs, signs))
              for linear, norm, signs in zip(model.linears, model.norms, model.signs, strict=True)]
    return Network(layers, export_readout(model.readout))


def check_equal(network: Network, classes: Tensor, codes: Bits) -> None:
    """Compare the classes ``(n,)`` that a model gave to ``codes`` ``(n, n_in)`` with the network's.

    Raises
    ------
    ExportError
        They differ.
    """
    n_wrong = int((fast.classify_all(network, codes) != classes.numpy()).sum())
    if n_wrong:
        raise ExportError(f"Model and network differ on {n_wrong} of {len(codes)} codes")


@torch.no_grad()
def export_layer(linear: BinaryLinear, norm: nn.BatchNorm1d, signs: Signs) -> Layer:
    """Fold ``signs(norm(linear(x)))`` into weights and integer thresholds.

    The result is exact, rounding included: instead of solving for the threshold, this asks ``norm``
    and ``signs`` what they do with each of the ``n_in + 1`` sums that ``linear`` can produce.

    Raises
    ------
    ExportError
        The batch norm is in training mode or not finite, or a neuron is not a threshold, which with
        dynamic self-distribution no neuron is.
    """
    weights = weight_bits(linear)
    try:
        return exact.layer_of(weights, _fires(norm, signs, weights.shape[1]))
    except exact.NotAThreshold as error:
        raise ExportError(str(error)) from None


@torch.no_grad()
def verify_layer(layer: Layer, linear: BinaryLinear, norm: nn.BatchNorm1d, signs: Signs) -> None:
    """Compare each neuron of ``layer``, at each sum it can have, with ``signs(norm(linear))``.

    Raises
    ------
    ExportError
        They differ.
    """
    weights = weight_bits(linear)
    try:
        exact.verify(layer, weights, _fires(norm, signs, weights.shape[1]))
    except exact.NotAThreshold as error:
        raise ExportError(str(error)) from None


def export_readout(readout: BinaryReadout) -> OutputLayer:
    """Take the weight bits and offsets of a readout; the offsets are shifted to begin at 0."""
    offsets = readout.offsets().detach().double().numpy()
    if not np.isfinite(offsets).all():
        raise ExportError("Offsets must be finite, not " + str(offsets[~np.isfinite(offsets)][0]))
    offsets -= offsets.min()
    if offsets.max() > MAX_OFFSET:
        raise ExportError(f"Offsets must lie within {MAX_OFFSET} of each other, "
                          f"not {offsets.max():.0f}")
    return OutputLayer(weight_bits(readout.linear), offsets.astype(np.int64))


def weight_bits(linear: BinaryWeights) -> np.ndarray:
    """Return the bits of latent weights, of the same shape: 1 for +1."""
    weight = linear.latent().detach()
    if not weight.isfinite().all():
        raise ExportError("Weights must be finite")
    return (weight >= 0).numpy().astype(np.uint8)


def check_norm(norm: nn.Module, signs: Signs) -> None:
    """Raise :exc:`ExportError` unless a batch norm and signs are thresholds with finite numbers."""
    if signs.binarizer.asd == "dynamic":
        raise ExportError("Dynamic activation self-distribution adds a real number to each input "
                          "of each sample, which is no threshold: train with the static form, "
                          "Binarizer(asd='static')")
    if norm.training:
        raise ExportError("Call eval() before export: batch norm is still in training mode")
    numbers = cast(list[Tensor], [norm.weight, norm.bias, norm.running_mean, norm.running_var,
                                  *signs.parameters()])
    if not all(number.isfinite().all() for number in numbers):
        raise ExportError("The numbers of a batch norm must be finite")


def _fires(norm: nn.BatchNorm1d, signs: Signs, n_in: int) -> np.ndarray:
    """Ask what each neuron does at each count: bool ``(n_in + 1, n_out)``."""
    check_norm(norm, signs)
    sums = (2 * torch.arange(n_in + 1) - n_in).float()              # (n_in + 1,)
    # Laid out as in use: another memory layout may take a kernel that rounds another way.
    outputs = signs.moved(norm(sums[:, None].repeat(1, norm.num_features)))
    # Numbers at the edge of what a float holds can overflow inside the norm.
    if outputs.isnan().any():
        raise ExportError(f"Neuron {int(outputs.isnan().any(dim=0).nonzero()[0])} gives NaN")
    fires: np.ndarray = (outputs >= 0).numpy()
    return fires
