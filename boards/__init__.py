"""What this project needs to know about a board, on top of what amaranth-boards knows."""

import difflib
from dataclasses import dataclass
from importlib import import_module

__all__ = ["NAMES", "Board", "find"]

# The file of each board; one board in several sizes is one file.
FILES = {
    "ecpix5_45f": "ecpix5",
    "ice40_hx8k_b_evn": "ice40_hx8k_b_evn",
    "icebreaker": "icebreaker",
    "icestick": "icestick",
    "tang_nano_9k": "tang_nano_9k",
    "ulx3s_12f": "ulx3s",
    "ulx3s_25f": "ulx3s",
    "ulx3s_45f": "ulx3s",
    "ulx3s_85f": "ulx3s",
}
NAMES = tuple(FILES)


@dataclass(frozen=True)
class Board:
    """One supported board.

    Attributes
    ----------
    name : str
        What it is called on the command line.
    family : str
        What its part is made of: ``ice40``, ``ecp5`` or ``gowin``. It decides the tools, the clock
        generator and what a network costs.
    platform : class
        Platform of amaranth-boards: pins, clocks, toolchain.
    clock : float
        What a folded engine is clocked with, in hertz, unless a build is told otherwise.
    baud : int
        Speed of the link, in bits per second, unless a build is told otherwise. Of SPI the fastest
        clock that a controller may have.
    max_baud : int
        The fastest that the chip between link and USB does.
    logic_cells : int
        How many the part has, as its place-and-route tool counts them.
    block_rams : int
        Likewise.
    programmer : tuple of str
        Command that loads a bitstream, to which the file is added.
    programmer_from : str
        How to get it.
    clock_is_beside_pll : bool
        The oscillator is on the pin of the part's only PLL, which then has it alone.
    hardwired_clock : float
        What a hard-wired engine is clocked with; 0 where the part takes none.
    serial_clock : float
        What a serial engine is clocked with; 0 where that is the same as for a folded one.
    link : str
        ``uart``, or ``spi``.
    spi : tuple of str and int
        Connector whose pins 1 to 4 are select, data in, data out and clock of SPI, as on a PMOD of
        type 2; empty where there is none.
    """

    name: str
    family: str
    platform: type
    clock: float
    baud: int
    max_baud: int
    logic_cells: int
    block_rams: int
    programmer: tuple[str, ...]
    programmer_from: str
    clock_is_beside_pll: bool = False
    hardwired_clock: float = 0
    serial_clock: float = 0
    link: str = "uart"
    spi: tuple[str, int] | tuple[()] = ()

    @property
    def as_uart(self) -> int:
        """Return the baud of a UART that carries as many bytes a second: a byte has ten bits there,
        and eight on SPI."""
        return self.baud * 10 // 8 if self.link == "spi" else self.baud

    @property
    def room(self) -> int:
        """Return how many bytes wait at the link until they are taken."""
        return 8 if self.link == "spi" else 1


class UnknownBoard(LookupError):
    """There is no board of this name; the message says which are, and which may be meant."""


def find(name: str) -> Board:
    """Return the board called ``name``; raise :exc:`UnknownBoard` if there is none."""
    if name not in NAMES:
        meant = difflib.get_close_matches(name.lower().replace("-", "_"), NAMES, 1)
        raise UnknownBoard(f"Unknown board {name!r}; known boards: {', '.join(NAMES)}"
                           + (f"; did you mean {meant[0]}?" if meant else ""))
    return next(board for board in import_module(f"boards.{FILES[name]}").BOARDS
                if board.name == name)
