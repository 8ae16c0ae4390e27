import re

import pytest
import torch
from safetensors.torch import save_file

from sw.models.checkpoint import CheckpointError, load_checkpoint, save_checkpoint


def test_checkpoint_comes_back(tmp_path):
    state = {"a": {"epoch": 3, "seconds": 0.1, "model": {"x.y": torch.randn(2, 3)}},
             "b": {"step": torch.tensor(7.0), "count": torch.tensor(5), "name": "twin"}}
    save_checkpoint(tmp_path / "checkpoint", state)
    loaded = load_checkpoint(tmp_path / "checkpoint")
    assert torch.equal(loaded["a"]["model"].pop("x.y"), state["a"]["model"].pop("x.y"))
    assert loaded == state


@pytest.mark.parametrize("metadata, reason", [
    ({"format": "pt"}, "its format is 'pt', not 'hybnn-checkpoint-1'"),
    ({"values": "[1]"}, "its values must be a JSON object"),
    ({"values": "{"},
     "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
])
def test_what_is_no_checkpoint_is_refused(tmp_path, metadata, reason):
    path = tmp_path / "checkpoint"
    save_file({"x": torch.ones(1)}, path, {"format": "hybnn-checkpoint-1", **metadata})
    with pytest.raises(CheckpointError,
                       match=f"^{re.escape(f'{path} is not a checkpoint: {reason}')}$"):
        load_checkpoint(path)


@pytest.mark.parametrize("kept", [0, 7, 100])
def test_a_file_cut_short_is_refused(tmp_path, kept):
    path = tmp_path / "checkpoint"
    save_checkpoint(path, {"weights": torch.ones(100)})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"^.*checkpoint is not a checkpoint: .+$"):
        load_checkpoint(path)
