"""The accelerator on a board's pins and clock."""

from dataclasses import dataclass

from amaranth import ClockDomain, ClockSignal, Elaboratable, Module, Signal
from amaranth.build import Clock, Pins, PinsN, Resource, Subsignal
from amaranth.lib import io, wiring
from amaranth.lib.cdc import ResetSynchronizer

from hw.accelerator import Attached
from hw.blocks.pll import PLL
from hw.blocks.wire import spi, uart
from sw.golden import frame

__all__ = ["Link", "Spi", "Top", "Uart"]


@dataclass(frozen=True)
class Uart:
    """A UART at the pins that the board has for one; a bit lasts ``divisor`` cycles."""

    divisor: int

    def connect(self, m: Module, platform, accelerator: Attached) -> None:
        """Put the accelerator behind the pins."""
        pins = platform.request("uart", 0, dir="-")
        m.submodules.rx = rx = io.Buffer("i", pins.rx)
        m.submodules.tx = tx = io.Buffer("o", pins.tx)
        m.submodules.receiver = receiver = uart.Receiver(divisor=self.divisor)
        m.submodules.transmitter = transmitter = uart.Transmitter(divisor=self.divisor)
        m.submodules.accelerator = accelerator
        m.d.comb += [receiver.rx.eq(rx.i), tx.o.eq(transmitter.tx)]
        wiring.connect(m, receiver.bytes, accelerator.rx)
        wiring.connect(m, accelerator.tx, transmitter.bytes)


@dataclass(frozen=True)
class Spi:
    """SPI at a connector: pins 1 to 4 are select, data in, data out and a clock of so many hertz.

    As many bytes can wait as there is ``room`` for. Between answers there are flags, which say
    nothing, and a controller that has nothing to ask sends them too.
    """

    connector: tuple[str, int]
    clock: int
    room: int

    def connect(self, m: Module, platform, accelerator: Attached) -> None:
        """Put the accelerator behind the pins."""
        at = {"conn": self.connector}
        platform.add_resources([Resource(
            "spi_link", 0, Subsignal("cs", PinsN("1", dir="i", **at)),
            Subsignal("copi", Pins("2", dir="i", **at)),
            Subsignal("cipo", Pins("3", dir="oe", **at)),
            Subsignal("clk", Pins("4", dir="i", **at), Clock(self.clock)))])
        pins = platform.request("spi_link", 0, dir={"cs": "-", "copi": "-", "cipo": "-",
                                                    "clk": "-"})
        m.submodules.spi = port = spi.Peripheral(idle=frame.FLAG, room=self.room)
        for name in ("cs", "copi", "clk"):
            m.submodules[name] = buffer = io.Buffer("i", getattr(pins, name))
            m.d.comb += getattr(port, name).eq(buffer.i)
        m.submodules.cipo = out = io.Buffer("o", pins.cipo)
        m.submodules.accelerator = accelerator
        m.d.comb += [out.o.eq(port.cipo), out.oe.eq(port.cs)]
        wiring.connect(m, port.bytes, accelerator.rx)
        wiring.connect(m, accelerator.tx, port.answers)


Link = Uart | Spi


class Top(Elaboratable):
    """Accelerator, link and clock of one board.

    Parameters
    ----------
    accelerator : :class:`~hw.accelerator.Attached`
        What answers.
    pll : :class:`~hw.blocks.pll.PLL`
        What makes its clock of the board's oscillator.
    link : :class:`Uart` or :class:`Spi`
        What carries its bytes.
    clock_is_beside_pll : bool
        The oscillator's pin belongs to the PLL, so that nothing else can be clocked by it. The PLL
        is then a :class:`~hw.blocks.pll.ICE40PLL`.
    """

    def __init__(self, accelerator: Attached, *, pll: PLL, link: Link,
                 clock_is_beside_pll: bool):
        self.accelerator = accelerator
        self.pll = pll
        self.link = link
        self.clock_is_beside_pll = clock_is_beside_pll

    def elaborate(self, platform):
        m = Module()
        self._make_clock(m, platform)
        self.link.connect(m, platform, self.accelerator)
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
