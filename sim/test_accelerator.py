"""The generated Verilog of the whole accelerator equals golden, in both simulators."""

from pathlib import Path

import numpy as np

from hw import folding, verilog
from hw.accelerator import Accelerator
from hw.folding import Fold, Folding
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
        "sim.bench_accelerator", tmp_path, NETWORK=str(tmp_path / "network.safetensors"),
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
