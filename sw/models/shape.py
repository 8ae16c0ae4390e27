"""The encoder's shape in numbers: what its file says, its layers, and what they cost."""

import math
import re
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["CODE_BITS", "KERNEL", "WIDTH", "Convolution", "EncoderShape"]

CODE_BITS = 200    # HyBNN's code: 25 bytes on the wire.
WIDTH = 32         # Channels of the first convolution: HyBNN's.
KERNEL = 3         # Height and width of each convolution's, which halves the image.
PATTERN = r"([1-9][0-9]{0,2})x\1(x3)?-([1-9][0-9]{0,3})-([1-9][0-9]{0,4})(-moved)?"


@dataclass(frozen=True)
class Convolution:
    """One of the encoder's; ``side`` is the height and width of what it gives."""

    n_in: int
    n_out: int
    side: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, those with a border of zeros included."""
        return KERNEL ** 2 * self.n_in * self.n_out * self.side ** 2


@dataclass(frozen=True)
class EncoderShape:
    """Three convolutions with stride 2, then a linear layer.

    Attributes
    ----------
    n_bits : int
        Length of the code.
    width : int
        Channels of the first convolution; each of the others has twice as many as the one before.
    channels : int
        1 for grey images, 3 for colour.
    side : int
        Height and width of an image.
    moves : bool
        The logits are moved by SD-BNN's dynamic activation self-distribution.
    """

    n_bits: int = CODE_BITS
    width: int = WIDTH
    channels: int = 1
    side: int = 28
    moves: bool = False

    @property
    def convolutions(self) -> list[Convolution]:
        """The convolutions from the image on.

        >>> [convolution.macs for convolution in EncoderShape().convolutions]
        [56448, 903168, 1179648]
        """
        ends = [self.channels, *(self.width << number for number in range(3))]
        return [Convolution(n_in, n_out, math.ceil(self.side / (2 << number)))
                for number, (n_in, n_out) in enumerate(pairwise(ends))]

    @property
    def n_features(self) -> int:
        """Inputs of the linear layer."""
        last = self.convolutions[-1]
        return last.n_out * last.side ** 2

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, without those of dynamic activation.

        >>> EncoderShape().macs
        2548864
        """
        return sum(each.macs for each in self.convolutions) + self.n_features * self.n_bits

    def __str__(self) -> str:
        """Return the text in the encoder's file.

        >>> str(EncoderShape(200, 16, channels=3, side=32, moves=True))
        '32x32x3-16-200-moved'
        """
        colours = f"x{self.channels}" if self.channels > 1 else ""
        return (f"{self.side}x{self.side}{colours}-{self.width}-{self.n_bits}"
                f"{'-moved' if self.moves else ''}")

    @classmethod
    def parse(cls, text: str) -> "EncoderShape":
        """Read what ``str`` gives, or raise :exc:`ValueError`."""
        match = re.fullmatch(PATTERN, text)
        if match is None:
            raise ValueError("its shape must be like '28x28-16-200' or, in colour, "
                             f"'32x32x3-16-200', not {text[:40]!r}")
        return cls(int(match[4]), int(match[3]), 3 if match[2] else 1, int(match[1]),
                   bool(match[5]))
