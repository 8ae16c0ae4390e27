"""The trained network as hardware sees it: bits and integers, no floats. And its file.

The file is one of :mod:`sw.golden.tensors`. Its description is ``format = "hybnn-network-1"`` and
``shape = "200-128-10"``; its tensors are, for every layer ``i`` counted from 0,

* ``layer.i.weights``, uint8 ``(n_out, ceil(n_in / 8))``: weight bits, packed as in
  :mod:`sw.golden.bits`, unused bits zero;
* ``layer.i.thresholds``, int32 ``(n_out,)``;

and for the readout ``readout.weights`` (as above) and ``readout.offsets``, int32 ``(n_classes,)``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from . import tensors as files
from .bits import Bits, Integers, n_bytes, pack, unpack
from .errors import UserError
from .tensors import atomic_write

__all__ = ["Layer", "Network", "NetworkFileError", "Readout", "atomic_write", "random_network"]

FORMAT = "hybnn-network-1"
MAX_WIDTH = 65_535     # Inputs or neurons of one layer.
MAX_OFFSET = 65_535    # A readout offset larger than any count is enough to always win.
MAX_BYTES = 1 << 26    # Of a file: 500 million weights, each a byte when it is read.


class NetworkFileError(UserError):
    """A file is not a well-formed network; the message says in one sentence why."""


def _check_weights(kind: str, weights: Bits) -> None:
    if weights.ndim != 2 or 0 in weights.shape or max(weights.shape) > MAX_WIDTH:
        raise ValueError(f"{kind} weights must have shape (n_out, n_in), each 1 to {MAX_WIDTH}, "
                         f"not {weights.shape}")
    if weights.dtype != np.uint8 or weights.max() > 1:
        raise ValueError(f"{kind} weights must be bits (uint8, 0 or 1)")


def _check_integers(what: str, values: Integers, count: int, low: int, high: int) -> None:
    if values.shape != (count,) or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{what} must be {count} integers, not {values.dtype} of shape "
                         f"{values.shape}")
    if values.min() < low or values.max() > high:
        wrong = values[(values < low) | (values > high)][0]
        raise ValueError(f"{what} must be {low} to {high}, not {wrong}")


@dataclass(frozen=True, eq=False)
class Layer:
    """One fully connected binary layer.

    Attributes
    ----------
    weights : uint8 array of shape ``(n_out, n_in)``
        Weight bits; 1 stands for +1, 0 for -1.
    thresholds : integer array of shape ``(n_out,)``
        A neuron outputs 1 when at least this many of its inputs match its weights: 0 fires
        always, ``n_in + 1`` never.
    """

    weights: Bits
    thresholds: Integers

    def __post_init__(self) -> None:
        _check_weights("Layer", self.weights)
        _check_integers("Thresholds", self.thresholds, self.n_out, 0, self.n_in + 1)

    @property
    def n_in(self) -> int:
        return int(self.weights.shape[1])

    @property
    def n_out(self) -> int:
        return int(self.weights.shape[0])


@dataclass(frozen=True, eq=False)
class Readout:
    """The last layer: a score for each class, and the class with the highest.

    Attributes
    ----------
    weights : uint8 array of shape ``(n_classes, n_in)``
        Weight bits; 1 stands for +1, 0 for -1.
    offsets : integer array of shape ``(n_classes,)``
        Added to the count of matches. Only differences matter; the least offset is 0.
    """

    weights: Bits
    offsets: Integers

    def __post_init__(self) -> None:
        _check_weights("Readout", self.weights)
        _check_integers("Offsets", self.offsets, self.n_classes, 0, MAX_OFFSET)
        if self.offsets.min() != 0:
            raise ValueError(f"The least offset must be 0, not {self.offsets.min()}")

    @property
    def n_in(self) -> int:
        return int(self.weights.shape[1])

    @property
    def n_classes(self) -> int:
        return int(self.weights.shape[0])


@dataclass(frozen=True, eq=False)
class Network:
    """Binary layers, then a readout.

    Attributes
    ----------
    layers : sequence of :class:`Layer`
        From input to output; may be empty.
    readout : :class:`Readout`
    """

    layers: Sequence[Layer]
    readout: Readout

    def __post_init__(self) -> None:
        takes = [*(layer.n_in for layer in self.layers[1:]), self.readout.n_in]
        for number, (layer, n_in) in enumerate(zip(self.layers, takes)):
            if layer.n_out != n_in:
                raise ValueError(f"Layer {number} gives {layer.n_out} bits, but the next takes "
                                 f"{n_in}")

    @property
    def n_in(self) -> int:
        return self.layers[0].n_in if self.layers else self.readout.n_in

    @property
    def n_classes(self) -> int:
        return self.readout.n_classes

    @property
    def shape(self) -> tuple[int, ...]:
        """Widths from input to classes, ``(200, 128, 10)``."""
        return (self.n_in, *(layer.n_out for layer in self.layers), self.n_classes)

    @property
    def n_weights(self) -> int:
        return sum(above * below for above, below in pairwise(self.shape))

    def __str__(self) -> str:
        return "-".join(map(str, self.shape))

    def save(self, path: Path) -> None:
        """Write the network file, whole or not at all."""
        atomic_write(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Give what the network file holds."""
        tensors = {}
        for number, layer in enumerate(self.layers):
            tensors[f"layer.{number}.weights"] = pack(layer.weights)
            tensors[f"layer.{number}.thresholds"] = layer.thresholds.astype(np.int32)
        tensors["readout.weights"] = pack(self.readout.weights)
        tensors["readout.offsets"] = self.readout.offsets.astype(np.int32)
        return files.to_bytes(tensors, format=FORMAT, shape=str(self))

    @classmethod
    def load(cls, path: Path) -> "Network":
        """Read a network file of at most 64 MiB, or an ONNX file as :mod:`sw.golden.qonnx.reader`
        does.

        Raises
        ------
        NetworkFileError
            The file is not a network: one sentence says what is wrong.
        OSError
            The file cannot be read.
        """
        if path.suffix == ".onnx":
            from .qonnx import reader
            return reader.load(path).network
        try:
            description, tensors = files.read(path, FORMAT, ["shape"], MAX_BYTES)
            return _assemble(_parse_shape(description["shape"]), tensors)
        except ValueError as error:
            raise NetworkFileError(f"{path} is not a network file: {error}") from None


