"""Which parts of the stack are binary, and what that leaves of the work. Numbers only.

The stack is the encoder and the binary network together: three convolutions of 3 x 3 with stride 2,
and three fully connected layers. The output channels of each layer are divided into groups, and a
group is in full precision or binary. A binary group has signs for weights *and* takes the signs of
its layer's inputs: only then its multiply-accumulates are operations on bits (BOPs).

The cost of a mask is ``(FLOPs + BOPs / divisor)`` over the FLOPs of the stack in full precision, as
for XNOR-Net and Bi-Real; one FLOP is one multiply-accumulate. With a divisor of 64, 64 bits are one
word of a processor.

The file of a mask is a JSON object: ``format = "hybnn-mask-1"``, ``shape``, the widths of the
stack, and ``binary``, for each layer by name a digit for each group, ``1`` if it is binary.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..golden import regular
from ..golden.errors import UserError
from ..golden.network import MAX_WIDTH, atomic_write
from ..golden.stages import Conv, Dense, Map, Readout, Signature
from ..models.shape import CODE_BITS, KERNEL, WIDTH, EncoderShape

__all__ = ["DIVISOR", "LAYERS", "Layer", "Mask", "MaskError", "Shape", "Unit", "parse_digits"]

FORMAT = "hybnn-mask-1"
DIVISOR = 64
LAYERS = ("conv1", "conv2", "conv3", "code", "hidden", "readout")


class MaskError(UserError):
    """A mask is none, or cannot be had; the message says in one sentence why."""


@dataclass(frozen=True)
class Layer:
    """One layer of the stack.

    Attributes
    ----------
    fan_in : int
        Inputs of one output: channels, or pixels of channels, times the area of the kernel.
    n_out : int
        Output channels, or neurons.
    places : int
        Where each output channel is evaluated: pixels of the output, 1 if fully connected.
    """

    name: str
    fan_in: int
    n_out: int
    places: int = 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, those with a border of zeros included."""
        return self.fan_in * self.n_out * self.places


