"""Random networks in random plans, folded, hard-wired and loaded, against a second reference."""

import random
import warnings
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from hw.accelerator import Accelerator, check
from hw.flow import loading
from hw.flow.tools import verilog
from hw.plan import folding
from hw.plan.folding import Fold, Folding, Hardwired, Plan
from sw.golden.network import Layer, Network, OutputLayer
from tests import independent

from . import Row, bench, share

__all__ = ["run"]

NETWORKS = 300           # Of a soak.
N_CODES = 5
KINDS = ("folded", "hard-wired", "loaded")
# Weights, and synapses a cycle. Of what is loaded every bit goes through all of these.
MOST = {"folded": (2_000, 10_000), "hard-wired": (2_000, 0), "loaded": (600, 100)}
FIRST_LOAD = 128
PAUSE, LONGEST, SILENCE = 0x300, 0xFF, 0x100    # Words of the bench: see bytes.v.


def draw_shape(draw: random.Random, kind: str) -> tuple[int, ...]:
    """Draw widths; what is loaded has codes of 72 bits, and so three words in a frame."""
    while True:
        shape = (*(round(2 ** draw.uniform(0, 7)) for _ in range(draw.randint(1, 5))),
                 draw.choice([1, 2, 3, 4, 10, draw.randint(1, 256)]))
        if (sum(a * b for a, b in pairwise(shape)) <= MOST[kind][0]
                and (kind != "loaded" or 72 <= shape[0] < 100)):
            return shape


def draw_network(draw: random.Random, shape: Sequence[int]) -> Network:
    """Draw weights, some rows all alike, thresholds from always to never, and offsets."""
    rng = np.random.default_rng(draw.getrandbits(32))

    def weights(n_out: int, n_in: int) -> np.ndarray:
        drawn = rng.integers(0, 2, (n_out, n_in), np.uint8)
        drawn[rng.random(n_out) < 0.1] = rng.integers(0, 2)
        return drawn

    layers = []
    for n_in, n_out in pairwise(shape[:-1]):
        near = np.clip(rng.normal(n_in / 2, max(1, n_in ** 0.5 / 2), n_out).round(), 0, n_in + 1)
        thresholds = np.where(rng.random(n_out) < 0.1, rng.choice([0, 1, n_in, n_in + 1], n_out),
                              near).astype(int)
        layers.append(Layer(weights(n_out, n_in), thresholds))
    offsets = rng.integers(0, draw.choice([1, 3, shape[-2] + 1]), shape[-1])
    return Network(layers, OutputLayer(weights(shape[-1], shape[-2]), offsets - offsets.min()))


def draw_plan(draw: random.Random, shape: Sequence[int], most: int) -> Folding:
    """Draw a folding of mostly no more than 300 cycles, and a readout that keeps pace.

    A layer evaluates at most ``most`` synapses a cycle, or those of one neuron.
    """
    while True:
        folds = []
        for n_in, n_out in pairwise(shape[:-1]):
            simd = draw.randint(1, n_in)
            folds.append(Fold(draw.randint(1, max(1, min(n_out, most // simd))), simd))
        plan = folding.with_readout(shape, folds)
        wider = Folding(folds, draw.randint(plan.readout_simd, shape[-2]))
        for each in (wider, plan):
            try:
                each.check(shape)
            except ValueError:
                continue
            if each.period(shape) <= 300 or draw.random() < 0.1:
                return each


def disagreement(seed: int, kind: str) -> str:
    """Compare one network with the second reference; say what differs, or nothing."""
    draw = random.Random(f"{kind} {seed}")
    shape = draw_shape(draw, kind)
    plan: Plan = Hardwired() if kind == "hard-wired" else draw_plan(
        draw, shape, MOST[kind][1])
    network, held = draw_network(draw, shape), None
    requests = b""
    if kind == "loaded":
        # One that is built, which knows other weights, then what is loaded on top of it.
        held, loads = draw_network(draw, shape), loading.requests(network, plan)
        requests = b"".join(make(FIRST_LOAD + number % 64) for number, make in enumerate(loads))
    check(network, plan, reloadable=held is not None)
    n_in, file = shape[0], network.to_bytes()
    codes = [0, (1 << n_in) - 1, *(draw.getrandbits(n_in) for _ in range(N_CODES - 2))]
    first = draw.randint(0, 127)
    numbered = [((first + number) % 128, code) for number, code in enumerate(codes)]
    expected = b"".join(independent.answer(FIRST_LOAD + number % 64, 0)
                        for number in range(len(loads))) if held else b""
    expected += b"".join(independent.answer(number, independent.classify(file, code))
                         for number, code in numbered)
    requests += b"".join(independent.request(number, code, n_in) for number, code in numbered)
    gaps = draw.random() < 0.5
    words = [word for byte in requests for word in
             ([PAUSE + draw.randint(1, 20), byte] if gaps and draw.random() < 0.1 else [byte])]
    n_pauses = -(-2 * sum(plan.cycles(shape)) // LONGEST) + 2
    with warnings.catch_warnings():    # What Amaranth says of signals, it says to designers.
        warnings.simplefilter("ignore")
        dut = Accelerator(held or network, plan, reloadable=held is not None)
        source = verilog.convert(dut, "accelerator")
    given = bench.build(source, "icarus").run(
        np.array([*words, *[PAUSE + LONGEST] * n_pauses, SILENCE], np.uint16)) % 256
    if bytes(given.tolist()) == expected:
        return ""
    return (f"{kind} {seed}: {network} in {plan}, {'with' if gaps else 'without'} pauses: "
            f"{bytes(given.tolist()).hex()} is not {expected.hex()}")


def run(scale: float) -> list[Row]:
    """Draw so many networks of each kind."""
    rows = []
    for kind in KINDS:
        count = share(NETWORKS // len(KINDS), scale)
        found = [each for seed in range(count) if (each := disagreement(seed, kind))]
        rows.append(Row(f"any network, {kind}", count, len(found), "; ".join(found)[:300]))
    return rows
