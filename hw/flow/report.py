"""The report of a build: what ``report.json`` beside a bitstream says of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import boards
from hw.accelerator import waits
from hw.plan import plans
from hw.plan.plans import Plan
from sw.golden.asking import speed
from sw.golden.frame import N_FCS16, n_request
from sw.golden.network import Network
from sw.golden.record import record
from sw.golden.split import Part, Split

__all__ = ["Rates", "Report", "Resources"]


@dataclass(frozen=True)
class Resources:
    """What a placed design takes.

    Attributes
    ----------
    logic_cells, block_rams : sequence of two int
        How many it uses, and how many the part has.
    fmax_mhz : float
        The fastest clock.
    """

    logic_cells: Sequence[int]
    block_rams: Sequence[int]
    fmax_mhz: float


@dataclass(frozen=True)
class Rates:
    """How fast an accelerator is.

    Attributes
    ----------
    network, board, plan
        What is built, for what, and how.
    clock : float
        Hertz.
    """

    network: Network
    board: boards.Board
    plan: Plan
    clock: float

    @property
    def layers(self) -> float:
        """Inferences per second of the engine alone."""
        return self.clock / plans.period(self.plan, self.network.signature)

    @property
    def link(self) -> float:
        """Requests per second that are answered at the most."""
        byte = 10 / self.board.as_uart
        request = n_request(self.network.n_in) * byte
        engine = sum(plans.cycles(self.plan, self.network.signature)) / self.clock
        if waits(self.network, self.plan, self.clock, self.board.as_uart, self.board.room):
            return 1 / (request + engine + (2 + 2 + N_FCS16) * byte)
        return 1 / max(request, engine)

    def fields(self) -> dict[str, Any]:
        """Return the fields of a :class:`Report` that tell them."""
        cycles = plans.cycles(self.plan, self.network.signature)
        period = plans.period(self.plan, self.network.signature)
        return {
            "clock_mhz": round(self.clock / 1e6, 3),
            "cycles": list(cycles),
            "cycles_per_inference": period,
            "microseconds_per_inference": round(period / self.clock * 1e6, 3),
            "inferences_per_second_layers": round(self.layers),
            "link": self.board.link,
            "baud": self.board.baud,
            "inferences_per_second_link": round(self.link),
        }


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is known of a build; the fields are the keys of ``report.json``, in their order.

    A field with a default is missing in some older reports.
    """

    board: str
    network: str = ""
    network_sha256: str = ""
    folding: str
    reloadable: bool
    identity: str = ""
    split: Split | None = None
    seed: int = 0
    versions: dict = field(default_factory=dict)
    overrides: dict = field(default_factory=dict)
    logic_cells: Sequence[int] = field(default_factory=lambda: [0, 0])
    block_rams: Sequence[int] = field(default_factory=lambda: [0, 0])
    fmax_mhz: float = 0
    clock_mhz: float = 0
    cycles: Sequence[int] = field(default_factory=list)
    cycles_per_inference: int = 0
    microseconds_per_inference: float = 0
    inferences_per_second_layers: int = 0
    link: str = "uart"
    baud: int = 0
    inferences_per_second_link: int = 0
    bitstream: str = ""
    bitstream_sha256: str = ""
    seconds: float = 0
    patched: bool = False

    @classmethod
    def from_json(cls, content: object) -> "Report":
        """Read what ``report.json`` holds; keys that this does not know are left out.

        Raises :exc:`ValueError` where it is no report.
        """
        if type(content) is not dict:
            raise ValueError("a report must be a JSON object")
        known = {each.name for each in fields(cls)}
        given = {name: value for name, value in content.items() if name in known}
        if missing := {"board", "folding", "reloadable"} - given.keys():
            raise ValueError(f"a report must have {min(missing)!r}")
        return record(cls, asdict(cls(board="", folding="", reloadable=False)) | given)

    def to_json(self) -> bytes:
        """Return the text of ``report.json``; that it is patched stands in a patched one alone."""
        content = asdict(self)
        if not self.patched:
            del content["patched"]
        return json.dumps(content, indent=2).encode()

    @property
    def meets_clock(self) -> bool:
        return self.fmax_mhz >= self.clock_mhz

    def table(self) -> str:
        """Line up what a person wants to know of a build."""
        each = "image every" if self.folding.startswith("serial") else "a code every"
        rows = {
            "network": f"{self.network} on {self.board}",
            "folding": self.folding,
            "logic cells": _share(*self.logic_cells),
            "block RAMs": _share(*self.block_rams),
            "Fmax": f"{self.fmax_mhz:.1f} MHz",
            "clock": f"{self.clock_mhz:g} MHz",
            each: f"{self.cycles_per_inference} cycles, "
                  f"{self.microseconds_per_inference:g} us",
            "layers": f"{self.inferences_per_second_layers:,} inferences/s",
            "link": f"{self.inferences_per_second_link:,} inferences/s at "
                    f"{speed(self.baud, self.link)}",
        }
        if self.split:
            rows |= {"host": _work(self.split.host), "board": _work(self.split.board)}
        return "\n".join(f"  {name:<12} {value}" for name, value in rows.items())


def _share(used: int, there: int) -> str:
    return f"{used} of {there} ({used / there:.0%})"


def _work(parts: Sequence[Part]) -> str:
    """Name layers, and what they are for an image."""
    flops, bops = sum(part.flops for part in parts), sum(part.bops for part in parts)
    return (f"{', '.join(part.layer for part in parts)}: {flops:,} multiply-accumulates, "
            f"{bops:,} on bits")
