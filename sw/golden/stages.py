"""What a network is made of: an input and stages, their shapes and nothing of their weights.

A :class:`Signature` is the one description of a network's shape. The file format, the identity of a
board, the hash of a build, patches, loads, messages of a federation and predicted costs derive from
it. Its text is what a person writes: ``200-128-10``, or ``28x28x1:8-32s2-64p-64p-10``.

The text begins with the input:

* ``200``: a vector of 200 bits, a code; ``13:8``: one of 13 numbers of 8 bits;
* ``14x14x16``: a map of bits, height x width x channels;
* ``28x28x1:8``: a map of pixels of 8 bits.

Stages follow, each after a hyphen. After a map a number is a :class:`Conv`:

* ``64``: 64 channels, 3 x 3, stride 1, with a border that keeps the size;
* ``64k5s2b0``: kernel 5 x 5, stride 2, no border.

After a vector, and after the first dense stage, a number is a :class:`Dense` stage, of so many
neurons. ``d128`` and ``c64`` say which of the two is meant where it is the other. ``p`` is a
:class:`Pool` of 2 x 2 and ``p3`` of 3 x 3; it stands behind another stage, ``64p``, or alone. The
last number is the classes of the :class:`Readout`.

Inside a map the order is row, column, channel: the channel runs fastest. Where a dense stage takes
a map, its inputs have this order.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Protocol

__all__ = ["MAX_FAN_IN", "MAX_MAP", "MAX_WIDTH", "PIXEL_BITS", "Conv", "Dense", "Map", "Pool",
           "Readout", "Signature", "Stage"]

MAX_WIDTH = 65_535     # Inputs, neurons or channels of one stage.
MAX_FAN_IN = 65_535    # Synapses of one neuron.
MAX_MAP = 1 << 22      # Elements of a map: 2,048 x 2,048 grey pixels.
MAX_STAGES = 5_000    # As many as the description of a file has room for.
MAX_KERNEL = 255       # Kernels, strides, borders and pools; a map is no smaller than its kernel.
PIXEL_BITS = 8         # At the most.


@dataclass(frozen=True)
class Map:
    """What lies between two stages: ``height`` x ``width`` x ``channels`` elements.

    Attributes
    ----------
    height, width, channels : int
        A vector of n bits is 1 x 1 x n.
    bits : int
        Of an element. An element of one bit stands for -1 or +1. One of b bits, 2 to 8, is a pixel,
        a number from 0 to 2^b - 1.
    """

    height: int
    width: int
    channels: int
    bits: int = 1

    def __post_init__(self) -> None:
        if min(self.height, self.width, self.channels) < 1 or self.size > MAX_MAP \
                or self.channels > MAX_WIDTH:
            raise ValueError(f"A map must have 1 to {MAX_MAP:,} elements, of 1 to {MAX_WIDTH:,} "
                             f"channels, not {self.height} x {self.width} x {self.channels}")
        if not 1 <= self.bits <= PIXEL_BITS:
            raise ValueError(f"Pixels must have 1 to {PIXEL_BITS} bits, not {self.bits}")

    @property
    def size(self) -> int:
        """Elements."""
        return self.height * self.width * self.channels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the array that holds it: ``(height, width, channels)``."""
        return self.height, self.width, self.channels

    @property
    def n_bits(self) -> int:
        """Bits of all elements."""
        return self.size * self.bits

    @property
    def top(self) -> int:
        """The greatest value of an element: 1 for bits."""
        return (1 << self.bits) - 1

    @property
    def is_vector(self) -> bool:
        """Whether it is 1 x 1 x n."""
        return self.height == self.width == 1

    def __str__(self) -> str:
        sides = "" if self.is_vector else f"{self.height}x{self.width}x"
        depth = f":{self.bits}" if self.bits > 1 else ""
        return f"{sides}{self.channels}{depth}"


class Stage(Protocol):
    """One step of a network: what it makes of a map's shape."""

    @property
    def has_weights(self) -> bool:
        """Whether it has weights, one row of them for each output channel."""

    def gives(self, takes: Map) -> Map:
        """Return the map that comes out; :exc:`ValueError` if it cannot take this one."""

    def fan_in(self, takes: Map) -> int:
        """Return how many elements one output looks at."""

    def text(self, after_map: bool) -> str:
        """Write it as in a signature; ``after_map``: behind a map whose numbers are channels."""


@dataclass(frozen=True)
class Dense:
    """Fully connected: each neuron takes all elements of the map and gives a bit."""

    n_out: int
    has_weights = True

    def gives(self, takes: Map) -> Map:
        _check_width("A dense stage", "neurons", self.n_out)
        _check_fan_in("A dense stage", self.fan_in(takes))
        return Map(1, 1, self.n_out)

    def fan_in(self, takes: Map) -> int:
        return takes.size

    def text(self, after_map: bool) -> str:
        return f"d{self.n_out}" if after_map else str(self.n_out)


