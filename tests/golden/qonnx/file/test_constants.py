"""Constants in a data file beside the ONNX file: read there, and nowhere else."""

import os

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")

import onnx

from sw.golden.network import NetworkFileError
from sw.golden.qonnx import reader
from sw.golden.regular import FileRefused
from tests.onnx_forms import FORMS, write


@pytest.fixture
def path(tmp_path):
    path = write(tmp_path / "model.onnx", FORMS["Brevitas' zoo"])
    onnx.save(onnx.load(path), tmp_path / "whole.onnx")
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="model.onnx.data",
              size_threshold=0)
    return path


def change(path, **entries):
    """Change what the first constant says of its place."""
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        entry.value = entries.get(entry.key, entry.value)
    path.write_bytes(model.SerializeToString())


def test_it_is_the_network_of_one_file(path):
    one, other = (reader.load(path.with_name(name)) for name in ("model.onnx", "whole.onnx"))
    assert one.network.to_bytes() == other.network.to_bytes()
    assert np.array_equal(one.inputs.least, other.inputs.least)


BEYOND = "the constant 'w0' lies beyond the end of its data file; export it anew"


@pytest.mark.parametrize("entries, said", [
    ({"location": "../model.onnx.data"}, "its constants lie in '../model.onnx.data'; let that be a "
                                         "file beside it"),
    ({"location": ""}, "its constants lie in ''; let that be a file beside it"),
    ({"location": ".."}, "its constants lie in '..'; let that be a file beside it"),
    ({"location": "other"}, "its constants lie in 'other', which is not there; put that file "
                            "beside it"),
    ({"offset": "99999999"}, BEYOND), ({"offset": "-4"}, BEYOND), ({"offset": "1e3"}, BEYOND),
    ({"length": "99999999"}, BEYOND), ({"length": "9" * 5000}, BEYOND),
    ({"length": "\u0661"}, BEYOND), ({"length": "4"}, "the constant 'w0' is damaged"),
], ids=["a folder up", "no name", "the folder above", "another name", "an offset behind the end",
        "an offset below zero", "an offset with an exponent", "too long", "too many digits",
        "digits of others", "too short"])
def test_what_does_not_lie_there_is_refused(path, entries, said):
    change(path, **entries)
    with pytest.raises(NetworkFileError) as error:
        reader.load(path)
    assert str(error.value).startswith(f"{path} is not taken: {said}")


def test_a_link_is_not_followed(path):
    data = path.with_name("model.onnx.data")
    data.rename(path.with_name("elsewhere"))
    data.symlink_to(path.with_name("elsewhere"))
    with pytest.raises(NetworkFileError, match="let that be a file beside it"):
        reader.load(path)


def test_a_pipe_is_not_waited_for(path):
    data = path.with_name("model.onnx.data")
    data.unlink()
    os.mkfifo(data)
    with pytest.raises(FileRefused, match="must be a file, not a named pipe"):
        reader.load(path)
