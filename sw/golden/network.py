"""The trained network as hardware sees it: bits and integers, no floats. And its file.

The file is one of :mod:`sw.golden.tensors`. A fully connected network of bits has format 1: its
description is ``format = "hybnn-network-1"`` and ``shape = "200-128-10"``. Any other has format 2:
``format = "hybnn-network-2"`` and ``signature = "28x28x1:8-32s2-64p-64p-10"``, see
:mod:`sw.golden.stages`. The tensors are, for every layer ``i``, which are the stages with weights
before the readout, counted from 0,

* ``layer.i.weights``, uint8 ``(n_out, ceil(n_in / 8))``: weight bits, packed as in
  :mod:`sw.golden.bits`, unused bits zero; ``n_in`` runs over row, column, channel of the window;
* ``layer.i.thresholds``, int32 ``(n_out,)``;

and for the readout ``readout.weights`` (as above) and ``readout.offsets``, int32 ``(n_classes,)``.
In format 2 there may also be ``input.levels``, uint8 ``(256,)``: the value of an element for each
byte of a raw picture, where it is not the byte's highest bits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import tensors as files
from .bits import Bits, Integers, n_bytes, pack, unpack_all
from .errors import UserError
from .stages import MAX_WIDTH, Map, Signature
from .tensors import atomic_write

__all__ = ["MAX_WIDTH", "Layer", "Network", "NetworkFileError", "OutputLayer", "atomic_write",
           "default_levels", "random_network"]

FORMATS = {"hybnn-network-1": ["shape"], "hybnn-network-2": ["signature"]}
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
    """Weights and thresholds of one stage: of each neuron of a dense one, each channel of a Conv.

    Attributes
    ----------
    weights : uint8 array of shape ``(n_out, n_in)``
        Weight bits; 1 stands for +1, 0 for -1.
    thresholds : integer array of shape ``(n_out,)``
        A neuron outputs 1 when its count is at least this: 0 fires always, one more than the
        greatest count never. The count is that of the inputs that match its weights. Of pixels of b
        bits, each bit of a pixel is compared with the weight, and a match of bit k counts 2^k.
    bits : int
        Of an input element.
    """

    weights: Bits
    thresholds: Integers
    bits: int = 1

    def __post_init__(self) -> None:
        _check_weights("Layer", self.weights)
        _check_integers("Thresholds", self.thresholds, self.n_out, 0, self.max_count + 1)

    @property
    def max_count(self) -> int:
        """The greatest count: every bit of every input matches."""
        return ((1 << self.bits) - 1) * self.n_in

    @property
    def n_in(self) -> int:
        return int(self.weights.shape[1])

    @property
    def n_out(self) -> int:
        return int(self.weights.shape[0])


@dataclass(frozen=True, eq=False)
class OutputLayer:
    """Weights and offsets of the readout: a score for each class, and the highest wins.

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
    """What a signature describes, with weights.

    Attributes
    ----------
    layers : sequence of :class:`Layer`
        Of the stages with weights, from input to output; may be empty.
    readout : :class:`OutputLayer`
    signature : :class:`~sw.golden.stages.Signature`
        Default: fully connected, with the widths that the layers have.
    levels : uint8 array of shape ``(256,)``
        The value of an input element for each byte of a raw picture. Default:
        :func:`default_levels`.
    """

    layers: Sequence[Layer]
    readout: OutputLayer
    signature: Signature = None  # type: ignore[assignment]  # Never None once it is made.
    levels: Bits = None          # type: ignore[assignment]  # Likewise.

    def __post_init__(self) -> None:
        if self.signature is None:
            first = self.layers[0].n_in if self.layers else self.readout.n_in
            object.__setattr__(self, "signature", Signature.dense(
                first, *(layer.n_out for layer in self.layers), self.readout.n_classes))
        self._check_layers()
        if self.levels is None:
            object.__setattr__(self, "levels", default_levels(self.input.bits))
        if self.levels.shape != (256,) or self.levels.dtype != np.uint8 \
                or self.levels.max() > self.input.top:
            raise ValueError(f"Levels must be 256 bytes, each 0 to {self.input.top}")

    def _check_layers(self) -> None:
        made: list[Layer | OutputLayer] = [*self.layers, self.readout]
        stages = list(self.signature.layers())
        if len(made) != len(stages):
            raise ValueError(f"{self.signature} has {len(stages)} stages with weights, not "
                             f"{len(made)}")
        for number, (layer, (stage, takes, gives)) in enumerate(zip(made, stages)):
            if layer.n_in != stage.fan_in(takes):
                if number and self.signature.widths:
                    raise ValueError(f"Layer {number - 1} gives {takes.channels} bits, but the "
                                     f"next takes {layer.n_in}")
                raise ValueError(f"Layer {number} takes {layer.n_in} inputs, but in "
                                 f"{self.signature} there are {stage.fan_in(takes)}")
            n_out = layer.n_out if isinstance(layer, Layer) else layer.n_classes
            if n_out != gives.channels:
                raise ValueError(f"Layer {number} has {n_out} neurons, but {self.signature} has "
                                 f"{gives.channels}")
            if isinstance(layer, Layer) and layer.bits != takes.bits:
                raise ValueError(f"Layer {number} takes elements of {layer.bits} bits, but in "
                                 f"{self.signature} they have {takes.bits}")

    @property
    def input(self) -> Map:
        """What the network takes."""
        return self.signature.input

    @property
    def n_in(self) -> int:
        """Bits of the input."""
        return self.input.n_bits

    @property
    def n_classes(self) -> int:
        return self.readout.n_classes

    @property
    def shape(self) -> tuple[int, ...]:
        """Widths from input to classes, ``(200, 128, 10)``, of a fully connected network of bits.

        Raises
        ------
        ValueError
            It is another network.
        """
        if self.signature.widths is None:
            raise ValueError(f"{self} is not fully connected on bits")
        return self.signature.widths

    @property
    def n_weights(self) -> int:
        return self.signature.n_weights

    def __str__(self) -> str:
        return str(self.signature)

    def quantise(self, raw: Bits) -> Bits:
        """Return input elements for raw bytes of any shape, see ``levels``."""
        return self.levels[raw]

    def save(self, path: Path) -> None:
        """Write the network file, whole or not at all."""
        atomic_write(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return what the network file holds."""
        tensors = {}
        for number, layer in enumerate(self.layers):
            tensors[f"layer.{number}.weights"] = pack(layer.weights)
            tensors[f"layer.{number}.thresholds"] = layer.thresholds.astype(np.int32)
        tensors["readout.weights"] = pack(self.readout.weights)
        tensors["readout.offsets"] = self.readout.offsets.astype(np.int32)
        usual = np.array_equal(self.levels, default_levels(self.input.bits))
        if not usual:
            tensors["input.levels"] = self.levels
        first, second = FORMATS
        described = ({"format": first, "shape": str(self)} if self.signature.widths and usual else
                     {"format": second, "signature": str(self)})
        return files.to_bytes(tensors, **described)

    @classmethod
    def load(cls, path: Path) -> "Network":
        """Read a network file of at most 64 MiB. :func:`sw.golden.networks.load` reads others, too.

        Raises
        ------
        NetworkFileError
            The file is not a network: one sentence says what is wrong.
        OSError
            The file cannot be read.
        """
        try:
            description, tensors = files.read(path, FORMATS, MAX_BYTES)
            levels = tensors.pop("input.levels", None) if "signature" in description else None
            return _assemble(_parse_description(description), tensors, levels)
        except ValueError as error:
            raise NetworkFileError(f"{path} is not a network file: {error}") from None


def default_levels(bits: int) -> Bits:
    """Return the highest ``bits`` of each byte: uint8 ``(256,)``."""
    return (np.arange(256) >> (8 - bits)).astype(np.uint8)


def _parse_description(description: dict[str, object]) -> Signature:
    if "shape" in description:
        text = description["shape"]
        if not isinstance(text, str) or not re.fullmatch(
                r"[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})+", text):
            raise ValueError(f"its shape must be like '200-128-10', not {text!r:.40}")
        try:
            return Signature.dense(*map(int, text.split("-")))
        except ValueError:
            raise ValueError(f"its shape must be like '200-128-10', not {text!r:.40}") from None
    text = description["signature"]
    if not isinstance(text, str):
        raise ValueError(f"its signature must be a text, not {text!r:.40}")
    try:
        signature = Signature.parse(text)
    except ValueError as error:
        raise ValueError(f"its signature is wrong: {error}") from None
    if str(signature) != text:
        raise ValueError(f"its signature must be written {str(signature)!r:.60}")
    return signature


def _assemble(signature: Signature, tensors: dict[str, np.ndarray], levels: Bits | None
              ) -> Network:
    stages = list(signature.layers())
    files.check_names(tensors, [*(f"layer.{number}.{name}" for number in range(len(stages) - 1)
                                  for name in ("weights", "thresholds")),
                                "readout.weights", "readout.offsets"])

    def weights(name: str, n_out: int, n_in: int) -> Bits:
        packed = tensors[name]
        if packed.dtype != np.uint8 or packed.shape != (n_out, n_bytes(n_in)):
            raise ValueError(f"{name!r} must be uint8 of shape {(n_out, n_bytes(n_in))}, "
                             f"not {packed.dtype} of shape {packed.shape}")
        return unpack_all(packed, n_in, name)

    def integers(name: str) -> Integers:
        if tensors[name].dtype != np.int32:
            raise ValueError(f"{name!r} must be int32, not {tensors[name].dtype}")
        return tensors[name]

    *hidden, (last, before, scores) = stages
    layers = [Layer(weights(f"layer.{number}.weights", gives.channels, stage.fan_in(takes)),
                    integers(f"layer.{number}.thresholds"), takes.bits)
              for number, (stage, takes, gives) in enumerate(hidden)]
    readout = OutputLayer(weights("readout.weights", scores.channels, last.fan_in(before)),
                          integers("readout.offsets"))
    if levels is None:
        levels = default_levels(signature.input.bits)
    return Network(layers, readout, signature, levels)


def random_network(shape: Signature | Sequence[int], seed: int = 0) -> Network:
    """Make a network of this signature, or these widths, whose neurons are often near a threshold.

    Each layer that is wide enough has a neuron that always fires and one that never does.
    """
    signature = shape if isinstance(shape, Signature) else Signature.dense(*shape)
    rng = np.random.default_rng(seed)
    *hidden, (last, before, scores) = signature.layers()
    layers = []
    for stage, takes, gives in hidden:
        n_in, n_out = stage.fan_in(takes), gives.channels
        spread = max(1, int(takes.top * n_in ** 0.5))
        top = takes.top * n_in
        thresholds = np.clip(top // 2 + rng.integers(-spread, spread + 2, n_out), 0, top + 1)
        if n_out > 2:
            thresholds[rng.choice(n_out, 2, replace=False)] = 0, top + 1
        layers.append(Layer(rng.integers(0, 2, (n_out, n_in), np.uint8), thresholds, takes.bits))
    offsets = rng.integers(0, 4, scores.channels)
    weights = rng.integers(0, 2, (scores.channels, last.fan_in(before)), np.uint8)
    return Network(layers, OutputLayer(weights, offsets - offsets.min()), signature)
