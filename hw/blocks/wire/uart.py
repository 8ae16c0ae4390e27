"""Byte streams on two wires: 8 data bits, no parity, 1 stop bit, least significant bit first."""

from amaranth import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["Receiver", "Transmitter", "divisor", "makes"]


def makes(clock: float, baud: int) -> bool:
    """Return whether a clock of so many hertz makes that speed, to a quarter of a bit in a byte."""
    cycles = round(clock / baud)
    return cycles >= 4 and abs(cycles * baud / clock - 1) * 10 <= 0.25


def divisor(clock: float, baud: int) -> int:
    """Return the cycles of ``clock`` hertz that one bit lasts, rounded.

    Raises :exc:`ValueError` where rounding makes a byte drift by more than a quarter of a bit.
    """
    cycles = round(clock / baud)
    if not makes(clock, baud):
        raise ValueError(f"A clock of {clock / 1e6:g} MHz cannot make {baud} baud: a bit would "
                         f"last {clock / baud:.2f} cycles, which must be 4 or more and near a "
                         "whole number")
    return cycles


class Transmitter(wiring.Component):
    """Send bytes.

    Parameters
    ----------
    divisor : int
        Cycles a bit lasts.

    Members
    -------
    bytes : ``In(stream.Signature(8))``
        A byte is taken when its start bit begins; the line is busy for ten bits.
    tx : ``Out(1)``
        The line; 1 while idle.
    """

    def __init__(self, *, divisor: int):
        self.divisor = divisor
        super().__init__({"bytes": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        timer = Signal(range(self.divisor))
        # What is still to be sent, then the stop bit, then zeros: the line is idle when none is
        # left but the stop bit's 1.
        bits = Signal(10)

        m.d.comb += self.bytes.ready.eq((bits == 0) & (timer == 0))
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(bits != 0):
            m.d.sync += [self.tx.eq(bits[0]), bits.eq(bits >> 1), timer.eq(self.divisor - 1)]
        with m.Elif(self.bytes.valid):
            m.d.sync += bits.eq(Cat(Const(0, 1), self.bytes.payload, Const(1, 1)))
        return m


class Receiver(wiring.Component):
    """Receive bytes.

    A byte whose stop bit is 0 is dropped, and so is one that comes while the byte before it still
    waits: frames have a check, so a lost byte costs a frame and no more.

    Parameters
    ----------
    divisor : int
        Cycles a bit lasts.

    Members
    -------
    rx : ``In(1)``
        The line, not synchronous to anything.
    bytes : ``Out(stream.Signature(8))``
        A byte is valid from the middle of its stop bit.
    """

    def __init__(self, *, divisor: int):
        self.divisor = divisor
        super().__init__({"rx": In(1, init=1), "bytes": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        rx = Signal(init=1)
        m.submodules += FFSynchronizer(self.rx, rx, init=1)

        timer, busy = Signal(range(self.divisor)), Signal()
        # Start bit and data shift in from the top; the mark before them ends up at the bottom.
        bits, mark = Signal(10), 1 << 9

        with m.If(self.bytes.ready):
            m.d.sync += self.bytes.valid.eq(0)

        with m.If(~busy):
            m.d.sync += [busy.eq(~rx), bits.eq(mark), timer.eq(self.divisor // 2 - 1)]
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += [bits.eq(Cat(bits[1:], rx)), timer.eq(self.divisor - 1)]
            with m.If((bits == mark) & rx):
                m.d.sync += busy.eq(0)  # A glitch, not a start bit.
            with m.If(bits[0]):
                m.d.sync += busy.eq(0)
                with m.If(rx & (~self.bytes.valid | self.bytes.ready)):
                    m.d.sync += [self.bytes.payload.eq(bits[2:]), self.bytes.valid.eq(1)]
        return m