@dataclass(frozen=True)
class Conv:
    """Convolution: each channel looks at every window of the map with the same weights.

    Attributes
    ----------
    n_out : int
        Channels.
    kernel : int
        Height and width of a window.
    stride : int
        Rows, and columns, from one window to the next.
    border : int
        Elements added on each side of the map: 0, which stands for -1 where elements are bits.
    """

    n_out: int
    kernel: int = 3
    stride: int = 1
    border: int = 1
    has_weights = True

    def gives(self, takes: Map) -> Map:
        _check_width("A convolution", "channels", self.n_out)
        if not (1 <= self.kernel <= MAX_KERNEL and 1 <= self.stride <= MAX_KERNEL
                and 0 <= self.border < self.kernel):
            raise ValueError(f"A convolution's kernel and stride must be 1 to {MAX_KERNEL}, and "
                             f"its border less than its kernel, not {self.kernel}, {self.stride} "
                             f"and {self.border}")
        _check_fan_in("A convolution", self.fan_in(takes))
        sides = [side + 2 * self.border - self.kernel for side in takes.shape[:2]]
        if min(sides) < 0:
            raise ValueError(f"A convolution of {self.kernel} x {self.kernel} with a border of "
                             f"{self.border} does not fit a map of {takes.height} x {takes.width}")
        height, width = (side // self.stride + 1 for side in sides)
        return Map(height, width, self.n_out)

    def fan_in(self, takes: Map) -> int:
        return self.kernel ** 2 * takes.channels

    def text(self, after_map: bool) -> str:
        kernel = f"k{self.kernel}" if self.kernel != 3 else ""
        stride = f"s{self.stride}" if self.stride != 1 else ""
        border = f"b{self.border}" if self.border != self.kernel // 2 else ""
        return f"{'' if after_map else 'c'}{self.n_out}{kernel}{stride}{border}"


@dataclass(frozen=True)
class Pool:
    """The OR of the bits in each square of ``size`` x ``size``; what is left over is dropped."""

    size: int = 2
    has_weights = False

    def gives(self, takes: Map) -> Map:
        if takes.bits > 1:
            raise ValueError(f"A pool takes bits, not pixels of {takes.bits} bits")
        if not 1 <= self.size <= min(MAX_KERNEL, takes.height, takes.width):
            raise ValueError(f"A pool of {self.size} x {self.size} does not fit a map of "
                             f"{takes.height} x {takes.width}")
        return Map(takes.height // self.size, takes.width // self.size, takes.channels)

    def fan_in(self, takes: Map) -> int:
        return self.size ** 2

    def text(self, after_map: bool) -> str:
        return f"p{self.size}" if self.size != 2 else "p"


@dataclass(frozen=True)
class Readout:
    """The last stage: a score for each class from all elements of the map."""

    n_classes: int
    has_weights = True

    def gives(self, takes: Map) -> Map:
        if takes.bits > 1:
            raise ValueError(f"A readout takes bits, not pixels of {takes.bits} bits")
        _check_width("A readout", "classes", self.n_classes)
        _check_fan_in("A readout", self.fan_in(takes))
        return Map(1, 1, self.n_classes)

    def fan_in(self, takes: Map) -> int:
        return takes.size

    def text(self, after_map: bool) -> str:
        return str(self.n_classes)


def _check_width(what: str, of: str, width: int) -> None:
    if not 1 <= width <= MAX_WIDTH:
        raise ValueError(f"{what} must have 1 to {MAX_WIDTH:,} {of}, not {width}")


def _check_fan_in(what: str, fan_in: int) -> None:
    if fan_in > MAX_FAN_IN:
        raise ValueError(f"{what} must look at no more than {MAX_FAN_IN:,} elements, not {fan_in}")


@dataclass(frozen=True)
class Signature:
    """The shape of a network: its input, and its stages, of which the last is a readout.

    Raises
    ------
    ValueError
        The stages do not fit each other: one sentence says which, and why.
    """

    input: Map
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if not self.stages or len(self.stages) > MAX_STAGES:
            raise ValueError(f"A network must have 1 to {MAX_STAGES:,} stages, not "
                             f"{len(self.stages)}")
        readouts = [number for number, stage in enumerate(self.stages)
                    if isinstance(stage, Readout)]
        if readouts != [len(self.stages) - 1]:
            raise ValueError("A network must end with a readout, and have no other")
        _ = self.maps    # Each stage checks what it takes.

    @classmethod
    def dense(cls, *widths: int) -> "Signature":
        """Return that of a fully connected network of bits: ``dense(200, 128, 10)``."""
        if len(widths) < 2:
            raise ValueError(f"A network must have inputs and classes, not {len(widths)} width")
        return cls(Map(1, 1, widths[0]), (*map(Dense, widths[1:-1]), Readout(widths[-1])))

    @classmethod
    def parse(cls, text: str) -> "Signature":
        """Read a text as the module describes it.

        >>> Signature.parse("28x28x1:8-32s2-64p-10").maps[-2]
        Map(height=7, width=7, channels=64, bits=1)

        Raises
        ------
        ValueError
            It is not one: a sentence says where.
        """
        first, *words = text.split("-")
        if not words:
            raise ValueError(f"A network must be like 200-128-10 or 28x28x1:8-32s2-64p-10, not "
                             f"{text!r:.60}")
        takes = _parse_input(first)
        return cls(takes, tuple(_parse_stages(words, after_map=not takes.is_vector)))

    def __str__(self) -> str:
        words, after_map = [str(self.input)], not self.input.is_vector
        for before, stage in zip((None, *self.stages), self.stages):
            word = stage.text(after_map)
            if isinstance(stage, Pool) and before is not None:
                words[-1] += word
            else:
                words.append(word)
            after_map &= not isinstance(stage, Dense)
        return "-".join(words)

    @cached_property
    def maps(self) -> tuple[Map, ...]:
        """The map that each stage takes, then the scores."""
        maps = [self.input]
        for number, stage in enumerate(self.stages):
            try:
                maps.append(stage.gives(maps[-1]))
            except ValueError as error:
                raise ValueError(f"Stage {number}: {error}") from None
        return tuple(maps)

    def layers(self) -> Iterator[tuple[Stage, Map, Map]]:
        """Yield each stage that has weights, the readout included: it, what it takes and gives."""
        for stage, (takes, gives) in zip(self.stages, pairwise(self.maps)):
            if stage.has_weights:
                yield stage, takes, gives

    @property
    def n_classes(self) -> int:
        return self.maps[-1].channels

    @property
    def n_weights(self) -> int:
        """Weight bits of all stages."""
        return sum(stage.fan_in(takes) * gives.channels for stage, takes, gives in self.layers())

    @property
    def n_macs(self) -> int:
        """Multiply-accumulates of one inference, a pixel's as one."""
        return sum(stage.fan_in(takes) * gives.size for stage, takes, gives in self.layers())

    @property
    def widths(self) -> tuple[int, ...] | None:
        """Widths from inputs to classes where all is fully connected on bits; else None."""
        if not self.input.is_vector or self.input.bits > 1 \
                or any(isinstance(stage, Pool | Conv) for stage in self.stages):
            return None
        return tuple(each.channels for each in self.maps)

    def with_classes(self, n_classes: int) -> "Signature":
        """Return the same with another number of classes."""
        return replace(self, stages=(*self.stages[:-1], Readout(n_classes)))


_INPUT = re.compile(r"(?:(\d{1,7})x(\d{1,7})x)?(\d{1,7})(?::(\d))?", re.ASCII)
_STAGE = re.compile(r"(?:(?P<kind>[cd])?(?P<n>\d{1,7})(?P<window>(?:[ksb]\d{1,3})*))?"
                    r"(?P<pools>(?:p\d{0,3})*)", re.ASCII)
_WINDOW = {"k": "kernel", "s": "stride", "b": "border"}


def _parse_input(word: str) -> Map:
    found = _INPUT.fullmatch(word)
    if not found:
        raise ValueError(f"An input must be like 200, 14x14x16 or 28x28x1:8, not {word!r:.40}")
    height, width, channels, depth = found.groups()
    return Map(int(height or 1), int(width or 1), int(channels), int(depth or 1))


def _parse_stages(words: list[str], *, after_map: bool) -> Iterator[Stage]:
    *words, last = words
    for word in words:
        found = _STAGE.fullmatch(word)
        if not found or not word:
            raise ValueError(f"A stage must be like 64, 32k5s2b0, 64p or d128, not {word!r:.40}")
        if found["n"]:
            is_conv = found["kind"] == "c" or (after_map and not found["kind"])
            after_map &= is_conv
            yield (_parse_conv if is_conv else _parse_dense)(word, int(found["n"]), found["window"])
        for size in re.findall(r"p(\d*)", found["pools"]):
            yield Pool(int(size or 2))
    if not re.fullmatch(r"\d{1,7}", last, re.ASCII):
        raise ValueError(f"The last stage must be the number of classes, not {last!r:.40}")
    yield Readout(int(last))


def _parse_dense(word: str, n_out: int, window: str) -> Dense:
    if window:
        raise ValueError(f"A dense stage has no window, so it must be a number, not {word!r:.40}")
    return Dense(n_out)


def _parse_conv(word: str, n_out: int, window: str) -> Conv:
    parts = [(_WINDOW[name], int(number)) for name, number in re.findall(r"(\D)(\d+)", window)]
    if len(dict(parts)) < len(parts):
        raise ValueError(f"A convolution has one kernel, stride and border, not {word!r:.40}")
    given = dict(parts)
    return Conv(n_out, **{"border": given.get("kernel", 3) // 2, **given})
