"""What a bitstream needs that differs from one family of FPGAs to the next."""

from dataclasses import dataclass

from hw.blocks.pll import ECP5PLL, ICE40PLL, PLL, GowinPLL

__all__ = ["FAMILIES", "PLACED", "Family"]

PLACED = "top.pnr.json"    # What nextpnr writes of a build: every cell, and its place.


@dataclass(frozen=True)
class Family:
    """Tools, clock generator and the words of the tools for one family.

    Attributes
    ----------
    place : str
        The program that places and routes.
    pack : str
        The program that makes the bitstream of that.
    pll : type of :class:`~hw.blocks.pll.PLL`
        Clock generator.
    packed_from, bitstream : str
        Names of the file that it reads and of the one that it makes.
    synthesis : str
        Options for Yosys.
    routing : str
        Options for the program that routes, where few wires are left free: of a hard-wired
        engine, and of a large serial one.
    logic_cells, block_rams : tuple of str
        What the program that places counts for each.
    """

    place: str
    pack: str
    pll: type[PLL]
    packed_from: str
    bitstream: str
    synthesis: str
    routing: str
    logic_cells: tuple[str, ...]
    block_rams: tuple[str, ...]

    @property
    def tools(self) -> tuple[str, ...]:
        return "yosys", self.place, self.pack


FAMILIES = {
    "ice40": Family(
        place="nextpnr-ice40", pack="icepack", pll=ICE40PLL,
        packed_from="top.asc", bitstream="top.bin",
        # Flip-flops of one tile share their clock enable, so enables shut each other out. Without
        # them an iCE40 can be filled to 97 per cent; with them 86 was too much.
        synthesis="-nodffe",
        routing="",
        logic_cells=("ICESTORM_LC",), block_rams=("ICESTORM_RAM",)),
    "ecp5": Family(
        place="nextpnr-ecp5", pack="ecppack", pll=ECP5PLL,
        packed_from="top.config", bitstream="top.bit",
        # Wide functions double the tables of a popcount.
        synthesis="-nowidelut",
        # nextpnr's default, router1, gives one wire up after the other and gets nowhere. Of a large
        # serial engine it had an eighth done in the time of router2 for all.
        routing="--router router2",
        logic_cells=("TRELLIS_COMB",), block_rams=("DP16KD",)),
    "gowin": Family(
        place="nextpnr-himbaechel-gowin", pack="gowin_pack", pll=GowinPLL,
        packed_from=PLACED, bitstream="top.fs",
        synthesis="-nowidelut",
        routing="",
        logic_cells=("LUT4", "ALU"), block_rams=("BSRAM",)),
}
