"""Requests back to back over UART and SPI, at the fastest speeds of the link: all are answered."""

from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.sim import Simulator

from hw.accelerator import Accelerator
from hw.plan import folding
from hw.wired import OverSpi, OverUart
from sw.golden import forward, frame
from sw.golden.network import random_network
from tests.spi import shift


def cycles(network, divisor, codes, off):
    """Send a request after the other; return the answers, and the cycles to the end of the last."""
    dut = OverUart(Accelerator(network, folding.default(network.shape)), divisor)
    requests = b"".join(frame.request(number % 128, code) for number, code in enumerate(codes))
    wanted = b"".join(frame.answer(number % 128, forward.classify(network, code))
                      for number, code in enumerate(codes))
    got, ends = bytearray(), []

    async def send(ctx):
        late = 0.0
        for byte in requests:
            for bit in [0, *(byte >> at & 1 for at in range(8)), 1]:
                ctx.set(dut.rx, bit)
                late += divisor * (1 + off)
                await ctx.tick().repeat(int(late))
                late -= int(late)

    async def listen(ctx):
        while len(got) < len(wanted):
            await ctx.tick().until(dut.tx == 0)
            await ctx.tick().repeat(divisor // 2)
            byte = 0
            for at in range(8):
                await ctx.tick().repeat(divisor)
                byte |= ctx.get(dut.tx) << at
            await ctx.tick().repeat(divisor)
            got.append(byte)
        ends.append(True)

    async def count(ctx):
        limit = 3 * 10 * divisor * len(requests)
        for number in range(limit):
            await ctx.tick()
            if ends:
                ends.append(number)
                return
        raise AssertionError(f"{len(got)} of {len(wanted)} bytes came")

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send, background=True)
    simulator.add_testbench(listen, background=True)
    simulator.add_testbench(count)
    simulator.run()
    return bytes(got), wanted, ends[1], len(requests)


# 10 cycles: 12 MBd of an icestick at 120 MHz.
@pytest.mark.parametrize("divisor, off", [(4, 0), (10, -0.02)], ids=["4, exact", "10, fast"])
def test_no_request_waits(divisor, off):
    network = random_network((30, 6, 3), seed=1)
    codes = np.random.default_rng(divisor).integers(0, 2, (6, 30), np.uint8)
    codes[:2] = [[0], [1]]
    got, wanted, taken, sent = cycles(network, divisor, codes, off)
    assert got == wanted
    # The wire is never idle: what is above is the last answer.
    assert taken < 10 * divisor * (1 + max(off, 0)) * (sent + 20)


def exchange(network, period, codes):
    """Send a request after the other, then flags; return what came back, and what should have.

    ``period`` is that of SPI's clock, in cycles of the accelerator's.
    """
    dut = OverSpi(Accelerator(network, folding.default(network.shape)), room=8)
    wires, back = SimpleNamespace(clk=dut.sck, copi=dut.copi, cipo=dut.cipo), bytearray()
    requests = b"".join(frame.request(number % 128, code) for number, code in enumerate(codes))

    async def controller(ctx):
        ctx.set(dut.cs, 0)
        await ctx.delay(5.3)
        for byte in requests + bytes([frame.FLAG] * 30):
            back.append(await shift(ctx, wires, period, byte))

    simulator = Simulator(dut)
    simulator.add_clock(1)
    simulator.add_testbench(controller)
    simulator.run()
    got = list(frame.Unwrapper(frame.fcs16).feed(bytes(back)))
    return got, [bytes([number % 128, forward.classify(network, code)])
                 for number, code in enumerate(codes)]


@pytest.mark.parametrize("period", [2.5, 5])    # 5: 24 MHz at 120 MHz.
def test_no_request_over_spi_waits(period):
    network = random_network((30, 6, 3), seed=1)
    codes = np.random.default_rng(2).integers(0, 2, (8, 30), np.uint8)
    codes[:2] = [[0], [1]]
    got, wanted = exchange(network, period, codes)
    assert got == wanted
