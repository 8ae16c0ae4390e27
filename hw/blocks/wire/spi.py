"""Byte streams on four wires: SPI in mode 0, most significant bit first, driven by the other side.
"""

from itertools import pairwise

from amaranth import Cat, ClockDomain, ClockSignal, Module, Mux, ResetSignal, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["Peripheral", "keeps_up"]


def keeps_up(clock: float, spi: float) -> bool:
    """Return whether a peripheral of a ``clock`` in hertz follows a controller of SPI.

    What is held changes up to four cycles after it was taken, and is shown seven cycles of SPI
    later, so 4 / 7 of SPI's clock would do. A build tells the two clocks apart by which is faster.

    >>> keeps_up(36e6, 24e6), keeps_up(24e6, 24e6)
    (True, False)
    """
    return clock > spi


class Peripheral(wiring.Component):
    """Receive and send bytes, one for each that the controller sends.

    ``clk`` is a clock of its own, see :func:`keeps_up`. Where there is no byte to send, ``idle`` is
    sent. A byte that comes while ``room`` wait is dropped: frames have a check.

    Parameters
    ----------
    idle : int
        The byte that says nothing.
    room : int
        Bytes that can wait; they lie in registers.

    Members
    -------
    clk, cs, copi : ``In(1)``
        Clock, select (1 while selected) and the controller's data. Bits are taken where ``clk``
        rises. Bytes begin anew where ``cs`` rises; one that is broken off is lost.
    cipo : ``Out(1)``
        Changes where ``clk`` falls; valid for the first bit as long as ``cs`` is 1.
    bytes : ``Out(stream.Signature(8))``
        Bytes received.
    answers : ``In(stream.Signature(8))``
        Bytes to send; each is taken some cycles before its first bit, at the latest one byte.
    """

    def __init__(self, *, idle: int, room: int):
        self.idle = idle
        self.room = room
        super().__init__({"clk": In(1), "cs": In(1), "copi": In(1), "cipo": Out(1),
                          "bytes": Out(stream.Signature(8)), "answers": In(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        # Two edges of one clock. Without select no bit is under way; what was handed over stays.
        for name, edge in ("rise", "pos"), ("fall", "neg"):
            m.domains += [ClockDomain(name, clk_edge=edge, async_reset=True, local=True),
                          ClockDomain(f"{name}_kept", clk_edge=edge, reset_less=True, local=True)]
            m.d.comb += [ClockSignal(name).eq(self.clk), ClockSignal(f"{name}_kept").eq(self.clk),
                         ResetSignal(name).eq(~self.cs)]
        count = Signal(3)
        m.d.rise += count.eq(count + 1)
        self._receive(m, count)
        self._send(m, count)
        return m

    def _receive(self, m, count):
        """Hand each eighth bit over with those before it: they stay for eight cycles of ``clk``."""
        bits = Signal(7)
        byte, done = Signal(8), Signal()
        m.d.rise += bits.eq(Cat(self.copi, bits))
        with m.If(count == 7):
            m.d.rise_kept += [byte.eq(Cat(self.copi, bits)), done.eq(~done)]
        came = _changed(m, done, "received")
        # A chain of registers: an iCE40 has no small memories, and block RAMs are scarce. A byte
        # moves on where the next place is free, or becomes it.
        slots = [(byte, came), *((Signal(8, name=f"slot_{at}"), Signal(name=f"full_{at}"))
                                 for at in range(self.room))]
        free = self.bytes.ready
        for (before, waits), (slot, full) in reversed(list(pairwise(slots))):
            moves = ~full | free
            with m.If(moves):
                m.d.sync += [slot.eq(before), full.eq(waits)]
            free = moves
        m.d.comb += [self.bytes.payload.eq(slots[-1][0]), self.bytes.valid.eq(slots[-1][1])]

    def _send(self, m, count):
        """Show the first bit of what is held, take the others where ``clk`` falls, hold the next.

        What is held changes within four cycles after it was taken, seven cycles of ``clk`` before
        it is shown.
        """
        held = Signal(8, init=self.idle)
        bits, sending, taken = Signal(7), Signal(), Signal()
        m.d.fall += [bits.eq(bits << 1), sending.eq(count != 0)]
        with m.If(count == 1):
            m.d.fall += bits.eq(held)
            m.d.fall_kept += taken.eq(~taken)
        m.d.comb += self.cipo.eq(Mux(sending, bits[-1], held[-1]))
        with m.If(_changed(m, taken, "sent")):
            m.d.comb += self.answers.ready.eq(1)
            m.d.sync += held.eq(Mux(self.answers.valid, self.answers.payload, self.idle))


def _changed(m, toggle, name):
    """Return a pulse of this domain for each change of a signal of another."""
    here, before = Signal(name=f"{name}_here"), Signal(name=f"{name}_before")
    m.submodules[name] = FFSynchronizer(toggle, here)
    m.d.sync += before.eq(here)
    return here != before