def _parse_shape(text: object) -> list[int]:
    widths = []
    if isinstance(text, str) and re.fullmatch(r"[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})+", text):
        widths = [int(word) for word in text.split("-")]
    if not widths or max(widths) > MAX_WIDTH:
        raise ValueError(f"its shape must be like '200-128-10', not {text!r:.40}")
    return widths


def _assemble(shape: list[int], tensors: dict[str, np.ndarray]) -> Network:
    n_layers = len(shape) - 2
    files.check_names(tensors, [*(f"layer.{number}.{name}" for number in range(n_layers)
                                  for name in ("weights", "thresholds")),
                                "readout.weights", "readout.offsets"])

    def weights(name: str, n_out: int, n_in: int) -> Bits:
        packed = tensors[name]
        if packed.dtype != np.uint8 or packed.shape != (n_out, n_bytes(n_in)):
            raise ValueError(f"{name!r} must be uint8 of shape {(n_out, n_bytes(n_in))}, "
                             f"not {packed.dtype} of shape {packed.shape}")
        unpacked = unpack(packed, n_in)
        if not np.array_equal(pack(unpacked), packed):
            raise ValueError(f"{name!r} has bits beyond its {n_in} inputs")
        return unpacked

    def integers(name: str) -> Integers:
        if tensors[name].dtype != np.int32:
            raise ValueError(f"{name!r} must be int32, not {tensors[name].dtype}")
        return tensors[name]

    layers = [Layer(weights(f"layer.{number}.weights", n_out, n_in),
                    integers(f"layer.{number}.thresholds"))
              for number, (n_in, n_out) in enumerate(pairwise(shape[:-1]))]
    return Network(layers, Readout(weights("readout.weights", shape[-1], shape[-2]),
                                   integers("readout.offsets")))


def random_network(shape: Sequence[int], seed: int = 0) -> Network:
    """Make a network of the given widths whose neurons are often near their thresholds.

    Each layer that is wide enough has a neuron that always fires and one that never does.
    """
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in pairwise(shape[:-1]):
        spread = max(1, int(n_in ** 0.5))
        thresholds = np.clip(n_in // 2 + rng.integers(-spread, spread + 2, n_out), 0, n_in + 1)
        if n_out > 2:
            thresholds[rng.choice(n_out, 2, replace=False)] = 0, n_in + 1
        layers.append(Layer(rng.integers(0, 2, (n_out, n_in), np.uint8), thresholds))
    offsets = rng.integers(0, 4, shape[-1])
    return Network(layers, Readout(rng.integers(0, 2, (shape[-1], shape[-2]), np.uint8),
                                   offsets - offsets.min()))
