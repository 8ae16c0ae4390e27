"""The engine equals golden for networks of every depth, at every pace."""

import numpy as np
import pytest

from hw.engine import Engine
from hw.folding import Fold, Folding
from sw.golden import bits, forward
from sw.golden.network import random_network
from tests.streams import PACES, run, simulate

CASES = [  # shape, (pe, simd) of each layer, SIMD of the readout
    ((20, 16, 2), [(1, 20)], 2),
    ((20, 16, 2), [(16, 20)], 16),
    ((20, 13, 10), [(1, 20)], 5),
    ((20, 13, 10), [(3, 7)], 5),
    ((64, 32, 16, 3), [(4, 64), (1, 32)], 1),
    ((9, 7, 5, 3, 2, 4), [(2, 9), (1, 1), (3, 2), (2, 3)], 2),
    ((16, 8, 1), [(1, 16)], 4),
    ((1, 1, 2), [(1, 1)], 1),
    ((16, 10), [], 16),
]


@pytest.mark.parametrize("shape, folds, simd", CASES, ids=str)
@pytest.mark.parametrize("pace", PACES, ids=str)
def test_engine_equals_golden(shape, folds, simd, pace):
    network = random_network(shape)
    codes = np.random.default_rng(1).integers(0, 2, (30, shape[0]), np.uint8)
    codes[0], codes[1] = 0, 1
    dut = Engine(network, Folding([Fold(*fold) for fold in folds], simd))
    classes = run(dut, dut.x, dut.y, map(bits.to_int, codes), len(codes), **pace)
    assert classes == forward.classify_all(network, codes).tolist()


@pytest.mark.parametrize("shape, folds, simd", CASES, ids=str)
def test_the_slowest_block_sets_the_rate(shape, folds, simd):
    folding = Folding([Fold(*fold) for fold in folds], simd)
    dut = Engine(random_network(shape), folding)
    cycles = max(folding.cycles(shape))
    answers = []

    async def bench(ctx):
        ctx.set(dut.x.valid, 1)
        ctx.set(dut.y.ready, 1)
        for tick in range(20 * cycles + 200):
            _, _, done = await ctx.tick().sample(dut.y.valid)
            answers.extend([tick] * done)

    simulate(dut, bench)
    assert set(np.diff(answers)[-10:]) == {cycles}
