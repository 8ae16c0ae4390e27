"""Reference arithmetic. Slow, obvious, and what every other implementation is compared with.

A network takes bits ``(n_in,)``. Those of a map are its elements in the order row, column, channel,
each with its least significant bit first: so 8-bit pixels are bits of bytes in that order.
:mod:`sw.golden.fast` gives the same for many inputs at once.
"""

import numpy as np

from .bits import Bits, Integers
from .network import Layer, Network, OutputLayer
from .stages import Conv, Map, Pool, Readout

__all__ = ["bits_of", "classify", "classify_all", "convolve", "counts", "elements", "hidden",
           "pool", "scores", "trace"]


def elements(takes: Map, x: Bits) -> Bits:
    """Return a map's elements, ``(..., height, width, channels)``, from bits ``(..., n_bits)``."""
    planes = x.reshape(*x.shape[:-1], *takes.shape, takes.bits)
    value = np.zeros(planes.shape[:-1], np.uint8)
    for k in range(takes.bits):
        value |= planes[..., k] << k
    return value


def bits_of(takes: Map, x: Bits) -> Bits:
    """Return the bits ``(..., n_bits)`` of a map's elements ``(..., height, width, channels)``.

    The inverse of :func:`elements`.
    """
    planes = x[..., None] >> np.arange(takes.bits, dtype=np.uint8) & np.uint8(1)
    found: Bits = planes.reshape(*x.shape[:-3], takes.n_bits)
    return found


def counts(weights: Bits, x: Bits, bits: int = 1) -> Integers:
    """Count, for each neuron, the inputs that match its weights.

    ``weights (n_out, n_in)``, ``x (n_in,)`` -> ``(n_out,)``, each 0 to ``n_in``. Of elements of
    several ``bits``, each bit is compared with the weight, and a match of bit k counts 2^k.
    """
    total = np.zeros(len(weights), np.int64)
    for k in range(bits):
        total += (weights == (x >> k & 1)).sum(axis=1) << k
    return total


def hidden(layer: Layer, x: Bits) -> Bits:
    """Run one layer: ``(n_in,) -> (n_out,)`` bits. A count equal to the threshold fires."""
    return (counts(layer.weights, x, layer.bits) >= layer.thresholds).astype(np.uint8)


def convolve(stage: Conv, layer: Layer, x: Bits) -> Bits:
    """Run a convolution: ``(height, width, channels) -> (height', width', n_out)`` bits."""
    x = np.pad(x, [(stage.border,) * 2, (stage.border,) * 2, (0, 0)])    # With 0, see Conv.
    rows, columns = ((side - stage.kernel) // stage.stride + 1 for side in x.shape[:2])
    y = np.zeros((rows, columns, layer.n_out), np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stage.stride, column * stage.stride
            window = x[top:top + stage.kernel, left:left + stage.kernel]
            y[row, column] = hidden(layer, window.reshape(-1))
    return y


def pool(stage: Pool, x: Bits) -> Bits:
    """OR the bits of each square: ``(height, width, channels) -> (height', width', channels)``."""
    rows, columns = (side // stage.size for side in x.shape[:2])
    y = np.zeros((rows, columns, x.shape[2]), np.uint8)
    for row in range(rows * stage.size):
        for column in range(columns * stage.size):
            y[row // stage.size, column // stage.size] |= x[row, column]
    return y


def scores(readout: OutputLayer, x: Bits) -> Integers:
    """Score each class: ``(n_in,) -> (n_classes,)`` integers."""
    total: Integers = counts(readout.weights, x) + readout.offsets
    return total


def trace(network: Network, x: Bits) -> list[Integers]:
    """Run the whole network on bits ``(n_in,)`` and return what each stage gives.

    Bits of shape ``(height, width, channels)`` of convolutions and pools, ``(n_out,)`` of dense
    stages, and in the end the scores ``(n_classes,)``.
    """
    layers = iter(network.layers)
    given: list[Integers] = []
    value: Bits = elements(network.input, x)
    for stage, takes in zip(network.signature.stages, network.signature.maps):
        if isinstance(stage, Readout):
            given.append(scores(network.readout, value.reshape(-1)))
            break
        if isinstance(stage, Conv):
            value = convolve(stage, next(layers), value.reshape(takes.shape))
        elif isinstance(stage, Pool):
            value = pool(stage, value.reshape(takes.shape))
        else:
            value = hidden(next(layers), value.reshape(-1))
        given.append(value)
    return given


def classify(network: Network, x: Bits) -> int:
    """Run the whole network on one input: ``(n_in,)`` bits to a class. The lowest index wins a tie.

    >>> from .network import OutputLayer
    >>> weights = np.array([[0, 1], [1, 0]], np.uint8)
    >>> classify(Network([], OutputLayer(weights, np.zeros(2, int))), np.array([1, 0], np.uint8))
    1
    >>> classify(Network([], OutputLayer(weights, np.zeros(2, int))), np.array([1, 1], np.uint8))
    0
    """
    return int(np.argmax(trace(network, x)[-1]))


def classify_all(network: Network, codes: Bits) -> Integers:
    """Classify every row of ``codes``: ``(n, n_in)`` bits to ``(n,)`` classes."""
    return np.array([classify(network, x) for x in codes], dtype=np.int64)
