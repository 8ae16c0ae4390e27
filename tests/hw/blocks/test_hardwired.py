"""The hard-wired engine equals golden for networks of every depth, at every pace."""

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import wiring

from hw.blocks.hardwired import HardwiredEngine, HardwiredLayer
from hw.blocks.wire.link import Link
from sw.golden import bits, forward
from sw.golden.network import Layer, Network, OutputLayer, random_network
from tests.streams import run, simulate

PACES = [{}, {"gaps": [0, 3, 1]}]
SHAPES = [(1, 1), (3, 2), (1, 1, 1), (2, 3, 2), (17, 5), (20, 23, 10), (64, 64, 10),
          (200, 16, 10), (20, 9, 7, 5, 4, 3, 2), (9, 7, 6, 5, 4, 3, 2, 3)]


def random_codes(n_in, count=40):
    codes = np.random.default_rng(1).integers(0, 2, (count, n_in), np.uint8)
    codes[0], codes[1] = 0, 1
    return codes


def classes_of(network, codes, **pace):
    dut = HardwiredEngine(network)
    return run(dut, dut.x, dut.y, map(bits.to_int, codes), len(codes), **pace)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("pace", PACES, ids=str)
def test_engine_equals_golden(shape, pace):
    network, codes = random_network(shape), random_codes(shape[0])
    assert classes_of(network, codes, **pace) == forward.classify_all(network, codes).tolist()


def each_threshold(n_in):
    """A neuron for every threshold, with the same weights, then with their complement."""
    weights = np.random.default_rng(2).integers(0, 2, (1, n_in), np.uint8)
    return Layer(np.concatenate([weights, 1 - weights]).repeat(n_in + 2, axis=0),
                 np.tile(np.arange(n_in + 2), 2))


def two_neurons(n_in, threshold):
    return Layer(np.tri(2, n_in, n_in // 2, dtype=np.uint8), np.full(2, threshold))


LAYERS = [each_threshold(1), each_threshold(7), each_threshold(8),
          *(two_neurons(6, threshold) for threshold in range(8))]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"{layer.n_in}-{layer.thresholds[0]}")
def test_every_threshold_of_every_input(layer):
    dut, seen = HardwiredLayer(layer), []

    async def bench(ctx):
        for x in range(2 ** layer.n_in + dut.latency):
            ctx.set(dut.x, x % 2 ** layer.n_in)
            seen.append(ctx.get(dut.y))
            await ctx.tick()

    simulate(dut, bench)
    assert seen[dut.latency:] == [
        bits.to_int(forward.hidden(layer, bits.from_int(x, layer.n_in)))
        for x in range(2 ** layer.n_in)]


NETWORKS = {
    "offsets win": Network([], OutputLayer(np.ones((3, 4), np.uint8),
                                           np.array([0, 65_535, 65_535]))),
    "all tie": Network([], OutputLayer(np.ones((5, 4), np.uint8), np.zeros(5, int))),
    "opposites": Network([], OutputLayer(np.array([[1, 0, 1], [0, 1, 0]], np.uint8),
                                         np.array([1, 0]))),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_edges(name):
    network = NETWORKS[name]
    codes = random_codes(network.n_in)
    assert classes_of(network, codes) == forward.classify_all(network, codes).tolist()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_latency_is_what_it_says(shape):
    dut = HardwiredEngine(random_network(shape))
    answers = []

    async def bench(ctx):
        ctx.set(dut.x.valid, 1)
        await ctx.tick()
        ctx.set(dut.x.valid, 0)
        for cycle in range(1, dut.latency + 10):
            answers.extend([cycle] * ctx.get(dut.y.valid))
            await ctx.tick()

    simulate(dut, bench)
    assert answers == [dut.latency]


def test_engine_fits_the_link():
    m = Module()
    m.submodules.link, m.submodules.engine = link, engine = Link(20, 3), HardwiredEngine(
        random_network((20, 3)))
    wiring.connect(m, link.code, engine.x)
    wiring.connect(m, engine.y, link.klass)
    simulate(m, deadline=1)
