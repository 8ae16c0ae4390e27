"""Clocks made of other clocks: which settings, and the primitive that holds them."""

from dataclasses import dataclass

from amaranth import Instance

__all__ = ["ICE40PLL"]


@dataclass(frozen=True)
class ICE40PLL:
    """Settings of an iCE40's PLL (Lattice FPGA-TN-02052).

    ``output = reference * (divf + 1) / 2 ** divq``, with the oscillator between 533 and 1066 MHz.

    Attributes
    ----------
    reference : float
        Frequency that comes in, 10 to 133 MHz.
    divf : int
        Feedback divider, 0 to 127.
    divq : int
        Output divider, 1 to 6.
    """

    reference: float
    divf: int
    divq: int

    @classmethod
    def at_most(cls, reference: float, output: float) -> "ICE40PLL":
        """Find the settings with the highest output that is not above ``output`` hertz."""
        settings = [cls(reference, divf, divq) for divf in range(128) for divq in range(1, 7)
                    if 533e6 <= reference * (divf + 1) <= 1066e6]
        # A millihertz forgives a target like 100.5e6 that was computed.
        possible = [each for each in settings if each.output <= output + 1e-3]
        if not possible:
            raise ValueError(f"An iCE40 PLL makes {min(each.output for each in settings) / 1e6:g} "
                             f"MHz or more from {reference / 1e6:g} MHz, not {output / 1e6:g} MHz")
        return max(possible, key=lambda each: each.output)

    @property
    def output(self) -> float:
        """Frequency that goes out, in hertz."""
        return self.reference * (self.divf + 1) / 2 ** self.divq

    def from_fabric(self, *, reference, output, locked) -> Instance:
        """Make the primitive that takes its reference from a signal."""
        return self._instance("SB_PLL40_CORE", output, locked, i_REFERENCECLK=reference)

    def from_pad(self, *, port, output, locked) -> Instance:
        """Make the primitive that takes its reference from the pin beside it."""
        return self._instance("SB_PLL40_PAD", output, locked, io_PACKAGEPIN=port.io)

    def _instance(self, kind, output, locked, **reference) -> Instance:
        ranges = (17e6, 26e6, 44e6, 66e6, 101e6)
        return Instance(
            kind, p_FEEDBACK_PATH="SIMPLE", p_DIVR=0, p_DIVF=self.divf, p_DIVQ=self.divq,
            p_FILTER_RANGE=1 + sum(self.reference >= limit for limit in ranges), **reference,
            i_RESETB=1, i_BYPASS=0, o_PLLOUTGLOBAL=output, o_LOCK=locked)
