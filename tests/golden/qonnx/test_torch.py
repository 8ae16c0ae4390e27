"""Forms of plain PyTorch: taken and equal to their graphs, or refused with the true reason."""

import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install '.[onnx]'")
pytest.importorskip("torch", reason="needs torch")

from sw.golden.network import NetworkFileError
from sw.golden.qonnx import executor, reader
from tests import torch_field, torch_forms
from tests.torch_forms import export

TAKEN = torch_forms.TAKEN | torch_field.TAKEN
REFUSED = torch_forms.REFUSED | torch_field.REFUSED
EQUAL = "equal to the graph in another program, on 100 inputs"


@pytest.mark.parametrize("name", TAKEN)
def test_a_form_is_equal_to_its_graph(tmp_path, name):
    assert executor.check(export(TAKEN[name], tmp_path / "model.onnx"), 100) == EQUAL


@pytest.mark.parametrize("name", REFUSED)
def test_a_form_is_refused_with_its_reason(tmp_path, name):
    make, said = REFUSED[name]
    with pytest.raises(NetworkFileError) as error:
        reader.load(export(make, tmp_path / "model.onnx"))
    assert said in str(error.value) and "\n" not in str(error.value)
