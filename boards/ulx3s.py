"""Radiona ULX3S: ECP5 of four sizes, a 25 MHz oscillator, and an FT231X for the link."""

from amaranth_boards.ulx3s import (
    ULX3S_12F_Platform,
    ULX3S_25F_Platform,
    ULX3S_45F_Platform,
    ULX3S_85F_Platform,
)

from . import Board


def _board(size: str, platform: type, logic_cells: int, block_rams: int) -> Board:
    return Board(
        name=f"ulx3s_{size}",
        family="ecp5",
        platform=platform,
        clock=75e6,          # What speed grade 6 meets, with eight neurons a cycle 86 MHz.
        baud=3_000_000,      # The FT231X makes it exactly, and 25 cycles of 75 MHz do too.
        max_baud=3_000_000,
        logic_cells=logic_cells,
        block_rams=block_rams,
        programmer=("openFPGALoader", "--board", "ulx3s"),
        programmer_from="apt install openfpgaloader, or brew install openfpgaloader",
        hardwired_clock=100e6,
    )


# A 12F is a 25F that is sold with a smaller promise; the open tools use all of it.
BOARDS = [
    _board("12f", ULX3S_12F_Platform, 24_288, 56),
    _board("25f", ULX3S_25F_Platform, 24_288, 56),
    _board("45f", ULX3S_45F_Platform, 43_848, 108),
    _board("85f", ULX3S_85F_Platform, 83_640, 208),
]
