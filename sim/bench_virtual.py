"""Runs inside the simulator for :mod:`sim.board`: an accelerator behind a pseudo-terminal."""

import os
import select
import tty

import cocotb
from cocotb.triggers import Timer

from sim.streams import PERIOD, Stream, begin, hurry

REST = 20_000    # Cycles without a byte on either side after which nothing more will come.
STEP = 500       # Cycles between two looks at the terminal.
STANDSTILL = 1   # Seconds that the simulation stands still at the most.


@cocotb.test()
async def serve(dut):
    """Make a terminal, with a link ``TERMINAL`` to it, and be a board at its end.

    Ends when the link is removed. While nothing happens, the simulation stands still.
    """
    board, host = os.openpty()
    tty.setraw(host)
    os.symlink(os.ttyname(host), os.environ["TERMINAL"])
    await begin(dut, ["rx"], ["tx"])
    line = _Line(dut, board)
    cocotb.start_soon(line.answer())
    while os.path.islink(os.environ["TERMINAL"]):
        hurry()
        if select.select([board], [], [], 0 if line.is_busy else STANDSTILL)[0]:
            await line.ask(os.read(board, 4096))
        elif line.is_busy:
            await line.wait()


class _Line:
    """Both directions between a terminal and the streams of an accelerator."""

    def __init__(self, dut, terminal: int):
        self.rx, self.tx = Stream(dut, "rx"), Stream(dut, "tx")
        self.terminal = terminal
        self.left = 0    # Cycles until it can rest.

    @property
    def is_busy(self) -> bool:
        return self.left > 0

    async def ask(self, data: bytes) -> None:
        await self.rx.put(data)
        self.left = REST

    async def wait(self) -> None:
        await Timer(STEP * PERIOD, "ns")
        self.left -= STEP

    async def answer(self) -> None:
        while True:
            os.write(self.terminal, bytes(await self.tx.get(1)))
            self.left = REST
