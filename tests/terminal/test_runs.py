import os
from pathlib import Path

import pytest

from sw.terminal import runs


def test_the_newest_is_the_one_finished_last(tmp_path):
    for name, finished in [("c", 2), ("a", 3), ("b", 1), ("encoder", 4), ("unfinished", None)]:
        (tmp_path / name).mkdir()
        if name != "encoder":    # A run without a network for hardware.
            (tmp_path / name / "network.safetensors").touch()
        if finished:
            (tmp_path / name / "metrics.json").write_text("{}")
            os.utime(tmp_path / name / "metrics.json", (finished, finished))
    assert runs.newest(tmp_path) == tmp_path / "a"
    assert [runs.is_finished(tmp_path / name) for name in ("a", "unfinished")] == [True, False]


def test_without_a_finished_run(tmp_path):
    (tmp_path / "unfinished").mkdir()
    with pytest.raises(runs.NoRun, match=(
            rf"^No finished run in {tmp_path}/: train one first with python -m sw\.train$")):
        runs.newest(tmp_path)


@pytest.mark.parametrize("argument, network, codes", [
    ("run", "run/network.safetensors", "run/codes.safetensors"),
    ("run/network.safetensors", "run/network.safetensors", "run/codes.safetensors"),
    ("digits.network.safetensors", "digits.network.safetensors", "digits.codes.safetensors"),
    ("model.onnx", "model.onnx", "model.codes.safetensors"),
    ("model.safetensors", "model.safetensors", "model.codes.safetensors")])
def test_a_run_or_its_network_file(tmp_path, monkeypatch, argument, network, codes):
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    Path("run/network.safetensors").touch()
    assert runs.network_file(Path(argument)) == Path(network)
    assert runs.codes_file(Path(argument)) == Path(codes)


def test_a_folder_without_a_network(tmp_path):
    with pytest.raises(runs.NoRun, match=rf"^{tmp_path} holds no network\.safetensors: give the "):
        runs.network_file(tmp_path)
