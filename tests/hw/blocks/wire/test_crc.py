# amaranth: UnusedElaboratable=no
"""A CRC made bit by bit is the one that golden computes."""

import numpy as np
import pytest
from amaranth.lib.crc.catalog import CRC8_AUTOSAR, CRC16_IBM_SDLC, CRC32_ISO_HDLC

from hw.blocks.wire.crc import SerialCRC
from sw.golden import frame
from tests.streams import simulate


@pytest.mark.parametrize("algorithm, golden", [
    (CRC16_IBM_SDLC, frame.fcs16), (CRC32_ISO_HDLC, frame.fcs32)], ids=["fcs16", "fcs32"])
@pytest.mark.parametrize("message", [b"", b"\0", b"\xff", b"123456789", bytes(range(40))], ids=len)
def test_equals_golden(algorithm, golden, message):
    dut = SerialCRC(algorithm)
    made = []

    async def bench(ctx):
        for _ in range(2):    # What came before is forgotten.
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.valid, 1)
            for bit in np.unpackbits(np.frombuffer(message, np.uint8), bitorder="little"):
                ctx.set(dut.data, int(bit))
                await ctx.tick()
            ctx.set(dut.valid, 0)
            await ctx.tick().repeat(3)
        ctx.set(dut.valid, 1)
        for _ in range(algorithm.crc_width):
            made.append(ctx.get(dut.first))
            ctx.set(dut.data, 1 - made[-1])
            await ctx.tick()

    simulate(dut, bench)
    assert np.packbits(made, bitorder="little").tobytes() == golden(message)


def test_refuses_what_is_not_reflected():
    with pytest.raises(ValueError, match=r"^A serial CRC must reflect input and output, which "):
        SerialCRC(CRC8_AUTOSAR)
