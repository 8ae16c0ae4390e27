"""The generated Verilog of a layer equals golden, in both simulators."""

import numpy as np
import pytest

from hw.blocks.layer import BinaryLayer
from hw.flow.tools import verilog
from hw.plan.folding import Fold
from sw.golden.network import Layer, Network, OutputLayer

N_IN, N_OUT = 32, 5    # A power of two: one bit too few anywhere shows.


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    layer = Layer(rng.integers(0, 2, (N_OUT, N_IN), np.uint8),
                  # Always, never, and three close to the mean count, where ties are common.
                  np.array([0, N_IN + 1, 15, 16, 17]))
    return Network([layer], OutputLayer(np.ones((2, N_OUT), np.uint8), np.zeros(2, int)))


# A compiler takes half a minute for what Icarus takes at once.
@pytest.mark.parametrize("simulator, fold", [
    ("icarus", Fold(1, 32)), ("icarus", Fold(3, 7)), ("verilator", Fold(3, 7))],
    ids=str, indirect=["simulator"])
def test_layer_equals_golden(simulator, network, fold, tmp_path):
    network.save(tmp_path / "network.safetensors")
    source = verilog.convert(BinaryLayer(network.layers[0], fold), "layer")
    simulator.build(source, "layer").run("sim.benches.layer", tmp_path,
                                         NETWORK=str(tmp_path / "network.safetensors"))
