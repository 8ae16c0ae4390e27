"""Convolutions, pools and pixels in ONNX files: read, and equal to their graphs in the executor."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("qonnx", reason="needs qonnx: pip install '.[onnx]'")

import onnx
from onnx import numpy_helper

from sw.golden import fast
from sw.golden.network import NetworkFileError, random_network
from sw.golden.qonnx import executor, reader, writer
from sw.golden.stages import Signature
from tests import brevitas_cnv, qonnx_runs
from tests.map_forms import FORMS, write_form, write_pool_last
from tests.soak import graphs
from tests.stage_lists import LISTS

COUNT = 50
BREVITAS = Path(__file__).parents[2] / "data/brevitas_cnv.onnx"


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


@pytest.mark.parametrize("text", ["9x9x2:8-4b0-5s2b0-3", "8x8x3:4-6b0-5b0p-d7-4", "6x6x1-4k2b0p-3",
                                  "10x10x2:8-5k4s2b1-6k1-4"])
def test_what_finn_lowers_is_the_same_network(tmp_path, text):
    """Its Im2Col and MatMul are the convolution that they come from."""
    network, path = random_network(Signature.parse(text), seed=3), tmp_path / "network.onnx"
    writer.save(network, path)
    qonnx_runs.lowered(path)
    assert {"Im2Col", "MatMul"} <= {node.op_type for node in onnx.load(path).graph.node}
    assert reader.load(path).network.to_bytes() == network.to_bytes()
    assert executor.check(path, 30) == "equal to the graph in another program, on 30 inputs"


@pytest.mark.parametrize("name, value, said", [
    ("depthwise", 1, "it must take all channels of its input"),
    ("input_shape", "(1,8,8,3)", "it must take all channels of its input"),
    ("pad_amount", [1, 0, 0, 1], "a convolution has one stride and the same border"),
    ("pad_amount", [1, 1, 1, 1, 1], "its pads must be four numbers"),
    ("dilations", [2, 2], "its window is dilated by 2"),
    ("stride", [1], "its kernel, strides and dilations must be two numbers each"),
    ("kernel_size", [3, 2], "its weights take 18 numbers, but a window has 12"),
    ("pad_value", -1, "its border of -1 is not what its input is at the least, 0"),
], ids=["depthwise", "another shape", "pads apart", "five pads", "gaps", "one stride",
        "another window", "a border of -1"])
def test_other_windows_of_im2col_are_refused(tmp_path, name, value, said):
    path = tmp_path / "network.onnx"
    writer.save(random_network(Signature.parse("9x9x2:8-4-3"), seed=3), path)
    qonnx_runs.lowered(path)
    model = onnx.load(path)
    node = next(each for each in model.graph.node if each.op_type == "Im2Col")
    kept = [each for each in node.attribute if each.name != name]
    node.ClearField("attribute")
    node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])
    onnx.save(model, path)
    with pytest.raises(NetworkFileError, match=said):
        reader.load(path)


def test_im2col_takes_one_sample_at_a_time(tmp_path):
    path = tmp_path / "network.onnx"
    writer.save(random_network(Signature.parse("9x9x2:8-4b0-3")), path, batch=2)
    qonnx_runs.lowered(path)
    with pytest.raises(NetworkFileError, match="takes one sample at a time, but its batch is "):
        reader.load(path)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_the_field_is_equal_to_its_graph(tmp_path, name):
    path = write_form(name, tmp_path / "model.onnx")
    assert executor.check(path, 200) == "equal to the graph in another program, on 200 inputs"


def test_a_convolutional_network_as_brevitas_exports_it():
    """As Brevitas 0.13 does, with ``tests/brevitas_cnv.py``; for any batch."""
    imported = reader.load(BREVITAS)
    assert str(imported.network) == brevitas_cnv.SHAPE
    codes = imported.inputs.codes(imported.inputs.draw(300, seed=0))
    assert len(np.unique(fast.classify_all(imported.network, codes))) == 5
    assert executor.check(BREVITAS, 100) == "equal to the graph in another program, on 100 inputs"


@pytest.mark.filterwarnings("ignore")    # Of Brevitas' own dependencies.
@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
def test_what_brevitas_exports_today(tmp_path, dynamo):
    pytest.importorskip("brevitas", reason="needs Brevitas, which wants an environment of its own: "
                                           "pip install brevitas onnxoptimizer")
    path = brevitas_cnv.export(tmp_path / "model.onnx", dynamo, seed=1)
    assert str(reader.load(path).network) == brevitas_cnv.SHAPE
    assert executor.check(path, 30) == "equal to the graph in another program, on 30 inputs"


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
