"""Convolutions, pools and pixels in ONNX files: read, and equal to their graphs in the executor."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")

from sw.golden import fast
from sw.golden.network import random_network
from sw.golden.qonnx import executor, reader, writer
from sw.golden.stages import Signature
from tests.stage_lists import LISTS

COUNT = 50


@pytest.mark.parametrize("text", LISTS)
def test_a_list_of_stages_comes_back_from_its_file(tmp_path, text):
    network, path = random_network(Signature.parse(text), seed=2), tmp_path / "network.onnx"
    writer.save(network, path, COUNT)
    imported = reader.load(path)
    assert imported.network.signature.stages == network.signature.stages
    for layer, expected in zip(imported.network.layers, network.layers, strict=True):
        assert np.array_equal(layer.weights, expected.weights)
        assert np.array_equal(layer.thresholds, expected.thresholds)
    assert imported.network.n_in == network.n_in
    values = imported.inputs.draw(COUNT, seed=3)
    codes = imported.inputs.codes(values)
    assert np.array_equal(imported.inputs.codes(imported.inputs.values(codes)), codes)
    assert fast.classify_all(imported.network, codes).tolist() == executor.classify(path, values)
