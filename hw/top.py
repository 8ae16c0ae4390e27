"""The accelerator on a board's pins and clock."""

from amaranth import ClockDomain, ClockSignal, Elaboratable, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.cdc import ResetSynchronizer

from hw.accelerator import Accelerator
from hw.blocks import uart
from hw.blocks.pll import PLL

__all__ = ["Top"]


class Top(Elaboratable):
    """Accelerator, UART and clock of one board.

    Parameters
    ----------
    accelerator : :class:`~hw.accelerator.Accelerator`
        What answers.
    pll : :class:`~hw.blocks.pll.PLL`
        What makes its clock of the board's oscillator.
    divisor : int
        Cycles a bit lasts on the link, :func:`hw.blocks.uart.divisor`.
    clock_is_beside_pll : bool
        The oscillator's pin belongs to the PLL, so that nothing else can be clocked by it. The PLL
        is then a :class:`~hw.blocks.pll.ICE40PLL`.
    """

    def __init__(self, accelerator: Accelerator, *, pll: PLL, divisor: int,
                 clock_is_beside_pll: bool):
        self.accelerator = accelerator
        self.pll = pll
        self.divisor = divisor
        self.clock_is_beside_pll = clock_is_beside_pll

    def elaborate(self, platform):
        m = Module()
        self._make_clock(m, platform)

        pins = platform.request("uart", 0, dir="-")
        m.submodules.rx = rx = io.Buffer("i", pins.rx)
        m.submodules.tx = tx = io.Buffer("o", pins.tx)
        m.submodules.receiver = receiver = uart.Receiver(divisor=self.divisor)
        m.submodules.transmitter = transmitter = uart.Transmitter(divisor=self.divisor)
        m.submodules.accelerator = self.accelerator
        m.d.comb += [receiver.rx.eq(rx.i), tx.o.eq(transmitter.tx)]
        wiring.connect(m, receiver.bytes, self.accelerator.rx)
        wiring.connect(m, self.accelerator.tx, transmitter.bytes)
        return m

    def _make_clock(self, m, platform):
        clock, locked = Signal(name="clock"), Signal(name="locked")
        oscillator = platform.request(platform.default_clk, dir="-")
        if self.clock_is_beside_pll:
            m.submodules.pll = self.pll.from_pad(port=oscillator, output=clock, locked=locked)
            slow, slow_frequency = clock, self.pll.output
        else:
            m.submodules.oscillator = buffer = io.Buffer("i", oscillator)
            m.submodules.pll = self.pll.from_fabric(
                reference=buffer.i, output=clock, locked=locked)
            slow, slow_frequency = buffer.i, self.pll.reference
        # nextpnr derives the constraint of the PLL's output from that of the oscillator.

        # Block RAMs read as zero for some 3 us after configuration (icestorm issue 76); count to
        # three times that, at least.
        m.domains.por = por = ClockDomain(reset_less=True, local=True)
        timer = Signal(int(10e-6 * slow_frequency).bit_length() + 1)
        awake = timer[-1]
        m.d.comb += por.clk.eq(slow)
        # Written as a sum alone: one flip-flop of a carry chain with an enable or a set of its own
        # would shut the others out of its tile, and nextpnr finds no place for such a chain.
        m.d.por += timer.eq(timer + ~awake)

        # An asynchronous reset costs no logic.
        m.domains.sync = ClockDomain(async_reset=True)
        m.d.comb += ClockSignal().eq(clock)
        m.submodules.reset = ResetSynchronizer(~(awake & locked))
