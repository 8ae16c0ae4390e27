"""Bytes over SPI, whatever the two clocks, and with selects that break bytes off."""

import random

import pytest
from amaranth.sim import Simulator

from hw.blocks.wire.spi import Peripheral
from tests.spi import shift

IDLE, DEPTH = 0x7E, 8


def exchange(spi_period, bursts, answers, *, slow=False):
    """Send bursts of bytes, each with a select of its own; return what came in and what came back.

    Periods are in cycles of the peripheral's clock. With ``slow`` nobody takes what comes in.
    """
    dut, got, back = Peripheral(idle=IDLE, room=DEPTH), [], []

    async def controller(ctx):
        await ctx.delay(10.3)
        for burst in bursts:
            ctx.set(dut.cs, 1)
            for byte, n_bits in burst:
                heard = await shift(ctx, dut, spi_period, byte, n_bits)
                if n_bits == 8:
                    back.append(heard)
            await ctx.delay(spi_period / 2)
            ctx.set(dut.cs, 0)
            await ctx.delay(spi_period)
        await ctx.delay(20)
        if slow:
            ctx.set(dut.bytes.ready, 1)
            await ctx.delay(DEPTH + 20)

    async def take(ctx):
        ctx.set(dut.bytes.ready, not slow)
        async for _, _, valid, ready, payload in ctx.tick().sample(
                dut.bytes.valid, dut.bytes.ready, dut.bytes.payload):
            if valid and ready:
                got.append(payload)

    async def give(ctx):
        for byte in answers:
            ctx.set(dut.answers.payload, byte)
            ctx.set(dut.answers.valid, 1)
            await ctx.tick().until(dut.answers.ready)
        ctx.set(dut.answers.valid, 0)

    simulator = Simulator(dut)
    simulator.add_clock(1)
    simulator.add_testbench(controller)
    simulator.add_testbench(take, background=True)
    simulator.add_testbench(give, background=True)
    simulator.run()
    return got, back


@pytest.mark.parametrize("period", [0.57, 0.77, 1.01, 2, 3.3, 5, 40])    # 5: 24 MHz at 120 MHz.
def test_bytes_of_both_directions(period):
    draw = random.Random(f"{period}")
    sent = [draw.randrange(256) for _ in range(40)]
    answers = [draw.randrange(256) for _ in range(30)]
    bursts = [[(byte, 8) for byte in part] for part in (sent[:1], sent[1:3], sent[3:])]
    got, back = exchange(period, bursts, answers)
    assert got == sent
    # The first byte was held before there was one to send.
    assert back == [IDLE, *answers, *[IDLE] * 9]


@pytest.mark.parametrize("n_bits", range(1, 8))
def test_a_byte_that_is_broken_off_is_lost(n_bits):
    got, back = exchange(5, [[(0xA5, 8), (0xFF, n_bits)], [(0x3C, 8), (0x81, 8)]], [1, 2, 3, 4])
    assert got == [0xA5, 0x3C, 0x81]
    assert back == [IDLE, *([2, 3])]    # The answer 1 went with it.


def test_what_finds_no_room_is_dropped():
    sent = [number % 251 for number in range(DEPTH + 40)]
    got, _ = exchange(1, [[(byte, 8) for byte in sent]], [], slow=True)
    assert got == sent[:len(got)] and len(got) == DEPTH
