"""Runs inside the simulator for :mod:`sim.wires`: requests without a pause, and their answers."""

import os
from itertools import islice
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.queue import Queue
from cocotb.triggers import ClockCycles, SimTimeoutError, Timer, with_timeout
from cocotb.utils import get_sim_time

from sim.benches.board import BIT, LINKS, OSCILLATOR, PATIENCE, answers
from sim.streams import hurry
from sw.golden import frame

AT_ONCE = int(os.environ["AT_ONCE"])    # Requests under way.
# Picoseconds until a host hears of an answer.
LATENCY = max(1, round(1e12 * float(os.environ["LATENCY"])))


@cocotb.test()
async def flood(dut):
    """Write a line for each answer to the file ``ANSWERS``: picoseconds, sequence number, class.

    The next request is put behind those that are sent when an answer is heard. End early where none
    comes.
    """
    hurry()
    connect, idle = LINKS[os.environ["LINK"]]
    for wire, level in idle.items():
        getattr(dut, wire).value = level
    Clock(dut.clk, 2 * round(5e11 / OSCILLATOR), unit="ps").start()
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    received: Queue = Queue()
    say, contents = connect(dut, received), answers(received)
    flag = bytes([frame.FLAG])
    requests = [flag + body + flag
                for body in Path(os.environ["REQUESTS"]).read_bytes().split(flag) if body]
    waiting = iter(requests)

    async def say_next():
        await Timer(LATENCY, "ps")
        for request in islice(waiting, 1):
            say(request)

    for request in islice(waiting, AT_ONCE):
        say(request)
    patience = PATIENCE + LATENCY + 10 * BIT * sum(map(len, requests[:AT_ONCE]))
    with open(os.environ["ANSWERS"], "w") as file:
        for _ in requests:
            try:
                sequence, klass = await with_timeout(anext(contents), patience, "ps")
            except SimTimeoutError:
                return
            file.write(f"{get_sim_time('ps'):.0f} {sequence} {klass}\n")
            cocotb.start_soon(say_next())
            hurry()
