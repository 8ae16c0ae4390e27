"""The command that makes a network of plain arrays."""

import numpy as np
import pytest

from sw.golden.network import Network
from sw.importing import main


@pytest.fixture
def given(tmp_path):
    file = tmp_path / "weights.npz"
    np.savez(file, **{"0.weights": np.ones((5, 12)), "0.thresholds": np.arange(5),
                      "1.weights": np.ones((3, 5))})
    return str(file)


def test_it_writes_a_network(given, tmp_path, capsys):
    file = tmp_path / "new/network.safetensors"
    assert main([given, "--shape", "12-5-3", "--to", str(file)]) == 0
    assert Network.load(file).layers[0].thresholds.tolist() == [6, 7, 7, 8, 8]
    assert capsys.readouterr().out == f"{file} is 12-5-3: 75 weights\n"


@pytest.mark.parametrize("arguments, message", [
    (["--shape", "12-5-3", "--to", "a.onnx"],
     "a network file must end in .safetensors, not 'a.onnx'"),
    (["--shape", "12-5-4"], "'1.weights' must be numbers of shape (4, 5), not float64 of shape "
                            "(3, 5)"),
    (["--shape", "12x5"], "argument --shape: A network must be like 200-128-10 or "
                          "28x28x1:8-32s2-64p-10, not '12x5' (see --help)"),
], ids=["file", "shape", "text"])
def test_what_cannot_be_made_is_said_in_a_line(given, arguments, message, capsys):
    try:
        code = main([given, *arguments])
    except SystemExit as end:
        code = end.code
    assert (code, message in capsys.readouterr().err) == (2, True)


def test_a_file_that_is_none_is_refused(tmp_path, capsys):
    file = tmp_path / "weights.npz"
    file.write_bytes(b"PK\3\4")
    assert main([str(file), "--shape", "12-5-3"]) == 2
    said = f"error: {file} must be an NPZ file of arrays: File is not a zip file\n"
    assert capsys.readouterr().err == said
