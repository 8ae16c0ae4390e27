"""The generated Verilog of the whole accelerator equals golden, in both simulators."""

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hw.accelerator import Accelerator
from hw.flow import verilog
from hw.plan import folding
from hw.plan.folding import Fold, Folding, with_readout
from sw.golden import bits
from sw.golden.codes import load_codes, save_codes
from sw.golden.network import Network, random_network

DATA = Path(__file__).parent / "data"


def ask(simulator, network, fold, codes, tmp_path):
    """Run the bench on ``codes``, bits of shape ``(n, n_in)``."""
    network.save(tmp_path / "network.safetensors")
    save_codes(tmp_path / "codes.safetensors", bits.pack(codes), np.zeros(len(codes), int),
               network.n_in)
    source = verilog.convert(Accelerator(network, fold), "accelerator")
    simulator.build(source, "accelerator").run(
        "sim.benches.accelerator", tmp_path, NETWORK=str(tmp_path / "network.safetensors"),
        CODES=str(tmp_path / "codes.safetensors"))


def test_trained_network_equals_golden_on_codes_of_digits(simulator, tmp_path):
    network = Network.load(DATA / "digits.network.safetensors")
    codes, _ = load_codes(DATA / "digits.codes.safetensors")
    limit = {"verilator": 100, "icarus": 10}[simulator.name]
    ask(simulator, network, folding.default(network.shape), codes[:limit], tmp_path)


def test_two_folded_layers_equal_golden(simulator, tmp_path):
    network = random_network((20, 13, 14, 3))
    codes = np.random.default_rng(1).integers(0, 2, (30, 20), np.uint8)
    # Nothing divides anything, and the readout's last word has one chunk of three.
    ask(simulator, network, Folding([Fold(3, 7), Fold(4, 4)], 12), codes, tmp_path)


def drawn(number: int) -> tuple[tuple[int, ...], Folding]:
    """Draw a shape of one to six layers of 1 to 1024 neurons, and a folding of it."""
    draw = random.Random(number)
    while True:
        depth = number % 6
        shape = tuple(round(2 ** draw.uniform(0, 10)) for _ in range(depth + 1))
        shape = (*shape, draw.choice([1, 2, 3, 10, draw.randint(1, 256)]))
        # What Icarus can simulate in a second or two.
        if sum(a * b for a, b in pairwise(shape)) < 40_000:
            break
    folds = []
    for n_in, n_out in pairwise(shape[:-1]):
        simd = draw.randint(-(-n_in // 8), min(n_in, 150))
        folds.append(Fold(draw.randint(1, min(n_out, 8, -(-150 // simd))), simd))
    return shape, with_readout(shape, folds)


@pytest.mark.parametrize("simulator", ["icarus"], indirect=True)
@pytest.mark.parametrize("number", range(54))
def test_any_shape_in_any_folding_equals_golden(simulator, number, tmp_path):
    shape, fold = drawn(number)
    codes = np.random.default_rng(number).integers(0, 2, (4, shape[0]), np.uint8)
    codes[0], codes[1] = 0, 1
    ask(simulator, random_network(shape, seed=number), fold, codes, tmp_path)
