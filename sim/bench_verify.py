"""Runs inside the simulator for :mod:`sim.verify`: passes requests in and writes down answers."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import cocotb
from cocotb.triggers import with_timeout

from sim.streams import Stream, begin, hurry
from sw.golden import frame

PATIENCE = 10    # Milliseconds in the simulation that an answer may take: a million cycles.


async def answers(stream: Stream) -> AsyncIterator[bytes]:
    """Receive the contents of good answer frames, without end."""
    unwrapper = frame.Unwrapper(frame.fcs16)
    while True:
        for content in unwrapper.feed(bytes(await stream.get(1))):
            yield content


@cocotb.test()
async def ask(dut):
    """Write the sequence number and the class of each answer to the file ``ANSWERS``."""
    requests = Path(os.environ["REQUESTS"]).read_bytes()
    n_answers = int(os.environ["N_ANSWERS"])
    await begin(dut, ["rx"], ["tx"])
    cocotb.start_soon(Stream(dut, "rx").put(requests))
    received = answers(Stream(dut, "tx"))
    # Unbuffered: whoever waits counts the bytes.
    with open(os.environ["ANSWERS"], "wb", buffering=0) as file:
        for _ in range(n_answers):
            file.write(await with_timeout(anext(received), PATIENCE, "ms"))
            hurry()
