"""A virtual board at full rate for ten minutes: no drift, no leak.

Lost is a wrong or missing answer. Drift is the rate of the last quarter against the first; the
memory is that of the simulator, in which Python drives the Verilog.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import serial

from hw.plan import folding
from sim.virtual import virtual_board
from sw.golden import forward, frame
from sw.golden.network import random_network

from . import Row

__all__ = ["run"]

SECONDS = 600.0     # Of a soak.
SHAPE = (40, 8, 4)
AT_ONCE = 64        # Requests of which no answer is awaited one by one.
LEAK = 8 << 20      # Bytes by which the simulator may grow after its first quarter.


def _descendants(pid: int) -> Iterator[int]:
    # Threads and processes may end while they are listed.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from _descendants(child)


def _simulator() -> int:
    """Return the process of the simulator: of our descendants the one named so."""
    return next(pid for pid in _descendants(os.getpid())
                if Path(f"/proc/{pid}/comm").read_text().startswith("accelerator"))


def _memory(pid: int) -> int:
    """Return the resident bytes of a process."""
    return (int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            * os.sysconf("SC_PAGE_SIZE"))


def run(scale: float) -> list[Row]:
    """Ask without end."""
    network = random_network(SHAPE)
    codes = np.random.default_rng(1).integers(0, 2, (AT_ONCE, SHAPE[0]), np.uint8)
    requests = b"".join(frame.request(number, code) for number, code in enumerate(codes))
    expected = [*enumerate(forward.classify_all(network, codes).tolist())]
    rounds: list[tuple[float, int]] = []    # When each ended, and the memory then.
    lost, begun = 0, time.monotonic()
    with (virtual_board(network, folding.default(SHAPE), reloadable=False) as board,
          serial.Serial(str(board.terminal), timeout=60) as port):
        begun, simulator = time.monotonic(), _simulator()
        while not rounds or rounds[-1][0] < begun + scale * SECONDS:
            port.write(requests)
            got: list[tuple[int, int] | None] = []
            unwrapper = frame.Unwrapper(frame.fcs16)
            while len(got) < AT_ONCE and (data := port.read(max(1, port.in_waiting))):
                got += map(frame.parse_answer, unwrapper.feed(data))
            lost += sum(a != b for a, b in zip(got, expected, strict=False))
            lost += AT_ONCE - len(got)
            rounds.append((time.monotonic(), _memory(simulator)))
            if len(got) < AT_ONCE:
                break
    quarter = len(rounds) // 4
    tried = AT_ONCE * len(rounds)
    first, last = rounds[quarter][1], rounds[-1][1]
    drift = 0.0
    if quarter:
        drift = (rounds[-1][0] - rounds[-1 - quarter][0]) / (rounds[quarter - 1][0] - begun) - 1
    lost += last - first > LEAK
    return [Row("virtual board at full rate", tried, lost,
                f"{tried / (rounds[-1][0] - begun):,.0f} codes/s, {drift:+.0%} slower at the end; "
                f"{first / 1e6:.1f} MB, {(last - first) / 1e6:+.1f} MB at the end")]
