"""CNV-W1A1, FINN's convolutional network for CIFAR-10 with others' weights, as golden stages.

The arrays of ``cnv-w1a1/cifar10.npz`` are described in the README beside it.
"""

from pathlib import Path

from sw.golden import weights
from sw.golden.network import Network
from sw.golden.stages import Signature
from sw.images.arrays import read_npz

SIGNATURE = "32x32x3:8-64b0-64b0p-128b0-128b0p-256b0-256b0-d512-512-10"


def load(path: Path) -> Network:
    """Read the arrays and return the network."""
    return weights.network_of(read_npz(path), Signature.parse(SIGNATURE), "bnn-pynq")


def levels():
    """Return u for every byte of a raw picture."""
    return weights.bnn_pynq_levels(Signature.parse(SIGNATURE).input)
