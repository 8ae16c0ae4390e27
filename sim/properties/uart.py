"""Bytes on a wire: what a transmitter sends, a receiver gives, at their own or another's clock."""

from itertools import pairwise

from amaranth import Array, Cat, Const, Mux, Signal

from hw.blocks.wire.uart import Receiver, Transmitter
from sim.properties.circuit import Bench

__all__ = ["frames", "received"]


def frames(divisor: int) -> Bench:
    """A transmitter makes ten bits of each byte it takes, each as long as the divisor says."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = Transmitter(divisor=divisor)
    m.d.comb += [design.bytes.payload.eq(bench.any("byte", 8)),
                 design.bytes.valid.eq(bench.any("valid", 1))]
    frame, age = Signal(10, init=0x3FF), Signal(range(10 * divisor + 1), init=10 * divisor)
    ends = age >= 10 * divisor
    with m.If(design.bytes.valid & design.bytes.ready):
        m.d.sync += [frame.eq(Cat(Const(0, 1), design.bytes.payload, Const(1, 1))), age.eq(0)]
    with m.Elif(~ends):
        m.d.sync += age.eq(age + 1)
    line = Array([Const(1, 1), *(frame[bit] for bit in range(10) for _ in range(divisor))])[age]
    bench.claims = {
        "the line is start bit, data bits and stop bit of each byte, else 1": design.tx == line,
        "a byte is taken once the one before it is sent": design.bytes.ready == ends,
        "the specification stays within its bounds": (age <= 10 * divisor) & frame[9]}
    left = Array(frame >> -(-each // divisor) for each in range(10 * divisor + 1))[age]
    timer = Array(Const(-each % divisor, 8) for each in range(10 * divisor + 1))[age]
    bench.hints = [*left, *timer, line]
    return bench


def received(divisor: int, drift: float) -> Bench:
    """A receiver gives each of two bytes, of which the second follows at once.

    The sender's bits are longer than the receiver's by the share ``drift``.
    """
    bench = Bench()
    m = bench.module
    m.submodules.design = design = Receiver(divisor=divisor)
    m.d.comb += design.bytes.ready.eq(1)
    first, second = bench.once("first", 8), bench.once("second", 8)
    one, zero = Const(1, 1), Const(0, 1)
    levels = [level for byte in (first, second) for level in (zero, *byte, one)]
    edges = [round(at * divisor * (1 + drift)) for at in range(len(levels) + 1)]
    bits = [level for level, (begin, end) in zip(levels, pairwise(edges))
            for _ in range(begin, end)]
    age, got = Signal(range(len(bits) + 1)), Signal(2)
    with m.If(age != len(bits)):
        m.d.sync += age.eq(age + 1)
    m.d.comb += design.rx.eq(Array([*bits, one])[age])
    with m.If(design.bytes.valid):
        m.d.sync += got.eq(got + 1)
    late = bench.delayed(age == len(bits), divisor)
    bench.claims = {
        "a byte that is received was sent":
            ~design.bytes.valid | ((got < 2) & (design.bytes.payload == Mux(got, second, first))),
        "a byte that was sent is received": ~late | (got == 2),
    }
    return bench
