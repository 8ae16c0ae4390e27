import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from sw.models.autoencoder import Encoder
from sw.models.shape import EncoderShape
from sw.pretrain import main
from sw.training import task
from sw.training.asked.pretraining import Pretraining

ROOT = Path(__file__).parents[2]
SMALL = ["--side", "8", "--bits", "12", "--width", "2", "--batch", "8", "--epochs", "3",
         "--device", "cpu", "--workers", "0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Some small pictures in colour, smooth enough to be learnt from."""
    place = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(27):
        coarse = Image.fromarray(random.integers(0, 256, (3, 3, 3), np.uint8))
        coarse.resize((12, 10)).save(place / f"{number}.png")
    return place


def weights(run):
    return load_file(run / "encoder.safetensors")


def test_two_processes_give_what_one_gives(tmp_path, folder):
    # In float64: Adam makes steps of what rounding left of a gradient of zero in float32.
    arguments = ["--images", str(folder), *SMALL, "--colour", "--distort", "--binarizer", "sd",
                 "--precision", "64-true"]
    assert main([*arguments, "--out", str(tmp_path / "one")]) == 0
    subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone",
                    "--nproc-per-node", "2", "-m", "sw.pretrain", *arguments,
                    "--out", str(tmp_path / "two")],
                   check=True, timeout=500, capture_output=True, cwd=ROOT,
                   env={**os.environ, "PYTHONPATH": str(ROOT)})
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert one.keys() == two.keys()
    assert max(float(np.abs(one[name] - two[name]).max()) for name in one) < 1e-6
    assert json.loads((tmp_path / "two/metrics.json").read_text())["processes"] == 2


def test_an_interrupted_run_goes_on_to_the_same_encoder(tmp_path, monkeypatch, capsys, folder):
    arguments = ["--images", str(folder), *SMALL]
    assert main([*arguments, "--out", str(tmp_path / "whole")]) == 0
    original = task.Training.run_epoch

    def run_epoch(self, data, tick):
        if self.epoch == 1:
            raise KeyboardInterrupt
        return original(self, data, tick)

    with monkeypatch.context() as patch:
        patch.setattr(task.Training, "run_epoch", run_epoch)
        assert main([*arguments, "--out", str(tmp_path / "cut")]) == 130
    resume = ["--resume", str(tmp_path / "cut")]
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"interrupted; go on with: python -m sw.pretrain {' '.join(resume)}")
    assert main(resume) == 0
    encoders = [(tmp_path / name / "encoder.safetensors").read_bytes() for name in ("cut", "whole")]
    assert encoders[0] == encoders[1]
    losses = [json.loads((tmp_path / name / "metrics.json").read_text())["losses"]
              for name in ("cut", "whole")]
    assert losses[0] == losses[1] and losses[0][-1] < losses[0][0]


def test_what_cannot_be_read_is_said(tmp_path, capsys, folder):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "1.png").write_bytes(b"")
    assert main(["--images", str(tmp_path), *SMALL, "--out", str(tmp_path / "run")]) == 0
    assert (f"\n1 of them could not be read, and others stood in for them; {tmp_path / '1.png'} "
            "holds no picture: ") in capsys.readouterr().out
    encoder = Encoder.load(tmp_path / "run/encoder.safetensors")
    assert encoder.shape == EncoderShape(12, 2, side=8)


@pytest.mark.parametrize("argv, message", [
    ([], "Nothing to train on: pass --images DIR"),
    (["--images", "nowhere"], "nowhere must be a folder with image files (bmp, gif, jpg, jpeg, png,"
                              " pgm, pnm, ppm, tif, tiff, webp), in it or below"),
    (["--images", "here", "--side", "7"], "The side must be 8 to 512, not 7"),
    (["--images", "here", "--bits", "0"], "The code must be 1 to 65535, not 0"),
    (["--images", "here", "--device", "tpu"], "The device must be auto, cpu or cuda, not 'tpu'"),
    (["--images", "here", "--out", "here", "--device", "cpu"],
     "here is not empty; --out needs a new folder"),
    (["--images", "here", "--out", "run", "--device", "cpu"],
     "A batch must be at most 1 images, which is all there are, and a multiple of 1, the number of "
     "processes, not 500"),
    (["--images", "here", "--out", "run", "--workers", "-1"],
     "The workers must be 0 or more, not -1"),
    (["--images", "here", "--out", "run", "--batch", "0"], "The batch must be 1 to 2147483647, "
                                                           "not 0"),
    (["--images", "dark", "--out", "run", "--batch", "1"],
     "None of the 1 image files in dark can be read; dark/a.png holds no picture: give a PNG or a "
     "JPEG file"),
    (["--resume", "here"], "here is not the folder of a run: it has no pretraining.json"),
    (["--resume", "vague"], "vague/pretraining.json is not the configuration of sw.pretrain"),
    (["--resume", "moved"], "here has other image files than when moved was begun"),
])
def test_mistakes_get_one_sentence(tmp_path, monkeypatch, capsys, argv, message):
    monkeypatch.chdir(tmp_path)
    for name in "here", "vague", "moved", "dark":
        Path(name).mkdir()
    Path("dark/a.png").write_bytes(b"dark")
    Image.new("L", (8, 8)).save("here/a.png")
    Path("vague/pretraining.json").write_text('{"side": 8}')
    begun = Pretraining("here", "other", 8, False, 8, 2, "sign", False, 1, 1, 0, "cpu",
                                 "32-true")
    Path("moved/pretraining.json").write_text(json.dumps(vars(begun)))
    assert main(argv) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {message}"
    assert not Path("runs").exists() and not Path("run").exists()


GOOD = vars(Pretraining("here", "0" * 64, 8, False, 8, 2, "sign", False, 1, 1, 0, "cpu",
                                 "32-true"))
TEXT = [None, 1, True, [], {}, "\0", "\ud800"]
NUMBER = [None, True, "1", 1.0, -1, 10 ** 30, float("nan"), [1]]


@pytest.mark.parametrize("content", [
    b"", b"[" * 9_999, b"\xff", b"9" * 9_999, b"[]", b"null", b"{}",
    *({**GOOD, name: value} for name, values in {
        "images": TEXT, "files": TEXT, "device": [*TEXT, "tpu"], "binarizer": [*TEXT, "x"],
        "precision": [*TEXT, "x"], "colour": [None, 1, "false"], "distort": [None, 0, "false"],
        "side": [*NUMBER, 7, 513], "bits": [*NUMBER, 0, 1 << 16], "width": [*NUMBER, 0, 1025],
        "epochs": [*NUMBER, 0], "batch": [*NUMBER, 0], "seed": NUMBER, "more": [1]}.items()
      for value in values),
    *({name: value for name, value in GOOD.items() if name != left} for left in GOOD)])
def test_damaged_configurations_get_one_sentence(tmp_path, monkeypatch, capsys, content):
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    Image.new("L", (8, 8)).save("here/a.png")
    Path("run").mkdir()
    Path("run/pretraining.json").write_bytes(
        content if isinstance(content, bytes) else json.dumps(content).encode())
    assert main(["--resume", "run"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    assert os.listdir("run") == ["pretraining.json"]


def test_without_fabric(tmp_path, monkeypatch, capsys, folder):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    assert main(["--images", str(folder), *SMALL, "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == (
        "error: Lightning Fabric is missing: pip install 'hybnn[large]'\n")
    assert not (tmp_path / "run").exists()
