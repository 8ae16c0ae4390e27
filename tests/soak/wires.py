"""The link's two wires: other baud rates, breaks, glitches, stops, and a good request after each.

Lost is an answer that is believed and wrong, or a good request that is not answered. A request is
good up to :data:`TOLERANCE` of its baud rate.
"""

import numpy as np
from numpy.random import Generator

from hw.accelerator import Accelerator
from hw.flow.tools import verilog
from hw.plan import folding
from hw.wired import OverUart

from . import Row, share
from .bench import WIRES, build
from .link import NETWORK, SHAPE, Count, Traffic, received

__all__ = ["design", "run"]

DIVISOR = 16         # Cycles of a bit, as in wires.v.
TOLERANCE = 0.02
WINDOWS = 20_000     # Of a soak.


def design() -> str:
    """Return the Verilog of an accelerator behind a UART, as on a board."""
    wired = OverUart(Accelerator(NETWORK, folding.default(SHAPE)), DIVISOR)
    return verilog.convert(wired, "wired")


def levels(data: bytes, factor: float = 1.0) -> list[tuple[int, int]]:
    """Return levels and their cycles for bytes at ``1 / factor`` of the baud rate."""
    bits = [bit for byte in data for bit in (0, *(byte >> at & 1 for at in range(8)), 1)]
    edges = np.round(np.arange(len(bits) + 1) * DIVISOR * factor).astype(int)
    return [*zip(bits, np.diff(edges).tolist(), strict=True)]


def _fault(request: bytes, rng: Generator) -> list[tuple[int, int]]:
    """Return what is no good request."""
    match rng.integers(5):
        case 0:    # Another baud rate.
            return levels(request, rng.uniform(0.1, 0.8) ** rng.choice([-1, 1]))
        case 1:    # The line is held down.
            return [(0, int(rng.integers(1, 100 * DIVISOR)))]
        case 2:    # Glitches.
            return [(n % 2, int(length)) for n, length in
                    enumerate(rng.integers(1, DIVISOR // 2, rng.integers(1, 40)))]
        case 3:    # The host stops, somewhere.
            whole = levels(request)
            return whole[:rng.integers(1, len(whole) - 10)]
        case _:    # One level lasts too long or not long enough.
            whole = levels(request)
            at = rng.integers(len(whole))
            whole[at] = (whole[at][0], int(rng.integers(1, 30 * DIVISOR)))
            return whole


def run(scale: float) -> list[Row]:
    """Send faults, then a good request after each."""
    rng = np.random.default_rng(round(1e6 * scale))
    bench = build(design(), bench=WIRES)
    n = 2 * share(WINDOWS, scale, 20)
    traffic, count = Traffic(n, rng), Count()
    good = np.arange(n) % 2 == 1
    records: list[int] = []
    for request, is_good in zip(traffic.frames, good, strict=True):
        sent = (levels(request, 1 + rng.uniform(-TOLERANCE, TOLERANCE)) if is_good
                else _fault(request, rng))
        records += [level << 31 | cycles for level, cycles in sent if cycles]
        records.append(0)
    said = received(bench.run(np.array(records, np.uint32)))
    count.judge(traffic, good, said, said)
    return [count.row("wires: baud rates, breaks, glitches, stops")]
