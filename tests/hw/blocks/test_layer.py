# amaranth: UnusedElaboratable=no
"""The layer equals golden, at every fold and pace, in the cycles it promises."""

import numpy as np
import pytest

from hw.blocks.layer import BinaryLayer
from hw.plan.folding import Fold
from sw.golden import bits, forward
from sw.golden.network import Layer
from tests.counted import Counted
from tests.streams import PACES, run, simulate

N_IN, N_OUT = 32, 5  # A power of two: one bit too few anywhere shows.


@pytest.fixture
def layer():
    rng = np.random.default_rng(0)
    return Layer(rng.integers(0, 2, (N_OUT, N_IN), np.uint8),
                 # Always, never, and three close to the mean count, where ties are common.
                 np.array([0, N_IN + 1, 15, 16, 17]))


def vectors_for(layer):
    random = np.random.default_rng(1).integers(0, 2, (20, layer.n_in), np.uint8)
    ones = np.ones((1, layer.n_in), np.uint8)    # All match the weights that fill up a chunk.
    return [*random, *layer.weights, *(1 - layer.weights), *ones]  # Some, all and none match.


def chunks(x, pe):
    """What the layer gives for output bits ``x``: pairs of chunk and whether it is the last."""
    padded = np.concatenate([x, np.zeros(-len(x) % pe, np.uint8)]).reshape(-1, pe)
    return [(bits.to_int(chunk), at == len(padded) - 1) for at, chunk in enumerate(padded)]


@pytest.mark.parametrize("fold", [(1, 1), (1, 7), (1, 32), (2, 8), (3, 32), (5, 5), (5, 32)],
                         ids=str)
@pytest.mark.parametrize("pace", PACES, ids=str)
def test_layer_equals_golden(layer, fold, pace):
    vectors = vectors_for(layer) if fold != (1, 1) else vectors_for(layer)[-13:]
    expected = [chunk for x in vectors for chunk in chunks(forward.hidden(layer, x), fold[0])]
    dut = Counted(BinaryLayer(layer, Fold(*fold)))
    received = run(dut, dut.x, dut.y, map(bits.to_int, vectors), len(expected), **pace)
    assert [(chunk.bits, chunk.last) for chunk in received] == expected


@pytest.mark.parametrize("fold, cycles", [((1, 8), 20), ((1, 32), 5), ((5, 16), 2), ((5, 32), 1)])
def test_vectors_follow_without_a_pause(layer, fold, cycles):
    dut = BinaryLayer(layer, Fold(*fold))
    transfers = []

    async def bench(ctx):
        ctx.set(dut.x.valid, 1)
        for tick in range(10 * cycles):
            _, _, done = await ctx.tick().sample(dut.x.ready)
            transfers.extend([tick] * done)

    simulate(dut, bench)
    assert Fold(*fold).cycles(N_IN, N_OUT) == cycles
    assert set(np.diff(transfers)) == {cycles}


@pytest.mark.parametrize("fold", [(1, 8), (1, 32), (5, 32)], ids=str)
def test_latency(layer, fold):
    dut = BinaryLayer(layer, Fold(*fold))
    times = {}

    async def bench(ctx):
        ctx.set(dut.x.valid, 1)
        for tick in range(200):
            _, _, used, out = await ctx.tick().sample(dut.x.ready, dut.y.valid)
            if used:
                times.setdefault("used", tick)
            if out:
                times.setdefault("out", []).append(tick)

    simulate(dut, bench)
    assert times["out"][dut.layout.chunks - 1] - times["used"] == dut.latency


@pytest.mark.parametrize("pe, simd", [(0, 1), (6, 1), (1, 0), (1, 33)])
def test_a_fold_must_fit_the_layer(layer, pe, simd):
    with pytest.raises(ValueError, match=(
            r"^A fold of a layer of 5 neurons with 32 inputs must have PE 1 to 5 and SIMD 1 to 32, "
            rf"not PE {pe} and SIMD {simd}$")):
        BinaryLayer(layer, Fold(pe, simd))
