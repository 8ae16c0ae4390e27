"""Runs inside the simulator for :mod:`sim.wires`: requests without a pause, and their answers."""

import os
from itertools import islice

import cocotb
from cocotb.clock import Clock
from cocotb.queue import Queue
from cocotb.triggers import ClockCycles, SimTimeoutError, Timer, with_timeout
from cocotb.utils import get_sim_time

from sim.benches.board import BIT, OSCILLATOR, PATIENCE, answers, at_rest, read_requests
from sim.streams import hurry

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
    connect = at_rest(dut)
    Clock(dut.clk, 2 * round(5e11 / OSCILLATOR), unit="ps").start()
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    received: Queue = Queue()
    say, contents = connect(dut, received), answers(received)
    requests = read_requests()
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
