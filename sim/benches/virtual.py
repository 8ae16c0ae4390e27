"""Runs inside the simulator for :mod:`sim.board`: an accelerator behind a pseudo-terminal."""

import json
import os
import select
import tty
from pathlib import Path

import cocotb
from cocotb.triggers import Timer
from cocotb.utils import get_sim_time

from sim.streams import PERIOD, Stream, begin, hurry
from sw.golden import frame
from sw.golden.tensors import atomic_write

BYTE = int(os.environ["BYTE"])    # Cycles that a byte is on the wire.
REST = int(os.environ["REST"])    # Cycles without a byte after which nothing more will come.
STEP = 500       # Cycles between two looks at the terminal.
STANDSTILL = 1   # Seconds that the simulation stands still at the most.
PIECE = 256      # Bytes that are taken from the terminal at once.


@cocotb.test()
async def serve(dut):
    """Make a terminal, with a link ``TERMINAL`` to it, and be a board at its end.

    Ends when the link is removed, or who started it is no more. While nothing happens, the
    simulation stands still.
    """
    parent = os.getppid()
    board, host = os.openpty()
    tty.setraw(host)
    os.symlink(os.ttyname(host), os.environ["TERMINAL"])
    await begin(dut, ["rx"], ["tx"])
    line = _Line(dut, board)
    cocotb.start_soon(line.answer())
    while os.path.islink(os.environ["TERMINAL"]):
        if os.getppid() != parent:
            os.unlink(os.environ["TERMINAL"])
            break
        hurry()
        if select.select([board], [], [], 0 if line.is_busy else STANDSTILL)[0]:
            await line.ask(os.read(board, PIECE))
        elif line.is_busy:
            await line.wait()
            # Now and not at the end, which Ctrl-C may make a sudden one; and whole.
            atomic_write(Path(os.environ["TALLY"]), json.dumps(line.tally).encode())


class _Line:
    """Both directions between a terminal and the streams of an accelerator, as slow as wires.

    Attributes
    ----------
    tally : dict
        How many ``codes`` came; from the end of the first to that of the last, the ``bytes`` that
        came and the ``cycles`` that passed.
    """

    def __init__(self, dut, terminal: int):
        self.rx, self.tx = Stream(dut, "rx"), Stream(dut, "tx")
        self.terminal = terminal
        self.left = 0    # Cycles until it can rest.
        self.tally = {"codes": 0, "bytes": 0, "cycles": 0}
        self._bytes, self._first = 0, (0, 0.0)
        self._unwrapper = frame.Unwrapper(frame.fcs32)

    @property
    def is_busy(self) -> bool:
        return self.left > 0

    async def ask(self, data: bytes) -> None:
        for byte in data:
            await self.rx.put([byte], gaps=(BYTE - 1,))
            self._count(byte)
        self.left = REST

    async def wait(self) -> None:
        await Timer(STEP * PERIOD, "ns")
        self.left -= STEP

    async def answer(self) -> None:
        while True:
            os.write(self.terminal, bytes(await self.tx.get(1, stalls=(BYTE - 1,))))
            self.left = REST

    def _count(self, byte: int) -> None:
        self._bytes += 1
        for content in self._unwrapper.feed(bytes([byte])):
            if content[0] < frame.N_SEQUENCES:
                now = self._bytes, get_sim_time("ns") / PERIOD
                self._first = now if self.tally["codes"] == 0 else self._first
                self.tally = {"codes": self.tally["codes"] + 1, "bytes": now[0] - self._first[0],
                              "cycles": round(now[1] - self._first[1])}
