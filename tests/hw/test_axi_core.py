# amaranth: UnusedElaboratable=no
"""A core equals golden, and its latency, period and room are what it says."""

import random

import numpy as np
import pytest

from hw.axi_core import AxiCore
from hw.plan import plans
from sw.golden import bits, fast
from sw.golden.network import Layer, Network, OutputLayer, random_network
from sw.golden.stages import Signature
from tests.streams import get, put, simulate

CORES = [    # Network, engine, scores
    ("20-16-3", "2x7", True), ("12-5-4-3", "3x7,2x5", False), ("16-6", "none", True),
    ("1-1-1", "1x1", False), ("7-5-1", "1x3", True), ("9-2-256", "2x9", False),
    ("20-6-3", "hardwired", True), ("8-4-2", "hardwired", False), ("9-2-1", "hardwired", False),
    ("3x3x1:8-3p-2", "serial 2x4", True), ("16-8-5", "serial 8x8", True),
    ("3-1", "serial 1x1", False), ("17-2", "serial 1x32", False), ("64-2", "serial 1x64", False),
    ("4x4x4:8-c1k4s4b0-2", "serial 1x64", False),
]
IDS = [" ".join(row[:2]) for row in CORES]


def beats(packet: bytes):
    return [{"data": byte, "last": at == len(packet) - 1} for at, byte in enumerate(packet)]


def answer(core: AxiCore, scores) -> bytes:
    size = core.score_bytes
    return bytes([int(np.argmax(scores))]) + b"".join(
        int(score).to_bytes(size, "little", signed=True) for score in scores if size)


def run(core: AxiCore, packets, count: int, gaps=(0,), stalls=(0,)):
    """Send packets; return ``count`` answers, the cycle in which each packet ended and each answer
    began, and the number of errors."""
    ended, began, errors, received = [], [], [], []

    async def watch(ctx):
        now, is_first = 0, True
        async for _, _, packet, sent, said, told, error in ctx.tick().sample(
                core.packets.payload, core.packets.valid & core.packets.ready,
                core.answers.payload, core.answers.valid, core.error):
            if sent and packet.last:
                ended.append(now)
            if told and is_first:
                began.append(now)
                is_first = False
            if told and ctx.get(core.answers.ready):
                is_first = bool(said.last)
            errors.extend([now] * error)
            now += 1

    async def source(ctx):
        await put(ctx, core.packets, [beat for packet in packets for beat in beats(packet)], gaps)

    async def sink(ctx):
        for beat in await get(ctx, core.answers, count * core.out_bytes, stalls):
            received.append((beat.data, beat.last))

    simulate(core, source, sink, background=[watch])
    lasts = [last for _, last in received]
    assert lasts == [*[0] * (core.out_bytes - 1), 1] * count
    data = bytes(byte for byte, _ in received)
    return ([data[at:at + core.out_bytes] for at in range(0, len(data), core.out_bytes)],
            ended, began, len(errors))


def inputs(network, count):
    codes = np.random.default_rng(1).integers(0, 2, (count, network.n_in), np.uint8)
    codes[0], codes[1] = 0, 1
    return codes


@pytest.mark.parametrize("text, fold, scores", CORES, ids=IDS)
def test_a_core_equals_golden_in_the_cycles_it_says(text, fold, scores):
    network = random_network(Signature.parse(text))
    core = AxiCore(network, plans.parse(fold, network.signature), scores=scores)
    # So many that the room for answers would be used up if none came back.
    codes = inputs(network, core.depth + 5)
    answers, ended, began, errors = run(core, map(bits.to_bytes, codes), len(codes))
    assert answers == [answer(core, row) for row in fast.trace_all(network, codes)[-1]]
    assert (began[0] - ended[0], errors) == (core.latency, 0)
    assert set(np.diff(began)[core.depth + 1:].tolist()) == {core.period}


@pytest.mark.parametrize("text, fold", [
    ("9-5-3", "1x9"), ("20-6-3", "hardwired"), ("2x2x1:8-2-2", "serial 1x4"),
    ("9-3", "serial 1x1")])
def test_only_packets_of_the_right_length_are_answered(text, fold):
    """Whatever fills up the last byte is ignored; a sink that stops for long loses nothing."""
    network = random_network(Signature.parse(text))
    core = AxiCore(network, plans.parse(fold, network.signature))
    codes, draw = inputs(network, 15), random.Random(1)
    size, unused = core.in_bytes, 0xFF & ~(0xFF >> -network.n_in % 8)
    packets, wrong = [], 0
    for code in codes:
        for length in draw.choices([1, size - 1, size + 1, 4 * size], k=draw.randrange(3)):
            if length not in (0, size):
                packets.append(draw.randbytes(length))
                wrong += 1
        packet = bits.to_bytes(code)
        packets.append(packet[:-1] + bytes([packet[-1] | unused]))
    answers, _, _, errors = run(core, packets, len(codes), (0, 2, 0, 0, 1), (0, 0, 150, 1, 7))
    assert [each[0] for each in answers] == fast.classify_all(network, codes).tolist()
    assert errors == wrong


@pytest.mark.parametrize("fold", ["1x6", "serial 1x4", "hardwired"])
def test_scores_may_be_far_apart(fold):
    """A class that cannot win has its score, too, which the serial engine does not need."""
    rng = np.random.default_rng(1)
    network = Network([Layer(rng.integers(0, 2, (5, 6), np.uint8), np.full(5, 3))],
                      OutputLayer(rng.integers(0, 2, (3, 5), np.uint8), np.array([0, 65_535, 300])))
    core = AxiCore(network, plans.parse(fold, network.signature), scores=True)
    codes = inputs(network, 6)
    answers, *_ = run(core, map(bits.to_bytes, codes), 6)
    assert core.score_bytes == 4
    assert answers == [answer(core, row) for row in fast.trace_all(network, codes)[-1]]


def test_a_class_is_a_byte():
    with pytest.raises(ValueError, match=(
            r"^A core tells at most 256 classes, not 257: train a network of fewer$")):
        AxiCore(random_network((4, 257)), plans.parse("none", Signature.dense(4, 257)))
