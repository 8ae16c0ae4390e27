"""Reference arithmetic. Slow, obvious, and what every other implementation is compared with."""

import numpy as np

from .bits import Bits, Integers
from .network import Layer, Network, Readout


def counts(weights: Bits, x: Bits) -> Integers:
    """Count, for each neuron, the inputs that match its weights.

    ``weights (n_out, n_in)``, ``x (n_in,)`` -> ``(n_out,)``, each 0 to ``n_in``.
    """
    matches: Integers = (weights == x).sum(axis=1)
    return matches


def hidden(layer: Layer, x: Bits) -> Bits:
    """Run one layer: ``(n_in,) -> (n_out,)`` bits. A count equal to the threshold fires."""
    return (counts(layer.weights, x) >= layer.thresholds).astype(np.uint8)


def scores(readout: Readout, x: Bits) -> Integers:
    """Score each class: ``(n_in,) -> (n_classes,)`` integers."""
    total: Integers = counts(readout.weights, x) + readout.offsets
    return total


def classify(network: Network, x: Bits) -> int:
    """Run the whole network on one code: ``(n_in,)`` bits to a class. The lowest index wins a tie.

    >>> from .network import Readout
    >>> weights = np.array([[0, 1], [1, 0]], np.uint8)
    >>> classify(Network([], Readout(weights, np.zeros(2, int))), np.array([1, 0], np.uint8))
    1
    >>> classify(Network([], Readout(weights, np.zeros(2, int))), np.array([1, 1], np.uint8))
    0
    """
    for layer in network.layers:
        x = hidden(layer, x)
    return int(np.argmax(scores(network.readout, x)))


def classify_all(network: Network, codes: Bits) -> Integers:
    """Classify every row of ``codes``: ``(n, n_in)`` bits to ``(n,)`` classes."""
    return np.array([classify(network, x) for x in codes], dtype=np.int64)
