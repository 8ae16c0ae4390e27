"""Runs inside the simulator: asks a board through its wires, as a host would."""

import os
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.handle import SimHandleBase
from cocotb.queue import Queue
from cocotb.triggers import FallingEdge, SimTimeoutError, Timer, with_timeout

from sim.streams import hurry
from sw.golden import frame

BIT = round(1e12 / float(os.environ["BAUD"]))                   # Picoseconds.
OSCILLATOR = float(os.environ["OSCILLATOR"])                    # Hertz.
POWER_UP = 60        # Microseconds: several times what the design waits for its block RAMs.
PATIENCE = round(1e12 * float(os.environ["PATIENCE"]))    # Picoseconds that an answer may take.


async def start_clocks(dut: SimHandleBase) -> None:
    """Start the oscillator, and what the design's PLL says that it makes of it."""
    await Timer(1, "ps")
    ratio = int(dut.multiply.value) / int(dut.divide.value)
    for clock, frequency in (dut.clk, OSCILLATOR), (dut.fast, OSCILLATOR * ratio):
        # Halves of a period must be whole.
        Clock(clock, 2 * round(5e11 / frequency), unit="ps").start()


async def speak(dut: SimHandleBase, outgoing: Queue) -> None:
    """Put what there is to send on the wire ``rx``, for ever and without a pause."""
    while True:
        for byte in await outgoing.get():
            for bit in [0, *(byte >> at & 1 for at in range(8)), 1]:
                dut.rx.value = bit
                await Timer(BIT, "ps")


async def listen(dut: SimHandleBase, received: Queue) -> None:
    """Take bytes from the wire ``tx`` for ever; one whose stop bit is wrong is lost."""
    while True:
        await FallingEdge(dut.tx)
        await Timer(BIT // 2, "ps")
        bits = []
        for _ in range(9):
            await Timer(BIT, "ps")
            bits.append(dut.tx.value)
        if all(bit.is_resolvable for bit in bits) and bits.pop() == 1:
            received.put_nowait(sum(int(bit) << at for at, bit in enumerate(bits)))


async def exchange(dut: SimHandleBase, outgoing: deque[int], received: Queue) -> None:
    """Drive SPI for ever: send what there is to send or flags, take what comes back."""
    await Timer(POWER_UP, "us")    # Before, nothing need come back.
    dut.cs.value = 0               # Active low.
    while True:
        byte = outgoing.popleft() if outgoing else frame.FLAG
        heard = 0
        for at in range(8):
            dut.copi.value = byte >> 7 - at & 1
            await Timer(BIT // 2, "ps")
            heard = heard << 1 | int(dut.cipo.value)
            dut.sck.value = 1
            await Timer(BIT // 2, "ps")
            dut.sck.value = 0
        received.put_nowait(heard)


def over_uart(dut: SimHandleBase, received: Queue) -> Callable[[bytes], object]:
    """Listen; return what sends."""
    outgoing: Queue = Queue()
    cocotb.start_soon(listen(dut, received))
    cocotb.start_soon(speak(dut, outgoing))
    return outgoing.put_nowait


def over_spi(dut: SimHandleBase, received: Queue) -> Callable[[bytes], object]:
    """Drive the bus; return what sends."""
    outgoing: deque[int] = deque()
    cocotb.start_soon(exchange(dut, outgoing, received))
    return outgoing.extend


# Listens, and returns what sends.
Connect = Callable[[SimHandleBase, Queue], Callable[[bytes], object]]
# What connects to each link, and its wires where nothing is said.
LINKS: dict[str, tuple[Connect, dict[str, int]]] = {
    "uart": (over_uart, {"rx": 1}), "spi": (over_spi, {"sck": 0, "cs": 1, "copi": 0})}


def at_rest(dut: SimHandleBase) -> Connect:
    """Put the wires of the link that is asked for at rest; return what connects to it."""
    connect, idle = LINKS[os.environ["LINK"]]
    for wire, level in idle.items():
        getattr(dut, wire).value = level
    return connect


def read_requests() -> list[bytes]:
    """Read the requests of the file ``REQUESTS``, each between flags of its own."""
    flag = bytes([frame.FLAG])
    return [flag + body + flag
            for body in Path(os.environ["REQUESTS"]).read_bytes().split(flag) if body]


async def answers(received: Queue) -> AsyncIterator[bytes]:
    """Return the contents of good answer frames, without end."""
    unwrapper = frame.Unwrapper(frame.fcs16)
    while True:
        for content in unwrapper.feed(bytes([await received.get()])):
            yield content


@cocotb.test()
async def ask(dut):
    """Write the sequence number and the class of each answer to the file ``ANSWERS``.

    The next request follows an answer, which every folding allows. End early where none comes.
    """
    requests = read_requests()
    hurry()
    connect = at_rest(dut)
    await start_clocks(dut)
    received: Queue = Queue()
    say = connect(dut, received)
    contents = answers(received)
    # Unbuffered: whoever waits counts the bytes.
    with open(os.environ["ANSWERS"], "wb", buffering=0) as file:
        await Timer(POWER_UP, "us")
        for request in requests:
            say(request)
            try:
                file.write(await with_timeout(anext(contents),
                                              10 * len(request) * BIT + PATIENCE, "ps"))
            except SimTimeoutError:
                return
            hurry()