@dataclass(frozen=True)
class Shape:
    """Widths of a stack: HyBNN's encoder of ``width``, its code, its head of one hidden layer."""

    width: int = WIDTH
    code_bits: int = CODE_BITS
    hidden: int = 128
    classes: int = 10

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) is not int or not 1 <= value <= MAX_WIDTH:
                raise MaskError(f"A stack's {name} must be 1 to {MAX_WIDTH}, not {value!r:.40}")

    @property
    def encoder(self) -> EncoderShape:
        """The shape of the encoder in front."""
        return EncoderShape(self.code_bits, self.width)

    def layers(self) -> list[Layer]:
        """List the layers from the image on.

        >>> [layer.macs for layer in Shape().layers()]
        [56448, 903168, 1179648, 409600, 25600, 1280]
        """
        encoder = self.encoder
        return [*(Layer(name, KERNEL ** 2 * convolution.n_in, convolution.n_out,
                        convolution.side ** 2)
                  for name, convolution in zip(LAYERS, encoder.convolutions)),
                Layer("code", encoder.n_features, self.code_bits),
                Layer("hidden", self.code_bits, self.hidden),
                Layer("readout", self.hidden, self.classes)]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the whole stack."""
        return sum(layer.macs for layer in self.layers())


Unit = tuple[str, int]    # A layer's name and the number of a group.


@dataclass(frozen=True)
class Mask:
    """The groups of a stack that are binary, or, for comparison, dropped.

    Attributes
    ----------
    binary : tuple of tuple of bool
        For each layer from the image on, for each group. Groups are equal runs of neighbouring
        output channels, the first of them one longer where the division leaves a rest.
    drops : bool
        Groups are not made binary but dropped: structured pruning, the rival.
    """

    shape: Shape
    binary: tuple[tuple[bool, ...], ...]
    drops: bool = False

    def __post_init__(self) -> None:
        if len(self.binary) != len(LAYERS):
            raise MaskError(f"A mask must be of {len(LAYERS)} layers, not {len(self.binary)}")
        for layer, groups in zip(self.shape.layers(), self.binary):
            if not 1 <= len(groups) <= layer.n_out:
                raise MaskError(f"The layer {layer.name} must have 1 to {layer.n_out} groups, not "
                                f"{len(groups)}")
        # A score in floats and an integer one are not of one scale.
        if len(self.binary[-1]) != 1:
            raise MaskError("The readout must be one group: its scores are compared")

    @classmethod
    def of(cls, shape: Shape, binary: Sequence[str] = (), groups: int = 1,
           drops: bool = False) -> "Mask":
        """Make the mask in which whole layers, by name, are binary.

        >>> f"{Mask.of(Shape(), ['hidden', 'readout']).cost():.2%}"    # HyBNN as published.
        '98.97%'
        """
        if unknown := set(binary) - set(LAYERS):
            raise MaskError(f"There are the layers {', '.join(LAYERS)}, no {min(unknown)!r}")
        return cls(shape, tuple(
            (layer.name in binary,) * (min(groups, layer.n_out) if layer.name != "readout" else 1)
            for layer in shape.layers()), drops)

    def units(self, binary: bool) -> list[Unit]:
        """List the groups that are binary, or those that are not."""
        return [(name, number) for name, groups in zip(LAYERS, self.binary)
                for number, group in enumerate(groups) if group == binary]

    def turned(self, units: Sequence[Unit], binary: bool) -> "Mask":
        """Return the mask in which these groups are binary, or are not."""
        return replace(self, binary=tuple(
            tuple(binary if (name, number) in units else group
                  for number, group in enumerate(groups))
            for name, groups in zip(LAYERS, self.binary)))

    def channels(self) -> list[list[bool]]:
        """Say for each output channel of each layer whether it is binary.

        >>> Mask(Shape(hidden=3), ((True,),) * 4 + ((True, False), (True,))).channels()[4]
        [True, True, False]
        """
        return [[group for group, size in zip(groups, _sizes(layer.n_out, len(groups)))
                 for _ in range(size)]
                for layer, groups in zip(self.shape.layers(), self.binary)]

    def operations(self) -> Iterator[tuple[str, int, int]]:
        """Return for each layer its name, its FLOPs, and its BOPs."""
        kept = 1.0    # Of the inputs, which dropped channels are no more.
        for layer, channels in zip(self.shape.layers(), self.channels()):
            binary = sum(channels) * layer.fan_in * layer.places
            if self.drops:
                yield layer.name, round((layer.macs - binary) * kept), 0
                kept = 1 - sum(channels) / layer.n_out
            else:
                yield layer.name, layer.macs - binary, binary

    def cost(self, divisor: int = DIVISOR) -> float:
        """Return ``(FLOPs + BOPs / divisor)`` over the FLOPs of the stack in full precision."""
        return sum(flops + bops / divisor for _, flops, bops in self.operations()) / self.shape.macs

    def is_whole(self) -> bool:
        """Return whether something is left of each layer."""
        return not (self.drops and any(map(all, self.binary)))

    def suffix(self) -> list[str]:
        """Name the last layers that are wholly binary, which are the board's.

        None where only the readout is: a board with 1,280 synapses is not worth its link.
        """
        names: list[str] = []
        for name, groups in zip(reversed(LAYERS), reversed(self.binary)):
            if self.drops or not all(groups):
                break
            names.insert(0, name)
        return names if len(names) > 1 else []

    def signature(self, first: int) -> Signature:
        """Return the shape of a network of the layers from ``first`` on, if all are binary.

        >>> str(Mask.of(Shape()).signature(2)), str(Mask.of(Shape()).signature(4))
        ('7x7x64-128s2-d200-128-10', '200-128-10')
        """
        shape, convolutions = self.shape, self.shape.encoder.convolutions[first:]
        dense = (Dense(shape.code_bits), Dense(shape.hidden))[max(0, first - 3):]
        side = [shape.encoder.side, *(each.side for each in shape.encoder.convolutions)][:3]
        takes = (Map(side[first], side[first], convolutions[0].n_in) if convolutions
                 else Map(1, 1, shape.layers()[first].fan_in))
        return Signature(takes, (*(Conv(each.n_out, KERNEL, 2, 1) for each in convolutions),
                                 *dense, Readout(shape.classes)))

    def __str__(self) -> str:
        """Return the digits of all groups.

        >>> print(Mask.of(Shape(), ["code"], groups=4))
        conv1 0000 conv2 0000 conv3 0000 code 1111 hidden 0000 readout 0
        """
        return " ".join(f"{name} {_digits(groups)}" for name, groups in zip(LAYERS, self.binary))

    def save(self, path: Path) -> None:
        """Write the mask's file, whole or not at all."""
        if self.drops:
            raise MaskError("A mask file says what is binary, not what is dropped")
        content = {"format": FORMAT, "shape": asdict(self.shape),
                   "binary": dict(zip(LAYERS, map(_digits, self.binary)))}
        atomic_write(path, (json.dumps(content, indent=2) + "\n").encode())

    @classmethod
    def load(cls, path: Path) -> "Mask":
        """Read a mask's file.

        Raises
        ------
        MaskError
            The file is not a mask: one sentence says what is wrong.
        OSError
            The file cannot be read.
        """
        try:
            return _parse(regular.read_json(path))
        except (ValueError, RecursionError, MaskError) as error:
            raise MaskError(f"{path} is not a mask file: {error}") from None


def parse_digits(text: str, shape: Shape, *, drops: bool = False) -> Mask:
    """Read what ``str`` of a mask gives.

    >>> mask = Mask.of(Shape(), ["code"], groups=4)
    >>> parse_digits(str(mask), Shape()) == mask
    True
    """
    return Mask(shape, tuple(tuple(digit == "1" for digit in digits)
                             for digits in text.split()[1::2]), drops)


def _parse(content: Any) -> Mask:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"it must be a JSON object whose format is {FORMAT!r}")
    shape, binary = content.get("shape"), content.get("binary")
    widths = Shape.__dataclass_fields__
    if not isinstance(shape, Mapping) or set(shape) != set(widths):
        raise ValueError(f"its shape must have {', '.join(widths)}")
    if not isinstance(binary, Mapping) or set(binary) != set(LAYERS):
        raise ValueError(f"what is binary must be told of {', '.join(LAYERS)}")
    for name, digits in binary.items():
        if not isinstance(digits, str) or not re.fullmatch("[01]+", digits):
            raise ValueError(f"the groups of {name} must be like '0110', not {digits!r:.40}")
    return Mask(Shape(**shape), tuple(tuple(digit == "1" for digit in binary[name])
                                      for name in LAYERS))


def _digits(groups: Sequence[bool]) -> str:
    return "".join("01"[group] for group in groups)


def _sizes(n: int, parts: int) -> list[int]:
    return [n // parts + (number < n % parts) for number in range(parts)]
