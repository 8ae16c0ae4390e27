"""What a bitstream needs that differs from one family of FPGAs to the next."""

from dataclasses import dataclass

from hw.pll import ECP5PLL, ICE40PLL, PLL, GowinPLL

__all__ = ["FAMILIES", "Family"]


@dataclass(frozen=True)
class Family:
    """Tools, clock generator and the words of the tools for one family.

    Attributes
    ----------
    place : str
        The program that places and routes.
    pack : str
        The program that makes the bitstream of that.
    pll : type of :class:`~hw.pll.PLL`
        Clock generator.
    bitstream : str
        Name of the file that is made.
    synthesis : str
        Options for Yosys.
    logic_cells, block_rams : tuple of str
        What the program that places counts for each.
    """

    place: str
    pack: str
    pll: type[PLL]
    bitstream: str
    synthesis: str
    logic_cells: tuple[str, ...]
    block_rams: tuple[str, ...]

    @property
    def tools(self) -> tuple[str, ...]:
        return "yosys", self.place, self.pack


FAMILIES = {
    "ice40": Family(
        place="nextpnr-ice40", pack="icepack", pll=ICE40PLL, bitstream="top.bin",
        # Flip-flops of one tile share their clock enable, so enables shut each other out. Without
        # them an iCE40 can be filled to 97 per cent; with them 86 was too much.
        synthesis="-nodffe",
        logic_cells=("ICESTORM_LC",), block_rams=("ICESTORM_RAM",)),
    "ecp5": Family(
        place="nextpnr-ecp5", pack="ecppack", pll=ECP5PLL, bitstream="top.bit",
        # Wide functions double the tables of a popcount.
        synthesis="-nowidelut",
        logic_cells=("TRELLIS_COMB",), block_rams=("DP16KD",)),
    "gowin": Family(
        place="nextpnr-himbaechel-gowin", pack="gowin_pack", pll=GowinPLL, bitstream="top.fs",
        synthesis="-nowidelut",
        logic_cells=("LUT4", "ALU"), block_rams=("BSRAM",)),
}
