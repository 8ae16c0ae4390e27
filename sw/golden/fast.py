"""The arithmetic of :mod:`sw.golden.forward` for many inputs at once, as products of matrices.

Held equal to it by tests. A product with signs is exact in float32: no sum reaches 2^24, since a
neuron looks at no more than 65,535 elements of 8 bits.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .bits import Bits, Integers, to_signs
from .network import Layer, Network
from .stages import Conv, Pool, Readout

__all__ = ["classify_all", "scores_all", "trace_all"]

Floats = npt.NDArray[np.float32]

AT_A_TIME = 1 << 24    # Numbers of the largest matrix: 64 MB.


def classify_all(network: Network, codes: Bits) -> Integers:
    """Classify every row of ``codes``: ``(n, n_in)`` bits to ``(n,)`` classes."""
    classes: Integers = scores_all(network, codes).argmax(axis=1)
    return classes


def scores_all(network: Network, codes: Bits) -> Integers:
    """Return the scores of every row of ``codes``: ``(n, n_in)`` bits to ``(n, n_classes)``."""
    scores = [given[-1] for given in _in_parts(network, codes)]
    return np.concatenate([np.zeros((0, network.n_classes), np.int64), *scores])


def trace_all(network: Network, codes: Bits) -> list[Integers]:
    """Return what each stage gives for every row of ``codes``, see :func:`forward.trace`.

    The first axis of each array is that of the rows.
    """
    parts = list(_in_parts(network, codes))
    return [np.concatenate(given) for given in zip(*parts)]


def _in_parts(network: Network, codes: Bits) -> Iterator[list[Integers]]:
    """Yield what each stage gives for some rows after the other."""
    maps = network.signature.maps
    largest = max(gives.height * gives.width * stage.fan_in(takes) if stage.has_weights
                  else takes.size
                  for stage, takes, gives in zip(network.signature.stages, maps, maps[1:]))
    step = max(1, AT_A_TIME // max(largest, network.n_in))
    for at in range(0, len(codes), step):
        yield _trace(network, codes[at:at + step])


def _trace(network: Network, codes: Bits) -> list[Integers]:
    n, takes = len(codes), network.input
    planes = codes.reshape(n, *takes.shape, takes.bits)
    x: Bits = (planes << np.arange(takes.bits, dtype=np.uint8)).sum(axis=-1, dtype=np.uint8)
    layers = iter(network.layers)
    given: list[Integers] = []
    for stage, shape in zip(network.signature.stages, network.signature.maps):
        if isinstance(stage, Readout):
            total = _counts(network.readout.weights, x.reshape(n, -1), 1)
            given.append(total.astype(np.int64) + network.readout.offsets)
            break
        if isinstance(stage, Pool | Conv):
            x = x.reshape(n, *shape.shape)
        if isinstance(stage, Pool):
            rows, columns = x.shape[1] // stage.size, x.shape[2] // stage.size
            x = x[:, :rows * stage.size, :columns * stage.size].reshape(
                n, rows, stage.size, columns, stage.size, -1).max(axis=(2, 4))
        elif isinstance(stage, Conv):
            x = _convolve(stage, next(layers), x)
        else:
            x = _hidden(next(layers), x.reshape(n, -1))
        given.append(x)
    return given


def _convolve(stage: Conv, layer: Layer, x: Bits) -> Bits:
    x = np.pad(x, [(0, 0), (stage.border,) * 2, (stage.border,) * 2, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (stage.kernel, stage.kernel), (1, 2))
    windows = windows[:, ::stage.stride, ::stage.stride].transpose(0, 1, 2, 4, 5, 3)
    y = _hidden(layer, windows.reshape(-1, layer.n_in))
    return y.reshape(*windows.shape[:3], layer.n_out)


def _hidden(layer: Layer, x: Bits) -> Bits:
    """Run one layer on rows: ``(n, n_in) -> (n, n_out)`` bits."""
    fires = _counts(layer.weights, x, layer.bits) >= layer.thresholds.astype(np.float32)
    return fires.astype(np.uint8)


def _counts(weights: Bits, x: Bits, bits: int) -> Floats:
    """Count matches ``(n, n_out)``: a weight of 1 counts x, one of 0 what x lacks of its top."""
    top = (1 << bits) - 1
    lacking = np.float32(top) * (weights == 0).sum(axis=1, dtype=np.float32)
    total: Floats = x.astype(np.float32) @ to_signs(weights).astype(np.float32).T + lacking
    return total
