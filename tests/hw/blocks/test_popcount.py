# amaranth: UnusedElaboratable=no
"""Matches follow from counted pairs, at every width."""

import numpy as np
import pytest
from amaranth.back import rtlil

from hw.blocks.popcount import PairCount, unlike
from hw.flow.tools.verilog import ports
from hw.plan.layout import n_pairs
from sw.golden import bits
from tests.streams import simulate


@pytest.mark.parametrize("width, wires", [
    *((width, False) for width in (*range(1, 34), 63, 100, 200)), (1, True), (9, True), (64, True)])
def test_matches_follow(width, wires):
    rng = np.random.default_rng(width)
    x, w = rng.integers(0, 2, (2, 12, width), np.uint8)
    x[0], x[1] = w[0], 1 - w[1]    # All match, none.
    x[2], w[2], x[3], w[3] = 0, 0, 1, 1
    dut = PairCount(width, wires=wires)
    counts = []

    async def bench(ctx):
        for at in range(len(x) + dut.latency - 1):
            ctx.set(dut.x, bits.to_int(x[at % len(x)]))
            ctx.set(dut.w, bits.to_int(w[at % len(x)]))
            await ctx.tick()
            counts.append(ctx.get(dut.count))

    simulate(dut, bench)
    padded = np.pad(x, [(0, 0), (0, width % 2)])
    differ = (padded[:, ::2] != padded[:, 1::2]).sum(axis=1)
    matches = 2 * np.array(counts[dut.latency - 1:]) - differ + unlike(w)
    assert matches.tolist() == (x == w).sum(axis=1).tolist()
    assert max(counts) <= n_pairs(width)


def test_a_wire_is_written_once_wherever_it_is_used():
    written, inlined = (rtlil.convert(dut, ports=ports(dut)) for dut in (
        PairCount(64, wires=True), PairCount(64)))
    assert 5 * len(written) < len(inlined)


def test_refuses_no_width():
    with pytest.raises(ValueError, match=r"^Width must be a positive integer, not 0$"):
        PairCount(0)
