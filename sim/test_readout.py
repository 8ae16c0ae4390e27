"""The generated Verilog of the readout equals golden, in both simulators."""

from hw.blocks.readout import ArgmaxReadout
from hw.flow.tools import verilog
from sw.golden.network import random_network

CHUNK, PER_WORD = 3, 2    # 13 bits are five chunks, the last with one bit, in three words.


def test_readout_equals_golden(simulator, tmp_path):
    network = random_network((13, 5))
    network.save(tmp_path / "network.safetensors")
    readout = ArgmaxReadout(network.readout, chunk=CHUNK, per_word=PER_WORD)
    simulator.build(verilog.convert(readout, "readout"), "readout").run(
        "sim.benches.readout", tmp_path, NETWORK=str(tmp_path / "network.safetensors"),
        CHUNK=str(CHUNK))
