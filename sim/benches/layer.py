"""Runs inside the simulator: drives a layer of :mod:`hw.blocks.layer`, compares it with golden."""

import os
from pathlib import Path

import cocotb
import numpy as np

from sim.streams import exchange
from sw.golden import bits, forward
from sw.golden.network import Layer, Network

LAYER = Network.load(Path(os.environ["NETWORK"])).layers[0]


def vectors(layer: Layer) -> list[bits.Bits]:
    random = np.random.default_rng(1).integers(0, 2, (20, layer.n_in), np.uint8)
    return [*random, *layer.weights, *(1 - layer.weights)]    # Some, all and none match.


def chunks(x: bits.Bits, pe: int) -> list[int]:
    """Return what the layer sends for output bits ``x``: ``pe`` bits, and above them the end."""
    padded = np.concatenate([x, np.zeros(-len(x) % pe, np.uint8)]).reshape(-1, pe)
    return [bits.to_int(chunk) | (at == len(padded) - 1) << pe for at, chunk in enumerate(padded)]


async def count_unlike(dut) -> None:
    """Tell the layer how many pairs of its input differ, at once."""
    even = sum(1 << at for at in range(0, LAYER.n_in, 2))
    while True:
        await dut.x__payload.value_change
        if dut.x__payload.value.is_resolvable:    # Icarus begins with what is unknown.
            x = int(dut.x__payload.value)
            dut.unlike.value = ((x ^ x >> 1) & even).bit_count()


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(gaps=[(0,), (0, 3, 1)])
async def equals_golden(dut, gaps):
    """Whatever the pace of its producer, the layer answers as the reference does."""
    pe = len(dut.y__payload) - 1
    expected = [chunk for x in vectors(LAYER) for chunk in chunks(forward.hidden(LAYER, x), pe)]
    dut.unlike.value = 0
    cocotb.start_soon(count_unlike(dut))
    assert await exchange(dut, "x", "y", map(bits.to_int, vectors(LAYER)), len(expected),
                          gaps) == expected
