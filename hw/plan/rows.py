"""What the memories of a serial engine begin with. Numbers only: nothing here makes hardware."""

from itertools import pairwise

import numpy as np

from hw.plan.layout import unlike
from hw.plan.serial import SerialLayout
from hw.plan.walk import Walk
from hw.plan.words import Words
from sw.golden.bits import Bits, Integers
from sw.golden.network import Network, OutputLayer
from sw.golden.stages import Conv

__all__ = ["left_out", "starts", "weights"]


def weights(network: Network, layout: SerialLayout) -> Bits:
    """Lay out the weights in the order of use: ``(weight_depth, pe * simd)``."""
    return np.concatenate([_order(each, walk, layout.plan.pe)
                           for each, walk in zip(_filled(network, layout), layout.walks)])


def starts(network: Network, layout: SerialLayout) -> Integers:
    """Return what the sum of each neuron begins with: ``(start_depth, pe)``.

    That of a neuron that fires ends at 0 or above. To it is added what a neuron's weights add to
    the count of pairs, see :mod:`hw.blocks.popcount`. Only the bits of a sum count.
    """
    pe = layout.plan.pe
    values = []
    for each, words, walk, layer in zip(_filled(network, layout), layout.words, layout.walks,
                                        [*network.layers, network.readout]):
        if isinstance(layer, OutputLayer):
            start = _classes(_offsets(layer), walk.chunks * pe)
        else:
            start = np.full(walk.chunks * pe, -layer.max_count - 1)
            start[:layer.n_out] = -layer.thresholds
        if words.map.bits == 1:
            start = start + unlike(each).sum(axis=1)
        values.append(start.reshape(walk.chunks, pe))
    return np.concatenate(values) % (1 << layout.sum_width)


def left_out(readout: OutputLayer) -> list[int]:
    """Return what each class's score is less than golden's, of which a class needs nothing."""
    differences: list[int] = (readout.offsets - _offsets(readout)).tolist()
    return differences


def _offsets(readout: OutputLayer) -> Integers:
    """Return offsets that decide alike, from ``-n_in - 1`` to 0.

    A class whose offset is less by more than ``n_in`` cannot win; by how much more is all one.
    """
    return np.maximum(readout.offsets - readout.offsets.max(), -readout.n_in - 1)


def _classes(values: np.ndarray, n: int) -> np.ndarray:
    """Repeat the last class: a twin is never better."""
    return np.concatenate([values, np.repeat(values[-1:], n - len(values), axis=0)])


def _filled(network: Network, layout: SerialLayout) -> list[Bits]:
    """Return the weights of each stage ``(neurons, words of a window, simd)``.

    What fills up words and chunks is 1, and its input 0: it never matches.
    """
    filled = []
    stages = (stage for stage in network.signature.stages if stage.has_weights)
    for stage, (takes, gives), layer in zip(stages, pairwise(layout.words),
                                            [*network.layers, network.readout]):
        n_out = gives.units * gives.unit
        shape = (stage.kernel,) * 2 if isinstance(stage, Conv) else takes.map.shape[:2]
        rows = _spread(layer.weights.reshape(-1, *shape, takes.map.channels), takes,
                       layout.plan.simd)
        filled.append(_classes(rows, n_out) if layer is network.readout else
                      np.pad(rows, [(0, n_out - len(rows)), (0, 0), (0, 0)], constant_values=1))
    return filled


def _spread(given: Bits, takes: Words, simd: int) -> Bits:
    """Put the weights ``(n, height, width, channels)`` where their inputs are in the words."""
    spread = np.ones((*given.shape[:3], takes.words, simd), np.uint8)
    for channel in range(given.shape[3]):
        spread[:, :, :, *takes.place(channel)] = given[..., channel]
    return spread.reshape(len(given), -1, simd)


def _order(each: Bits, walk: Walk, pe: int) -> Bits:
    chunks = each.reshape(walk.chunks, pe, walk.chunk, -1).transpose(0, 2, 1, 3)
    return chunks.reshape(walk.chunks * walk.chunk, -1)
