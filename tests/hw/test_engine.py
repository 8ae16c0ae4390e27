# amaranth: UnusedElaboratable=no
"""The engine equals golden for networks of every depth, at every pace."""

import numpy as np
import pytest

from hw.engine import Engine
from hw.plan.folding import Fold, Folding, with_readout
from sw.golden import bits, forward
from sw.golden.network import Layer, Network, OutputLayer, random_network
from tests.counted import Counted
from tests.streams import PACES, run, simulate

CASES = [  # shape, (pe, simd) of each layer, SIMD of the readout
    ((20, 16, 2), [(1, 20)], 4),
    ((20, 16, 2), [(16, 20)], 16),
    ((20, 23, 10), [(1, 20)], 12),
    ((20, 13, 10), [(3, 7)], 13),
    ((20, 12, 2), [(1, 7)], 1),
    ((64, 32, 16, 3), [(4, 64), (1, 32)], 4),
    ((9, 7, 5, 3, 2, 4), [(2, 9), (1, 1), (3, 2), (2, 3)], 2),
    ((16, 8, 1), [(1, 16)], 4),
    ((16, 8, 6), [(1, 16)], 8),
    ((1, 1, 2), [(1, 1)], 1),
    ((16, 10), [], 16),
]


@pytest.mark.parametrize("shape, folds, simd", CASES, ids=str)
@pytest.mark.parametrize("pace", PACES, ids=str)
def test_engine_equals_golden(shape, folds, simd, pace):
    network = random_network(shape)
    codes = np.random.default_rng(1).integers(0, 2, (12, shape[0]), np.uint8)
    codes[0], codes[1], codes[2] = 0, 1, np.arange(shape[0]) % 2    # All pairs differ.
    dut = Counted(Engine(network, Folding([Fold(*fold) for fold in folds], simd)))
    classes = run(dut, dut.x, dut.y, map(bits.to_int, codes), len(codes), **pace)
    assert classes == forward.classify_all(network, codes).tolist()


@pytest.mark.parametrize("hidden", [0b010101, 0b101010, 0b111111])
def test_a_score_may_need_all_the_bits_there_are(hidden):
    """With the offset 5 the greatest score of this folding has just room in four bits: what fills
    up the last word of the readout must not count."""
    bits_of_hidden = bits.from_int(hidden, 6)
    layer = Layer(np.zeros((6, 2), np.uint8), np.where(bits_of_hidden, 0, 3))
    weights = np.stack([1 - bits_of_hidden, bits_of_hidden]).astype(np.uint8)
    network = Network([layer], OutputLayer(weights, np.array([0, 5])))
    dut = Engine(network, Folding([Fold(1, 1)], 4))
    assert run(dut, dut.x, dut.y, [0], 1) == [1]


@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_the_narrowest_readout_of_few_classes(n_classes):
    """Words come every two cycles, which is sooner than a score is written and read again."""
    network = random_network((20, 12, n_classes))
    codes = np.random.default_rng(1).integers(0, 2, (30, 20), np.uint8)
    folding = with_readout(network.shape, [Fold(1, 10)])
    dut = Counted(Engine(network, folding))
    classes = run(dut, dut.x, dut.y, map(bits.to_int, codes), len(codes))
    assert classes == forward.classify_all(network, codes).tolist()
    assert folding.readout_simd == 2


@pytest.mark.parametrize("folds, simd, said", [
    ([], 1, r"A network of 1 layers needs as many folds, not 0"),
    ([(1, 21)], 1, r"A fold of a layer of 13 neurons with 20 inputs must have PE 1 to 13 and "
                   r"SIMD 1 to 20, not PE 1 and SIMD 21"),
    ([(1, 20)], 11, r"A readout of 10 classes cannot take 11 of 13 bits at a time: it would miss "
                    r"some")])
def test_a_folding_must_fit_the_network(folds, simd, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        Engine(random_network((20, 13, 10)), Folding([Fold(*fold) for fold in folds], simd))


@pytest.mark.parametrize("shape, folds, simd", CASES, ids=str)
def test_the_slowest_block_sets_the_rate(shape, folds, simd):
    folding = Folding([Fold(*fold) for fold in folds], simd)
    dut = Engine(random_network(shape), folding)
    cycles = folding.period(shape)
    answers = []

    async def bench(ctx):
        ctx.set(dut.x.valid, 1)
        for tick in range(20 * cycles + 200):
            _, _, done = await ctx.tick().sample(dut.y.valid)
            answers.extend([tick] * done)

    simulate(dut, bench)
    assert set(np.diff(answers)[-10:]) == {cycles}
