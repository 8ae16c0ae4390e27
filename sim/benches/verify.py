"""Runs inside the simulator for :mod:`sim.verify`: passes requests in and writes down answers."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import cocotb
from cocotb.triggers import SimTimeoutError, with_timeout

from sim.streams import PERIOD, Stream, begin, hurry
from sw.golden import frame

PATIENCE = int(os.environ["PATIENCE"])    # Cycles that an answer may take.


async def answers(stream: Stream) -> AsyncIterator[bytes]:
    """Receive the contents of good answer frames, without end."""
    unwrapper = frame.Unwrapper(frame.fcs16)
    while True:
        for content in unwrapper.feed(bytes(await stream.get(1))):
            yield content


@cocotb.test()
async def ask(dut):
    """Write the sequence number and the class of each answer to the file ``ANSWERS``.

    End early where none comes.
    """
    requests = Path(os.environ["REQUESTS"]).read_bytes()
    n_answers = int(os.environ["N_ANSWERS"])
    await begin(dut, ["rx"], ["tx"])
    cocotb.start_soon(Stream(dut, "rx").put(requests))
    received = answers(Stream(dut, "tx"))
    # Unbuffered: whoever waits counts the bytes.
    with open(os.environ["ANSWERS"], "wb", buffering=0) as file:
        for _ in range(n_answers):
            try:
                file.write(await with_timeout(anext(received), PATIENCE * PERIOD, "ns"))
            except SimTimeoutError:
                return
            hurry()
