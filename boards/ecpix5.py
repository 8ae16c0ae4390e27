"""LambdaConcept ECPIX-5: ECP5 of speed grade 8, a 100 MHz oscillator, and an FT2232H."""

from amaranth_boards.ecpix5 import ECPIX545Platform

from . import Board

BOARDS = [Board(
    name="ecpix5_45f",
    family="ecp5",
    platform=ECPIX545Platform,
    clock=125e6,         # Speed grade 8 is a quarter faster than 6.
    baud=3_000_000,      # The FT2232H makes it exactly; 42 cycles of 125 MHz are 0.8 % too long.
    max_baud=12_000_000,
    logic_cells=43_848,
    block_rams=108,
    programmer=("openFPGALoader", "--board", "ecpix5"),
    programmer_from="apt install openfpgaloader, or brew install openfpgaloader",
    hardwired_clock=100e6,    # As on the slower ULX3S, where it was placed.
)]
