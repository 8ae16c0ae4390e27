"""What of a hybrid network the host does and what the board: a file beside the network's.

The file is a JSON object: ``format = "hybnn-split-1"``; ``host`` and ``board``, lists of objects
with the ``layer``'s name, its multiply-accumulates on numbers, ``flops``, and on bits, ``bops``,
for one image; and ``link_bits``, the length of what travels between them.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import regular
from .errors import UserError
from .tensors import atomic_write

__all__ = ["Part", "Split", "SplitFileError"]

FORMAT = "hybnn-split-1"


class SplitFileError(UserError):
    """A file is not a well-formed split; the message says in one sentence why."""


@dataclass(frozen=True)
class Part:
    """The work of one layer for one image, in multiply-accumulates."""

    layer: str
    flops: int
    bops: int

    def __post_init__(self) -> None:
        if type(self.layer) is not str or not all(
                type(number) is int and number >= 0 for number in (self.flops, self.bops)):
            raise ValueError("a layer must have a name and numbers of operations")


@dataclass(frozen=True)
class Split:
    """The layers on either side of the link."""

    host: Sequence[Part]
    board: Sequence[Part]
    link_bits: int

    def share(self) -> float:
        """Return the board's part of all multiply-accumulates, whatever they are on.

        >>> Split([Part("conv", 30, 0)], [Part("fc", 0, 10)], 8).share()
        0.25
        """
        board = sum(part.flops + part.bops for part in self.board)
        return board / (board + sum(part.flops + part.bops for part in self.host))

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        atomic_write(path, (json.dumps({"format": FORMAT, **asdict(self)}, indent=2)
                            + "\n").encode())

    @classmethod
    def load(cls, path: Path) -> "Split":
        """Read what :meth:`save` wrote, of at most 16 MiB.

        Raises
        ------
        SplitFileError
            The file is not a split: one sentence says what is wrong.
        OSError
            The file cannot be read.
        """
        try:
            return _parse(regular.read_json(path))
        except (ValueError, TypeError) as error:
            raise SplitFileError(f"{path} does not say what host and board do: {error}") from None


def _parse(content: Any) -> Split:
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ValueError(f"it must be a JSON object whose format is {FORMAT!r}")
    if set(content) != {"host", "board", "link_bits"} or type(content["link_bits"]) is not int:
        raise ValueError("it must have host, board and link_bits")
    if content["link_bits"] < 0 or not all(isinstance(content[side], list)
                                           for side in ("host", "board")):
        raise ValueError("host and board must be lists, and link_bits 0 or more")
    host, board = ([Part(**part) for part in content[side]] for side in ("host", "board"))
    return Split(host, board, content["link_bits"])
