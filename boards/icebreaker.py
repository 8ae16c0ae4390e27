"""1BitSquared iCEBreaker: iCE40UP5K, 12 MHz oscillator, and an FT2232H for the link."""

from amaranth_boards.icebreaker import ICEBreakerPlatform

from . import Board

BOARDS = [Board(
    name="icebreaker",
    family="ice40",
    platform=ICEBreakerPlatform,
    clock=36e6,          # A slow, frugal part: a third of what the same engine does on an HX.
    serial_clock=39e6,   # Of three seeds one misses 42 MHz with 64 synapses a cycle.
    baud=3_000_000,      # The FT2232H makes it exactly, and 12 cycles of 36 MHz do too.
    max_baud=12_000_000,
    spi=("pmod", 0),
    logic_cells=5280,
    block_rams=30,
    programmer=("iceprog",),
    programmer_from="apt install fpga-icestorm, or brew install icestorm",
    clock_is_beside_pll=True,
)]
