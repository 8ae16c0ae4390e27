"""Runs inside the simulator: a core between cocotbext-axi's source and sink."""

import itertools
import os
import random
import warnings
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from sim.streams import hurry
from sw.golden import bits, fast
from sw.golden.codes import load_codes
from sw.golden.network import Network

NETWORK = Network.load(Path(os.environ["NETWORK"]))
CODES, _ = load_codes(Path(os.environ["CODES"]))
SCORE_BYTES, LATENCY, PERIOD = (int(os.environ[name])
                                for name in ("SCORE_BYTES", "LATENCY", "PERIOD"))
CYCLE = 10    # Nanoseconds.
# cocotbext-axi is written for cocotb 1, and works with 2.
warnings.filterwarnings("ignore", category=DeprecationWarning, module="cocotbext")

# What fills up the last byte is rubbish.
PACKETS = [bits.to_bytes(code)[:-1] + bytes([
    bits.to_bytes(code)[-1] | 0xFF & ~(0xFF >> -NETWORK.n_in % 8)]) for code in CODES]
SCORES = fast.trace_all(NETWORK, CODES)[-1]
ANSWERS = [bytes([int(np.argmax(row))]) + b"".join(
    int(score).to_bytes(SCORE_BYTES, "little", signed=True) for score in row if SCORE_BYTES)
    for row in SCORES]


def pauses(seed: int, share: float):
    """Yield whether to pause, for so great a share of the cycles."""
    draw = random.Random(seed)
    while True:
        yield draw.random() < share


class Bench:
    """A source and a sink, which pause for a share of the cycles."""

    def __init__(self, dut, source: float = 0, sink: float = 0):
        hurry()
        self.dut = dut
        Clock(dut.clk, CYCLE, unit="ns").start()
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "pixels"), dut.clk, dut.rst)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "labels"), dut.clk, dut.rst)
        self.source.set_pause_generator(pauses(1, source))
        self.sink.set_pause_generator(pauses(2, sink))

    async def reset(self, cycles: int = 2):
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, cycles)
        self.dut.rst.value = 0
        await RisingEdge(self.dut.clk)
        self.errors = int(self.dut.errors.value)

    async def send(self, packets) -> None:
        for packet in packets:
            await self.source.send(AxiStreamFrame(packet))

    async def answers(self, count: int) -> list[bytes]:
        return [bytes((await self.sink.recv()).tdata) for _ in range(count)]

    async def ends(self, errors: int) -> None:
        """Wait for what should not come."""
        await ClockCycles(self.dut.clk, LATENCY + 3 * PERIOD)
        assert self.sink.empty()
        assert (int(self.dut.errors.value) - self.errors) % 256 == errors
        assert self.dut.unstable.value == 0


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(source=[0, 0.5], sink=[0, 0.9])
async def equals_golden(dut, source, sink):
    bench = Bench(dut, source, sink)
    await bench.reset()
    await bench.send(PACKETS)
    assert await bench.answers(len(ANSWERS)) == ANSWERS
    await bench.ends(errors=0)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def a_sink_that_stops_loses_nothing(dut):
    bench = Bench(dut)
    await bench.reset()
    bench.sink.clear_pause_generator()
    bench.sink.pause = True
    await bench.send(PACKETS)
    await ClockCycles(dut.clk, 10 * (LATENCY + PERIOD))
    bench.sink.pause = False
    assert await bench.answers(len(ANSWERS)) == ANSWERS
    await bench.ends(errors=0)


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(source=[0, 0.5])
async def wrong_lengths_have_no_answer(dut, source):
    """Each is an error, and all packets after it are answered."""
    bench = Bench(dut, source, 0.3)
    await bench.reset()
    size = len(PACKETS[0])
    wrong = [b"\xa5" * length for length in (1, size - 1, size + 1, 2 * size, 3 * size + 1)
             if 0 < length != size]
    mixed = [packet for pair in zip(PACKETS, itertools.cycle(wrong)) for packet in pair]
    await bench.send([wrong[0], *mixed])
    assert await bench.answers(len(ANSWERS)) == ANSWERS
    await bench.ends(errors=1 + len(PACKETS))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def a_reset_may_come_at_any_time(dut):
    """Whatever was under way is forgotten, and what follows is answered."""
    bench = Bench(dut, 0.2, 0.2)
    await bench.reset()
    draw = random.Random(1)
    for at in range(12):
        await bench.send(PACKETS[:5])
        await ClockCycles(dut.clk, draw.randrange(1, 2 * LATENCY + 4))
        bench.source.clear()
        await bench.reset(draw.randrange(1, 4))
        bench.sink.clear()
        packet = at % len(PACKETS)
        await bench.send([PACKETS[packet]])
        assert await bench.answers(1) == [ANSWERS[packet]]
    await bench.ends(errors=0)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def answers_come_at_the_period(dut):
    """And the first after the latency."""
    bench = Bench(dut)
    await bench.reset()
    await bench.send(PACKETS[:1])
    while not (dut.pixels_tvalid.value and dut.pixels_tready.value and dut.pixels_tlast.value):
        await FallingEdge(dut.clk)
    ended = get_sim_time("ns")
    await RisingEdge(dut.labels_tvalid)
    # From the middle of a cycle to the begin of one.
    assert (get_sim_time("ns") - ended) / CYCLE == LATENCY - 0.5
    await bench.answers(1)
    await bench.send(PACKETS)
    ended = []
    for _ in PACKETS:
        await bench.sink.recv()
        ended.append(get_sim_time("ns"))
    steps = np.diff(ended)[len(PACKETS) // 2:] / CYCLE
    assert set(steps.tolist()) == {PERIOD}
