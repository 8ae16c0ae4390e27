"""What a build, or a patch, left in a folder."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boards
from hw import folding
from hw.bitstream import FORMATS, Contents
from hw.cost import FABRICS
from hw.family import FAMILIES, Family
from hw.folding import Plan
from sw.golden import regular
from sw.golden.errors import UserError
from sw.golden.identity import Identity
from sw.golden.network import Network

__all__ = ["MAX_TEXT", "Built", "BuiltError", "find_board", "reading"]

MAX_TEXT = 1 << 28    # Bytes of what the tools wrote of a design; the largest board's is a half.


class BuiltError(UserError):
    """A folder holds no whole build; the message says which file is missing or damaged."""


def find_board(name: str) -> boards.Board:
    """Return the board called ``name``; raise :exc:`UserError` if there is none."""
    try:
        return boards.find(name)
    except boards.UnknownBoard as error:
        raise UserError(str(error)) from None


@dataclass(frozen=True)
class Built:
    """What a build, or a patch, left in a folder."""

    folder: Path
    report: dict
    board: boards.Board
    network: Network
    plan: Plan

    @property
    def family(self) -> Family:
        return FAMILIES[self.board.family]

    @property
    def identity(self) -> Identity:
        """What a board says of itself that runs it."""
        with reading(self.folder / "report.json"):
            return Identity.from_bytes(bytes.fromhex(self.report["identity"]))

    @classmethod
    def load(cls, folder: Path) -> "Built":
        """Read the report of a build and the network it is of; :exc:`BuiltError` without them."""
        with reading(folder / "report.json") as file:
            report = regular.read_json(file)
            board, _ = boards.find(report["board"]), report["reloadable"]
        with reading(folder / "network.safetensors") as file:
            network = Network.load(file)
        with reading(folder / "report.json"):
            plan = folding.parse(report["folding"], network.shape)
        return cls(folder, report, board, network, plan)

    def contents(self) -> Contents:
        """Read what the bitstream was packed from, of at most 256 MiB."""
        with reading(self.folder / self.family.packed_from) as file:
            contents = FORMATS[self.board.family](regular.read_text(file, MAX_TEXT))
            contents.rams = contents.rams.reshape(-1, math.prod(FABRICS[self.board.family].ram))
            return contents

    def script(self) -> str:
        """Read how it was packed, in at most 256 MiB."""
        with reading(self.folder / "build_top.sh") as file:
            return regular.read_text(file, MAX_TEXT)


@contextmanager
def reading(file: Path) -> Iterator[Path]:
    """Say that a file is missing or damaged, where what reads it comes upon that."""
    try:
        yield file
    except FileNotFoundError:
        raise BuiltError(f"{file} is missing: give the folder of a build, or make one with "
                         "python -m hw.build") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise BuiltError(f"{file} is damaged: build it anew with python -m hw.build") from None
