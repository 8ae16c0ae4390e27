# amaranth: UnusedElaboratable=no
"""A CPU's accesses reach the core as packets, and its answers come back, whatever is read when."""

import itertools

import numpy as np
import pytest
from amaranth import Module, ResetInserter, Signal
from amaranth.lib import wiring

from hw.axi_core import AxiCore
from hw.blocks.wire.registers import ANSWER, CONTROL, DATA, STATUS, Registers
from hw.plan import plans
from sw.golden import bits, fast
from sw.golden.network import random_network
from sw.golden.stages import Signature
from tests.streams import idle, simulate

READY, VALID, LOST = 1, 2, 4
RESET = [(CONTROL, 1)]
CORES = [    # Network, engine, scores, pauses of the CPU: inputs of 1, 2, 3, 4, 5 and 8 bytes
    ("7-5-2", "1x7", False, (0, 2, 9)), ("16-2", "none", True, (0,)),
    ("20-6-3", "hardwired", False, (0,)), ("32-4-2", "serial 1x4", False, (0, 2, 9)),
    ("33-2", "serial 4x8", True, (0, 40, 1)), ("64-2", "none", False, (0,)),
]


class Behind(wiring.Component):
    """A core behind registers, which have one clock and one reset."""

    def __init__(self, core):
        self.core, self.registers = core, Registers(core.in_bytes)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = registers = self.registers
        m.submodules.core = ResetInserter(registers.reset)(self.core)
        wiring.connect(m, registers.packets, self.core.packets)
        wiring.connect(m, self.core.answers, registers.answers)
        errors = Signal()
        m.d.sync += errors.eq(errors | self.core.error)
        self.errors = errors
        return m


class Cpu:
    """Reads and writes words, with pauses between accesses."""

    def __init__(self, ctx, registers, gaps):
        self.ctx, self.bus, self.gaps = ctx, registers, itertools.cycle(gaps)

    async def access(self, adr, word=None):
        bus = self.bus
        await idle(self.ctx, next(self.gaps))
        for name, value in [("cyc", 1), ("stb", 1), ("we", word is not None), ("adr", adr),
                            ("dat_w", 0xDEADBEEF if word is None else word)]:
            self.ctx.set(getattr(bus, name), value)
        ack, cycles = 0, 0
        while not ack:
            _, _, ack, read = await self.ctx.tick().sample(bus.ack, bus.dat_r)
            cycles += 1
        assert cycles == 2
        self.ctx.set(bus.stb, 0)
        self.ctx.set(bus.cyc, 0)
        return read

    async def wait(self, bit):
        while not await self.access(STATUS) & bit:
            pass

    async def write(self, code, size):
        # What fills up the last word and the last byte is rubbish.
        packet = bits.to_bytes(code)
        packet = packet[:-1] + bytes([packet[-1] | 0xFF & ~(0xFF >> -len(code) % 8)])
        for at in range(0, size, 4):
            await self.wait(READY)
            await self.access(DATA, int.from_bytes((packet[at:] + b"\xff" * 3)[:4], "little"))

    async def read(self, size):
        answer = bytearray()
        for _ in range(size):
            await self.wait(VALID)
            answer.append(await self.access(ANSWER))
        return bytes(answer)


def make(text, fold, scores=False):
    network = random_network(Signature.parse(text))
    core = AxiCore(network, plans.parse(fold, network.signature), scores=scores)
    codes = np.random.default_rng(1).integers(0, 2, (core.depth, network.n_in), np.uint8)
    codes[0], codes[1] = 0, 1
    answers = [bytes([int(np.argmax(row))]) + b"".join(
        int(score).to_bytes(core.score_bytes, "little", signed=True)
        for score in row if core.score_bytes)
        for row in fast.trace_all(network, codes)[-1]]
    return core, codes, answers


def run(core, program, gaps=(0,)):
    """Run what a CPU does; no packet may be bad for the core."""
    behind = Behind(core)

    async def cpu(ctx):
        await program(Cpu(ctx, behind.registers, gaps))
        assert ctx.get(behind.errors) == 0

    async def nothing(ctx):
        pass

    simulate(behind, cpu, nothing)


@pytest.mark.parametrize("text, fold, scores, gaps", CORES,
                         ids=[" ".join(row[:2]) for row in CORES])
def test_what_a_cpu_reads_is_goldens(text, fold, scores, gaps):
    """One after the other; then as many at once as there is room for, read afterwards."""
    core, codes, answers = make(text, fold, scores)
    read = []

    async def program(cpu):
        for code in codes[:2]:
            await cpu.write(code, core.in_bytes)
            read.append(await cpu.read(core.out_bytes))
        for code in codes:
            await cpu.write(code, core.in_bytes)
        for _ in codes:
            read.append(await cpu.read(core.out_bytes))
        assert await cpu.access(STATUS) == READY

    run(core, program, gaps)
    assert read == answers[:2] + answers


@pytest.mark.parametrize("before, status", [
    ([], READY), ([(DATA, 5)] * 2, 0), (RESET, READY), ([(DATA, 5), *RESET], READY),
    ([(DATA, 5), (DATA, 5), (DATA, 5), *RESET], READY),
], ids=["nothing", "lost", "reset", "half an input", "reset of lost"])
def test_accesses_that_are_no_input(before, status):
    """None but a whole input has an answer; after a reset inputs are answered as ever."""
    core, codes, answers = make("64-2", "serial 1x1")

    async def program(cpu):
        for adr, word in before:
            await cpu.access(adr, word)
        assert await cpu.access(ANSWER) == await cpu.access(DATA) == await cpu.access(CONTROL) == 0
        said = await cpu.access(STATUS)
        assert said & ~READY == (0 if status else LOST)
        if not status:
            await cpu.access(CONTROL, 1)
        await cpu.write(codes[2], core.in_bytes)
        assert await cpu.read(core.out_bytes) == answers[2]
        assert await cpu.access(STATUS) == READY

    run(core, program)


def test_accesses_that_have_no_effect():
    """Nor do they show what another register holds; the answer stays until it is read."""
    core, codes, answers = make("20-6-3", "2x5")

    async def program(cpu):
        await cpu.write(codes[2], core.in_bytes)
        await cpu.wait(VALID)
        for adr, word in [(STATUS, 7), (ANSWER, 7), (CONTROL, 0xFFFFFFFE)]:
            await cpu.access(adr, word)
        for adr in DATA, CONTROL:
            assert await cpu.access(STATUS) == READY | VALID
            assert await cpu.access(adr) == 0
        assert await cpu.access(ANSWER) == answers[2][0]
        assert await cpu.access(ANSWER) == 0

    run(core, program)


@pytest.mark.parametrize("wait", [0, 1, 5, 30, 60])
def test_a_reset_forgets_answers_and_what_is_under_way(wait):
    core, codes, answers = make("20-6-3", "2x5", True)

    async def program(cpu):
        await cpu.write(codes[0], core.in_bytes)
        await cpu.write(codes[1], core.in_bytes)
        await idle(cpu.ctx, wait)
        await cpu.access(CONTROL, 1)
        assert await cpu.access(STATUS) == READY
        await cpu.write(codes[2], core.in_bytes)
        assert await cpu.read(core.out_bytes) == answers[2]
        await idle(cpu.ctx, 2 * core.latency)
        assert await cpu.access(STATUS) == READY

    run(core, program)
