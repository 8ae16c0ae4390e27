"""An accelerator behind the wires of a link, for who simulates a board without its pins."""

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.accelerator import Attached
from hw.blocks.wire import spi, uart
from sw.golden import frame

__all__ = ["OverSpi", "OverUart"]


class OverUart(wiring.Component):
    """An accelerator behind a UART, whose bit lasts ``divisor`` cycles.

    Members
    -------
    rx : ``In(1)``
        The line to it, not synchronous to anything.
    tx : ``Out(1)``
        The line from it; both are 1 while idle.
    """

    rx: In(1, init=1)
    tx: Out(1, init=1)

    def __init__(self, accelerator: Attached, divisor: int):
        self.accelerator, self.divisor = accelerator, divisor
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = uart.Receiver(divisor=self.divisor)
        m.submodules.transmitter = transmitter = uart.Transmitter(divisor=self.divisor)
        m.submodules.accelerator = self.accelerator
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        wiring.connect(m, receiver.bytes, self.accelerator.rx)
        wiring.connect(m, self.accelerator.tx, transmitter.bytes)
        return m


class OverSpi(wiring.Component):
    """An accelerator behind SPI, where as many bytes can wait as there is ``room`` for.

    Members
    -------
    cs : ``In(1)``
        Select, active low.
    sck, copi, cipo : ``In(1)``, ``In(1)``, ``Out(1)``
        Clock and data, see :class:`~hw.blocks.wire.spi.Peripheral`.
    """

    cs: In(1, init=1)
    sck: In(1)
    copi: In(1)
    cipo: Out(1)

    def __init__(self, accelerator: Attached, room: int):
        self.accelerator, self.room = accelerator, room
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.spi = port = spi.Peripheral(idle=frame.FLAG, room=self.room)
        m.submodules.accelerator = self.accelerator
        m.d.comb += [port.cs.eq(~self.cs), port.clk.eq(self.sck), port.copi.eq(self.copi),
                     self.cipo.eq(port.cipo)]
        wiring.connect(m, port.bytes, self.accelerator.rx)
        wiring.connect(m, self.accelerator.tx, port.answers)
        return m
