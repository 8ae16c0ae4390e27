"""Networks of stages as QONNX files: in the field's executor every score is golden's."""

import hashlib

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")

import onnx

from sw.golden import fast
from sw.golden.network import random_network
from sw.golden.qonnx import writer
from sw.golden.stages import Dense, Readout, Signature
from tests.qonnx_runs import channels_last, sums
from tests.stage_lists import LISTS

COUNT = 50


def graph_values(network, codes):
    """Return what the graph takes for codes: signs or pixels, each sample a vector or a map."""
    takes, stages = network.input, network.signature.stages
    elements = (codes.reshape(len(codes), -1, takes.bits) << np.arange(takes.bits)).sum(axis=-1)
    values = (elements if takes.bits > 1 else 2 * elements - 1).astype(np.float32)
    if isinstance(stages[0], Dense | Readout):
        return values
    return values.reshape(len(codes), *takes.shape).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("text", LISTS)
def test_every_score_is_goldens(tmp_path, text):
    network = random_network(Signature.parse(text), seed=1)
    codes = np.random.default_rng(0).integers(0, 2, (COUNT, network.n_in), np.uint8)
    codes[0], codes[1] = 0, 1
    path = tmp_path / "network.onnx"
    writer.save(network, path, COUNT)
    onnx.checker.check_model(onnx.load(path), full_check=False)
    scores = fast.trace_all(network, codes)[-1]
    given = sums(path, graph_values(network, codes))
    if network.n_classes == 1:
        assert (given == 0).all()
    else:
        assert np.array_equal(given, 2 * scores - network.readout.n_in)


@pytest.mark.parametrize("text", ["9x9x2:8-4b0-5s2b0-3", "8x8x3:8-6-5p-d7-4", "6x6x1-4p-3"])
def test_hls4mls_conversion_keeps_every_score(tmp_path, text):
    """The field's front ends first turn all maps, so that the channel is last."""
    network, path = random_network(Signature.parse(text), seed=1), tmp_path / "network.onnx"
    codes = np.random.default_rng(0).integers(0, 2, (5, network.n_in), np.uint8)
    writer.save(network, path)
    channels_last(path)
    given = [sums(path, graph_values(network, code[None]))[0] for code in codes]
    assert np.array_equal(given, 2 * fast.trace_all(network, codes)[-1] - network.readout.n_in)


# Of its own front end, version 1.3: it refuses any other, and pads with 0 alone.
HLS4ML = {"Add", "BipolarQuant", "Conv", "Flatten", "MatMul", "MaxPool", "Quant", "Reshape",
          "Transpose"}


@pytest.mark.parametrize("text", ["12-9-5", "9x9x2:8-4b0-5s2b0-3", "8x8x3:8-6b0-5b0p-d7-4"])
def test_hls4ml_has_all_operators(tmp_path, text):
    path = tmp_path / "network.onnx"
    writer.save(random_network(Signature.parse(text), seed=1), path)
    graph = onnx.load(path).graph
    assert {node.op_type for node in graph.node} <= HLS4ML
    maps = {value.name for value in graph.value_info if len(value.type.tensor_type.shape.dim) == 4}
    assert not any(maps & {*node.output} for node in graph.node if node.op_type == "Add")


@pytest.mark.parametrize("shape, batch, expected", [
    ((1, 1, 1), 1, "4354a5b18b9083a1"), ((200, 128, 10), 1, "2f642ad5f0716522"),
    ((33, 31, 7, 2), 7, "fec005ca827baf89")], ids=str)
def test_the_bytes_of_what_is_fully_connected_stay(tmp_path, shape, batch, expected):
    writer.save(random_network(shape, seed=3), tmp_path / "network.onnx", batch)
    content = (tmp_path / "network.onnx").read_bytes()
    assert hashlib.sha256(content).hexdigest()[:16] == expected
