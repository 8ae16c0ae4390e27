"""What one end sends, the other receives."""

import pytest
from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.blocks.wire.uart import Receiver, Transmitter, divisor
from tests.streams import PACES, run

BYTES = [0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80, 0x7E]


class Loop(wiring.Component):
    """A transmitter wired to a receiver."""

    x: In(stream.Signature(8))
    y: Out(stream.Signature(8))

    def __init__(self, cycles):
        self.cycles = cycles
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.transmitter = transmitter = Transmitter(divisor=self.cycles)
        m.submodules.receiver = receiver = Receiver(divisor=self.cycles)
        wiring.connect(m, wiring.flipped(self.x), transmitter.bytes)
        wiring.connect(m, receiver.bytes, wiring.flipped(self.y))
        m.d.comb += receiver.rx.eq(transmitter.tx)
        return m


@pytest.mark.parametrize("cycles", [4, 5, 32])
@pytest.mark.parametrize("pace", [pace for pace in PACES if "stalls" not in pace], ids=str)
def test_bytes_arrive(cycles, pace):
    dut = Loop(cycles)
    assert run(dut, dut.x, dut.y, BYTES, len(BYTES), **pace) == BYTES


@pytest.mark.parametrize("clock, baud, cycles", [
    (12e6, 115_200, 104), (96e6, 3_000_000, 32), (12e6, 3_000_000, 4), (100.5e6, 3_000_000, 34)])
def test_divisor(clock, baud, cycles):
    assert divisor(clock, baud) == cycles


@pytest.mark.parametrize("clock, baud", [(12e6, 4_000_000), (13.5e6, 3_000_000)])
def test_divisor_refuses_what_would_drift(clock, baud):
    with pytest.raises(ValueError, match=rf"^A clock of {clock / 1e6:g} MHz cannot make {baud} "):
        divisor(clock, baud)
