# amaranth: UnusedElaboratable=no
"""Another network, loaded word by word, equals golden; so does one loaded on top of it."""

import numpy as np
import pytest
from amaranth.lib.memory import Memory

from hw.accelerator import Accelerator
from hw.blocks.loader import Layout
from hw.blocks.wire.link import Link
from hw.engine import Engine, memories
from hw.plan.folding import Fold, parse, with_readout
from sw.golden import bits, forward, frame
from sw.golden.network import Network, OutputLayer, random_network
from tests.counted import Counted
from tests.streams import PACES, get, put, run, simulate

CASES = [  # shape, (pe, simd) of each layer
    ((40, 16, 2), [(1, 40)]),
    ((41, 23, 10), [(3, 7)]),
    ((60, 13, 3), [(13, 20)]),
    ((64, 32, 16, 3), [(4, 64), (1, 32)]),
    ((9, 7, 5, 3, 2, 4), [(2, 9), (1, 1), (3, 2), (2, 3)]),
    ((50, 10), []),
    ((1, 1, 1), [(1, 1)]),
]


@pytest.mark.parametrize("shape, folds", CASES, ids=str)
def test_another_network_equals_golden(shape, folds):
    networks = [random_network(shape, seed=seed) for seed in range(2)]
    folding = with_readout(shape, [Fold(*fold) for fold in folds])
    codes = np.random.default_rng(1).integers(0, 2, (6, shape[0]), np.uint8)
    dut = Counted(Engine(networks[0], folding, reloadable=True))
    load, seen = dut.block.load, []

    async def bench(ctx):
        for network in [*networks, networks[0]]:
            for address, word in enumerate(Layout(memories(network, folding)).words()):
                ctx.set(load, {"valid": int(word >= 0), "address": address, "word": max(word, 0)})
                await ctx.tick()
            ctx.set(load.valid, 0)
            for code in codes:
                ctx.set(dut.x.payload, bits.to_int(code))
                ctx.set(dut.x.valid, 1)
                taken = False
                while not taken:
                    _, _, taken = await ctx.tick().sample(dut.x.ready)
                ctx.set(dut.x.valid, 0)
                while not ctx.get(dut.y.valid):
                    await ctx.tick()
                seen.append((ctx.get(dut.y.payload), forward.classify(network, code)))

    simulate(dut, bench)
    assert [klass for klass, _ in seen] == [klass for _, klass in seen]
    assert len(seen) == 3 * len(codes)


@pytest.mark.parametrize("n_in", [40, 57, 60])
@pytest.mark.parametrize("pace", PACES, ids=str)
def test_words_of_a_request_arrive_and_are_answered(n_in, pace):
    n_words = frame.words_per_load(n_in)
    requests = [(number, address, np.random.default_rng(address).integers(0, 1 << 16, n_words))
                for number, address in enumerate([0, 1, 0xFFFF0, (1 << 24) - n_words])]
    dut, seen = Link(n_in, 2, reloadable=True), []
    sent = b"".join(frame.load(frame.N_SEQUENCES + number, address, words.tolist(), n_in)
                    for number, address, words in requests)
    expected = b"".join(frame.answer(frame.N_SEQUENCES + number, 0) for number, *_ in requests)
    answers = []

    async def listen(ctx):
        while len(answers) < len(expected):
            _, _, load, code = await ctx.tick().sample(dut.load, dut.code.valid)
            assert not code
            if load.valid:
                seen.append((load.address, load.word))

    async def producer(ctx):
        await put(ctx, dut.from_host, sent, pace.get("gaps", (0,)))

    async def consumer(ctx):
        for byte in await get(ctx, dut.to_host, len(expected), pace.get("stalls", (0,)),
                              pace.get("shy", False)):
            answers.append(byte)

    simulate(dut, producer, consumer, listen)
    assert bytes(answers) == expected
    assert seen == [(address + at, word) for _, address, words in requests
                    for at, word in enumerate(words)]


def test_a_load_is_dropped_where_nothing_can_be_loaded():
    dut = Link(40, 2)
    sent = frame.load(frame.N_SEQUENCES + 1, 0, [1], 40) + frame.request(2, np.ones(40, np.uint8))
    assert run(dut, dut.from_host, dut.code, sent, 1) == [(1 << 40) - 1]


@pytest.mark.parametrize("shape, plan, said", [
    ((39, 2), "none", "A network that can be reloaded must have at least 40 inputs, not 39"),
    ((40, 3, 2), "hardwired", "A hard-wired engine has its weights in logic and cannot be "
                              "reloaded: take a folded one")])
def test_what_cannot_be_reloaded(shape, plan, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        Accelerator(random_network(shape), parse(plan, shape), reloadable=True)


def test_where_words_are():
    # Two columns of ten bits, filled up to four rows, then one of four bits.
    layout = Layout({"wide": Memory(shape=20, depth=2, init=[0xABCDE, 0x12345]),
                     "narrow": Memory(shape=4, depth=4, init=[1, 2, 3, 4])})
    assert layout.words().tolist() == [
        0x0DE, 0x345, -1, -1, 0x2AF, 0x048, -1, -1, 1, 2, 3, 4]
    assert list(layout.loads(n_in=24 + 2 * 16)) == [
        (0, [0x0DE, 0x345]), (4, [0x2AF, 0x048]), (8, [1, 2]), (10, [3, 4])]


@pytest.mark.parametrize("offset", [0, 25])
def test_scores_are_as_wide_for_any_offsets_of_use(offset):
    # With 26 inputs the highest sum of all, with an offset of 25, is a power of two.
    readout = OutputLayer(np.ones((2, 26), np.uint8), np.array([0, offset]))
    assert memories(Network([], readout), parse("none", (26, 2)), reloadable=False)[
        "the readout's offsets"].shape == 7
