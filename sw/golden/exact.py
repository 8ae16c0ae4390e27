"""From what fires to an integer threshold: the one place where a neuron becomes hardware.

Whoever brings a network here, a trained model or an ONNX graph, is not asked for its threshold. It
is asked what each neuron does at every count that can occur, in its own arithmetic. So the result
is exact, rounding included.
"""

import numpy as np
import numpy.typing as npt

from .bits import Bits
from .errors import UserError
from .network import Layer

__all__ = ["NotAThreshold", "layer_of", "verify"]

Fires = npt.NDArray[np.bool_]


class NotAThreshold(UserError):
    """A neuron fires at some counts and not at greater ones; ``neuron`` is its number.

    A neuron with a negative scale fires at few matches instead of many. That is a threshold, too.
    """

    def __init__(self, neuron: int) -> None:
        super().__init__(f"Neuron {neuron} is not a threshold on its count")
        self.neuron = neuron


def layer_of(weights: Bits, fires: Fires, bits: int = 1) -> Layer:
    """Return the layer whose neurons fire as asked.

    Parameters
    ----------
    weights : uint8 array of shape ``(n_out, n_in)``
        Weight bits as trained. A neuron that fires at few matches gets them inverted.
    fires : bool array of shape ``(max_count + 1, n_out)``
        Whether each neuron fires, by the count of matches with ``weights``.
    bits : int
        Of an input element.

    Raises
    ------
    NotAThreshold
        There is no such layer.
    """
    # A neuron that always fires, or never, keeps its weights: the form is canonical.
    inverted = fires[0] & ~fires[-1]
    turned = np.where(inverted, fires[::-1], fires)
    layer = Layer(weights ^ inverted[:, None], (~turned).sum(axis=0), bits)
    verify(layer, weights, fires)
    return layer


def verify(layer: Layer, weights: Bits, fires: Fires) -> None:
    """Compare a layer's answer at every count with what was asked of :func:`layer_of`.

    Raises
    ------
    NotAThreshold
        A neuron answers otherwise, or has neither the weights given nor their inverse.
    """
    inverted = (layer.weights != weights).all(axis=1)
    kept = (layer.weights == weights).all(axis=1)
    counts = np.arange(layer.max_count + 1)[:, None]
    answers = np.where(inverted, layer.max_count - counts, counts) >= layer.thresholds
    wrong = (answers != fires).any(axis=0) | ~(kept | inverted)
    if wrong.any():
        raise NotAThreshold(int(np.flatnonzero(wrong)[0]))
