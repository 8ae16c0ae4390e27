"""Checks of frames, a bit at a time."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.crc import Algorithm
from amaranth.lib.wiring import In, Out

__all__ = ["SerialCRC"]


class SerialCRC(wiring.Component):
    """Compute a CRC of a stream of bits, in one 4-input lookup table for each of its own.

    What :class:`amaranth.lib.crc.Processor` takes half as much again for: a bit is kept, shifted,
    shifted and flipped, or set, and which of these is told to all by the same two wires.

    Parameters
    ----------
    algorithm : :class:`amaranth.lib.crc.Algorithm`
        One that reflects input and output, as those for serial lines do.

    Members
    -------
    start : ``In(1)``
        Forget what came before.
    valid : ``In(1)``
        ``data`` is the next bit. Not together with ``start``.
    data : ``In(1)``
        The bit.
    first : ``Out(1)``
        Bit 0 of the CRC so far. Fed back as data, inverted, it makes the others follow.
    """

    def __init__(self, algorithm: Algorithm):
        if not (algorithm.reflect_input and algorithm.reflect_output):
            raise ValueError(f"A serial CRC must reflect input and output, which {algorithm!r} "
                             "does not")
        self.algorithm = algorithm
        super().__init__({"start": In(1), "valid": In(1), "data": In(1), "first": Out(1)})

    def elaborate(self, platform):
        m = Module()
        width = self.algorithm.crc_width
        initial, taps = (int(f"{value:0{width}b}"[::-1], 2)
                         for value in (self.algorithm.initial_crc, self.algorithm.polynomial))
        state = Signal(width, init=initial)

        flips = Signal()
        m.d.comb += [
            self.first.eq(state[0] ^ (self.algorithm.xor_output & 1)),
            # Without a shift it means: set.
            flips.eq(Mux(self.valid, state[0] ^ self.data, self.start)),
        ]
        shifted = Cat(state[1:], 0)
        m.d.sync += state.eq(Mux(
            self.valid, Mux(flips, shifted ^ taps, shifted), Mux(flips, initial, state)))
        return m
