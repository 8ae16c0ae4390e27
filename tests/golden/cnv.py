"""CNV-W1A1, FINN's convolutional network for CIFAR-10 with others' weights, as golden stages.

The arrays of ``cnv-w1a1/cifar10.npz`` are described in the README beside it. Their rules differ
from golden's in three ways, and each becomes an integer:

* layer 0 takes pixels v from -128 to 127 and fires where 2 * sum(w * v) > T. Golden's pixels are
  u = v + 128, and its count is sum(w * u) + 255 * (number of -1 weights);
* layers 1 to 7 fire where a count is greater than T: golden's threshold is T + 1;
* v is never 0, as pixels are rounded after they were scaled: so the network has ``levels``.
"""

from pathlib import Path

import numpy as np

from sw.golden.bits import to_signs, unpack
from sw.golden.network import Layer, Network, OutputLayer
from sw.golden.stages import Signature

SIGNATURE = "32x32x3:8-64b0-64b0p-128b0-128b0p-256b0-256b0-d512-512-10"


def load(path: Path) -> Network:
    """Read the arrays and return the network."""
    signature = Signature.parse(SIGNATURE)
    with np.load(path) as arrays:
        weights = [unpack(arrays[f"{number}.weights"], stage.fan_in(takes))
                   for number, (stage, takes, _) in enumerate(signature.layers())]
        limits = [arrays[f"{number}.thresholds"].astype(np.int64)
                  for number in range(len(weights) - 1)]
    first, *others = zip(weights, limits)
    layers = [Layer(first[0], _of_pixels(*first), 8),
              *(Layer(each, np.clip(limit + 1, 0, each.shape[1] + 1)) for each, limit in others)]
    return Network(layers, OutputLayer(weights[-1], np.zeros(10, int)), signature, levels())


def levels() -> np.ndarray:
    """Return u for every byte of a raw picture."""
    v = np.floor((np.arange(256) / 255 * 2 - 1) * 128 + 0.5)
    return (np.clip(v, -128, 127) + 128).astype(np.uint8)


def _of_pixels(weights: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return golden's thresholds of layer 0 for its T."""
    signs = to_signs(weights).astype(int)
    least = limits // 2 + 1    # Of sum(w * v): the least integer that is greater than T / 2.
    return np.clip(least + 128 * signs.sum(axis=1) + 255 * (weights == 0).sum(axis=1),
                   0, 255 * weights.shape[1] + 1)
