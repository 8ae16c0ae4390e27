"""Clocks made of other clocks: which settings, and the primitive that holds them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from amaranth import Instance

__all__ = ["ECP5PLL", "ICE40PLL", "PLL", "GowinPLL"]


@dataclass(frozen=True)
class PLL(ABC):
    """Settings of a clock generator.

    Attributes
    ----------
    reference : float
        Frequency that comes in, in hertz.
    """

    reference: float

    @classmethod
    def at_most(cls, reference: float, output: float) -> "PLL":
        """Find the settings with the highest output that is not above ``output`` hertz.

        Raises :exc:`ValueError` where all are.
        """
        settings = cls.settings(reference)
        # A millihertz forgives a target like 100.5e6 that was computed.
        possible = [each for each in settings if each.output <= output + 1e-3]
        if not possible:
            raise ValueError(f"The PLL makes {min(each.output for each in settings) / 1e6:g} "
                             f"MHz or more from {reference / 1e6:g} MHz, not {output / 1e6:g} MHz")
        return max(possible, key=lambda each: each.output)

    @classmethod
    @abstractmethod
    def settings(cls, reference: float) -> list["PLL"]:
        """List what keeps the limits of the data sheet."""

    @property
    @abstractmethod
    def output(self) -> float:
        """Frequency that goes out, in hertz."""

    @abstractmethod
    def from_fabric(self, *, reference, output, locked) -> Instance:
        """Make the primitive that takes its reference from a signal."""


@dataclass(frozen=True)
class ICE40PLL(PLL):
    """PLL of an iCE40 (Lattice FPGA-TN-02052).

    ``output = reference * (divf + 1) / 2 ** divq`` up to 275 MHz, with the oscillator between 533
    and 1066 MHz.

    Attributes
    ----------
    divf : int
        Feedback divider, 0 to 127.
    divq : int
        Output divider, 1 to 6.
    """

    divf: int
    divq: int

    @classmethod
    def settings(cls, reference):
        return [cls(reference, divf, divq) for divf in range(128) for divq in range(1, 7)
                if 533e6 <= reference * (divf + 1) <= min(1066e6, 275e6 * 2 ** divq)]

    @property
    def output(self) -> float:
        return self.reference * (self.divf + 1) / 2 ** self.divq

    def from_fabric(self, *, reference, output, locked) -> Instance:
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


@dataclass(frozen=True)
class ECP5PLL(PLL):
    """PLL of an ECP5 (Lattice FPGA-TN-02200), fed back from its output.

    ``output = reference * feedback / divider`` up to 400 MHz; the oscillator, ``post`` times as
    fast, runs between 400 and 800 MHz.

    Attributes
    ----------
    divider, feedback : int
        Dividers of what the phase detector compares, at 10 MHz or more.
    post : int
        Divider from oscillator to output.
    """

    divider: int
    feedback: int
    post: int

    @classmethod
    def settings(cls, reference):
        return [cls(reference, divider, feedback, post)
                for divider in range(1, int(reference / 10e6) + 1)
                for feedback in range(1, 81)
                # Of several, the fastest oscillator: it shakes least.
                for post in [int(800e6 * divider / (reference * feedback))]
                if 1 <= post <= 128 and 400e6 <= reference * feedback / divider * post
                and reference * feedback / divider <= 400e6]

    @property
    def output(self) -> float:
        return self.reference * self.feedback / self.divider

    def from_fabric(self, *, reference, output, locked) -> Instance:
        return Instance(
            "EHXPLLL",
            # What Lattice's tool writes for every setting of this kind.
            a_ICP_CURRENT="12", a_LPF_RESISTOR="8", a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2", a_FREQUENCY_PIN_CLKI=f"{self.reference / 1e6:g}",
            a_FREQUENCY_PIN_CLKOP=f"{self.output / 1e6:g}",
            p_CLKI_DIV=self.divider, p_CLKFB_DIV=self.feedback, p_CLKOP_DIV=self.post,
            p_CLKOP_CPHASE=self.post - 1, p_CLKOP_ENABLE="ENABLED", p_FEEDBK_PATH="CLKOP",
            i_CLKI=reference, i_CLKFB=output, i_RST=0, i_STDBY=0, i_PHASESEL0=0, i_PHASESEL1=0,
            i_PHASEDIR=1, i_PHASESTEP=1, i_PHASELOADREG=1, i_PLLWAKESYNC=0, i_ENCLKOP=0,
            o_CLKOP=output, o_LOCK=locked)


@dataclass(frozen=True)
class GowinPLL(PLL):
    """PLL of a Gowin GW1N of speed grade C6/I5 (Gowin UG286).

    ``output = reference * (fbdiv + 1) / (idiv + 1)``; the oscillator, ``odiv`` times as fast, runs
    between 400 and 1200 MHz.

    Attributes
    ----------
    idiv, fbdiv : int
        Dividers of what the phase detector compares, at 3 MHz or more; 0 to 63.
    odiv : int
        Divider from oscillator to output.
    """

    idiv: int
    fbdiv: int
    odiv: int

    @classmethod
    def settings(cls, reference):
        return [cls(reference, idiv, fbdiv, odiv)
                for idiv in range(int(reference / 3e6)) for fbdiv in range(64)
                for odiv in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
                if 400e6 <= reference * (fbdiv + 1) / (idiv + 1) * odiv <= 1200e6]

    @property
    def output(self) -> float:
        return self.reference * (self.fbdiv + 1) / (self.idiv + 1)

    def from_fabric(self, *, reference, output, locked) -> Instance:
        return Instance(
            "rPLL", p_FCLKIN=f"{self.reference / 1e6:g}", p_IDIV_SEL=self.idiv,
            p_FBDIV_SEL=self.fbdiv, p_ODIV_SEL=self.odiv,
            i_CLKIN=reference, i_CLKFB=0, i_RESET=0, i_RESET_P=0, i_FBDSEL=0, i_IDSEL=0,
            i_ODSEL=0, i_PSDA=0, i_DUTYDA=0, i_FDLY=0, o_CLKOUT=output, o_LOCK=locked)
