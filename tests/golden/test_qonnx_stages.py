"""Convolutions, pools and pixels in ONNX files: read, and equal to their graphs in the executor."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")

import onnx
from onnx import numpy_helper

from sw.golden import fast
from sw.golden.network import random_network
from sw.golden.qonnx import executor, reader, writer
from sw.golden.stages import Signature
from tests.map_forms import FORMS, write_form, write_pool_last
from tests.soak import graphs
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


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_the_field_is_equal_to_its_graph(tmp_path, name):
    path = write_form(name, tmp_path / "model.onnx")
    assert executor.check(path, 200) == "equal to the graph in another program, on 200 inputs"


def test_a_pool_with_the_channel_last(tmp_path):
    path = write_pool_last(tmp_path / "model.onnx")
    assert executor.check(path, 100) == "equal to the graph in another program, on 100 inputs"
    other = reader.load(write_form("FINN, channel last", tmp_path / "other.onnx"))
    assert reader.load(path).network.to_bytes() == other.network.to_bytes()


def test_a_channel_that_falls_behind_a_pool_is_inverted(tmp_path):
    """Where its scale is negative, the least of a square counts; golden's pool is an OR."""
    path = write_form("a pool before the norm", tmp_path / "model.onnx")
    model = onnx.load(path)
    scales = next(each for each in model.graph.initializer if each.name == "gamma")
    weights = [reader.load(path).network.readout.weights]
    scales.CopyFrom(numpy_helper.from_array(np.abs(numpy_helper.to_array(scales)), "gamma"))
    onnx.save(model, path)
    weights.append(reader.load(path).network.readout.weights)
    inverted = (weights[0] != weights[1]).reshape(5, 4, 4)    # By class, place and channel.
    assert (inverted == [False, True, False, True]).all()


@pytest.mark.parametrize("part", range(3))
def test_a_damaged_map_is_refused_or_equal(tmp_path, part):
    """By seed; ``python -m tests.soak --only graphs`` tries more."""
    found = graphs.damage_maps(tmp_path, range(40 * part, 40 * part + 40))
    assert found.keys() <= {"refused", "equal", "not run"}
    assert found["refused"] > 15 and found["equal"] > 2 and found["not run"] <= 6
