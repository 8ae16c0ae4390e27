"""Lattice iCEstick: iCE40HX1K, a 12 MHz oscillator, and an FT2232H whose channel B is the link."""

from amaranth_boards.icestick import ICEStickPlatform

from . import Board

BOARDS = [Board(
    name="icestick",
    family="ice40",
    platform=ICEStickPlatform,
    clock=120e6,         # What a 200-128-10 engine meets with every placement seed tried.
    serial_clock=90e6,   # Placed with one and two neurons a cycle: 113 to 131 MHz.
    baud=3_000_000,      # The FT2232H makes it exactly, and 40 cycles of 120 MHz do too.
    max_baud=12_000_000,
    spi=("pmod", 0),
    logic_cells=1280,
    block_rams=16,
    programmer=("iceprog",),
    programmer_from="apt install fpga-icestorm, or brew install icestorm",
)]
