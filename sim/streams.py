"""Both ends of a stream inside a simulator, and a simulation that cannot hang."""

import faulthandler
import os
import sys
from collections.abc import Iterable
from itertools import cycle

import cocotb
from cocotb.clock import Clock
from cocotb.handle import SimHandleBase
from cocotb.triggers import FallingEdge, RisingEdge, Timer

__all__ = ["PACES", "Stream", "begin", "exchange"]

PERIOD = 10    # Nanoseconds, and even: half of it must be whole.

# Prompt, hesitant producer, hesitant consumer, consumer that is ready only once it sees valid.
PACES = [{}, {"gaps": (0, 3, 1)}, {"stalls": (0, 200)}, {"shy": True}]


class Stream:
    """One stream port of a design that was converted to Verilog.

    Parameters
    ----------
    dut : handle
    name : str
        The port's name: of ``x__payload``, ``x__valid`` and ``x__ready`` it is ``x``. A stream that
        is always ready has no ``x__ready``.
    """

    def __init__(self, dut: SimHandleBase, name: str):
        self.clk = dut.clk
        self.payload = dut[f"{name}__payload"]
        self.valid = dut[f"{name}__valid"]
        self.ready = getattr(dut, f"{name}__ready", None)

    async def put(self, payloads: Iterable[int], gaps: Iterable[int] = (0,)) -> None:
        """Send ``payloads``; before each, idle for the next of ``gaps`` cycles, round and round."""
        for payload, gap in zip(payloads, cycle(gaps)):
            if gap:
                self.valid.value = 0
                await self._idle(gap)
            self.payload.value = payload
            self.valid.value = 1
            await self._transfer(self.ready)
        self.valid.value = 0

    async def get(self, count: int, stalls: Iterable[int] = (0,), shy: bool = False) -> list[int]:
        """Receive ``count`` payloads; before each, refuse for the next of ``stalls`` cycles.

        A ``shy`` consumer is ready only once it sees ``valid``, which the rules of streams allow.
        A stream that is always ready cannot be refused: there both count for nothing.
        """
        received = []
        if self.ready is None:
            stalls, shy = (0,), False
        for _, stall in zip(range(count), cycle(stalls)):
            if stall or shy:
                self.set_ready(0)
                await self._idle(stall)
            if shy:
                await self._see_valid()
            self.set_ready(1)
            received.append(await self._transfer(self.valid))
        self.set_ready(0)
        return received

    def set_ready(self, value: int) -> None:
        """Offer to receive, or refuse, where that is possible."""
        if self.ready is not None:
            self.ready.value = value

    def _agreed(self) -> bool:
        return self.valid.value == 1 and (self.ready is None or self.ready.value == 1)

    async def _transfer(self, awaited: SimHandleBase | None) -> int:
        """Wait for the cycle in which both sides agree; return what was transferred.

        Python sleeps while ``awaited``, which the design drives, is 0.
        """
        await FallingEdge(self.clk)    # Halfway through the cycle everything has settled.
        while not self._agreed():
            if awaited.value == 0:
                await RisingEdge(awaited)
            await FallingEdge(self.clk)
        payload = int(self.payload.value)
        await RisingEdge(self.clk)
        return payload

    async def _see_valid(self) -> None:
        await FallingEdge(self.clk)
        if self.valid.value != 1:
            await RisingEdge(self.valid)
        await RisingEdge(self.clk)

    async def _idle(self, cycles: int) -> None:
        if cycles:
            await Timer(cycles * PERIOD - PERIOD // 2, "ns")
            await RisingEdge(self.clk)


async def begin(dut: SimHandleBase, inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """Start the clock and reset the design, with all the streams named here idle."""
    hurry()
    Clock(dut.clk, PERIOD, unit="ns").start(start_high=False)
    for name in inputs:
        dut[f"{name}__valid"].value = 0
        dut[f"{name}__payload"].value = 0
    for name in outputs:
        Stream(dut, name).set_ready(0)
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.rst.value = 0


def hurry() -> None:
    """End the simulator, with a traceback, unless this is called again before the deadline.

    A limit of simulated time alone does not end a simulation in which time stands still.
    """
    faulthandler.dump_traceback_later(float(os.environ["DEADLINE"]), exit=True,
                                      file=sys.__stderr__)


async def exchange(dut: SimHandleBase, source: str, sink: str, payloads: Iterable[int], count: int,
                   gaps: Iterable[int] = (0,), stalls: Iterable[int] = (0,), shy: bool = False,
                   ) -> list[int]:
    """Send ``payloads`` into the stream ``source``; return ``count`` payloads of ``sink``."""
    await begin(dut, [source], [sink])
    cocotb.start_soon(Stream(dut, source).put(payloads, gaps))
    return await Stream(dut, sink).get(count, stalls, shy)
