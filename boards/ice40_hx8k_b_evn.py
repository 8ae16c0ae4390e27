"""Lattice iCE40-HX8K breakout board: 12 MHz oscillator, and an FT2232H for the link."""

from amaranth_boards.ice40_hx8k_b_evn import ICE40HX8KBEVNPlatform

from . import Board

BOARDS = [Board(
    name="ice40_hx8k_b_evn",
    family="ice40",
    platform=ICE40HX8KBEVNPlatform,
    clock=108e6,
    baud=3_000_000,      # The FT2232H makes it exactly, and 36 cycles of 108 MHz do too.
    max_baud=12_000_000,
    logic_cells=7680,
    block_rams=32,
    programmer=("iceprog",),
    programmer_from="apt install fpga-icestorm, or brew install icestorm",
)]
