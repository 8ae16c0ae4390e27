"""Runs inside the simulator: drives a readout of :mod:`hw.blocks.readout` with hidden bits."""

import os
from pathlib import Path

import cocotb
import numpy as np

from sim.streams import exchange
from sw.golden import bits, forward
from sw.golden.network import Network

READOUT = Network.load(Path(os.environ["NETWORK"])).readout
CHUNK = int(os.environ["CHUNK"])


def vectors() -> list[bits.Bits]:
    """Return random bits, each class's favourite, and its inverse: many scores are equal."""
    random = np.random.default_rng(1).integers(0, 2, (40, READOUT.n_in), np.uint8)
    return [*random, *READOUT.weights, *(1 - READOUT.weights)]


def words(x: bits.Bits, simd: int) -> list[int]:
    """Return what :class:`~hw.blocks.gather.Gather` makes of hidden bits ``x``.

    Whole chunks, the last filled up with zeros above; a last word of fewer chunks has them at its
    top and zeros below.
    """
    padded = np.concatenate([x, np.zeros(-len(x) % CHUNK, np.uint8)])
    parts = [padded[at:at + simd] for at in range(0, len(padded), simd)]
    return [bits.to_int(part) << simd - len(part) for part in parts]


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(gaps=[(0,), (0, 3, 1)])
async def equals_golden(dut, gaps):
    """The class with the highest score, and of equal scores the lowest class."""
    expected = [int(np.argmax(forward.scores(READOUT, x))) for x in vectors()]
    sent = [word for x in vectors() for word in words(x, len(dut.x__payload))]
    assert await exchange(dut, "x", "y", sent, len(expected), gaps) == expected
