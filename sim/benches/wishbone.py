"""Runs inside the simulator: a small CPU's accesses to a core behind a Wishbone bus."""

import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

from sim.streams import hurry
from sw.golden import bits, fast
from sw.golden.codes import load_codes
from sw.golden.network import Network

NETWORK = Network.load(Path(os.environ["NETWORK"]))
CODES, _ = load_codes(Path(os.environ["CODES"]))
DATA, STATUS, ANSWER, CONTROL = range(4)
READY, VALID = 1, 2


async def access(dut, adr, word=None):
    dut.cyc_i.value = dut.stb_i.value = 1
    dut.we_i.value = word is not None
    dut.adr_i.value, dut.dat_i.value = adr, word or 0
    while True:
        await RisingEdge(dut.clk_i)
        await ReadOnly()
        if dut.ack_o.value:
            break
    read = int(dut.dat_o.value)
    await RisingEdge(dut.clk_i)
    dut.cyc_i.value = dut.stb_i.value = 0
    return read


async def classify(dut, code):
    packet = bits.to_bytes(code)
    for at in range(0, len(packet), 4):
        while not await access(dut, STATUS) & READY:
            pass
        await access(dut, DATA, int.from_bytes(packet[at:at + 4], "little"))
    while not await access(dut, STATUS) & VALID:
        pass
    return await access(dut, ANSWER)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def equals_golden(dut):
    """After the reset of the module, and after one in the middle of an input."""
    hurry()
    dut.cyc_i.value = dut.stb_i.value = 0
    dut.rst_i.value = 1
    Clock(dut.clk_i, 10, unit="ns").start()
    for _ in range(3):
        await RisingEdge(dut.clk_i)
    dut.rst_i.value = 0
    assert await access(dut, STATUS) == READY
    await classify(dut, CODES[0])
    await access(dut, DATA, 0)
    await access(dut, CONTROL, 1)
    read = [await classify(dut, code) for code in CODES]
    assert read == fast.classify_all(NETWORK, CODES).tolist()
