import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from sw.golden import bits
from sw.golden import forward as golden
from sw.golden.codes import load_codes
from sw.golden.network import Network, random_network
from sw.images import data
from sw.models.autoencoder import Encoder
from sw.models.checkpoint import CheckpointError, save_checkpoint
from sw.models.encoding import extract
from sw.models.exact import ExportError
from sw.train import main
from sw.training import hybrid, run, settling, task
from sw.training.asked.config import Config
from sw.training.asked.effort import Effort

TINY = Config(hidden=(16,), effort=Effort(2, 100, 4, 64, 2), device="cpu")
RESULTS = ("encoder", "network", "codes")


@pytest.fixture(scope="module")
def digits():
    return hybrid.load(TINY)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, digits):
    """The folder of a tiny run that was not interrupted."""
    folder = tmp_path_factory.mktemp("finished")
    hybrid.train(run.create(folder, TINY), *digits)
    return folder


def test_network_file_has_the_accuracy_in_the_metrics(finished):
    codes, labels = load_codes(finished / "codes.safetensors")
    classes = golden.classify_all(Network.load(finished / "network.safetensors"), codes)
    accuracy = json.loads((finished / "metrics.json").read_text())["accuracy"]
    assert round(100 * float(np.mean(classes == labels)), 2) == accuracy["hybrid"] > 50
    assert accuracy["naive_pixels"] < 15 < accuracy["thresholded_pixels"]


def test_encoder_file_gives_the_codes_in_the_file_of_codes(finished, digits):
    encoder = Encoder.load(finished / "encoder.safetensors")
    codes, labels = load_codes(finished / "codes.safetensors")
    assert np.array_equal(bits.pack(codes), extract(encoder, digits[1].test_images))
    assert np.array_equal(labels, digits[1].test_labels.numpy())


def test_an_encoder_is_taken_as_it_is(tmp_path, monkeypatch, finished):
    monkeypatch.setattr(settling, "config_of",
                        lambda arguments: replace(TINY, seed=1, encoder=arguments.encoder))
    run_folder, file = tmp_path / "run", finished / "encoder.safetensors"
    assert main(["--encoder", str(finished), "--out", str(run_folder)]) == 0
    assert (run_folder / "encoder.safetensors").read_bytes() == file.read_bytes()
    assert "autoencoder" not in json.loads((run_folder / "metrics.json").read_text())["seconds"]
    assert content(run_folder / "network") != content(finished / "network")


@pytest.mark.parametrize("channels, side", [(3, 28), (1, 32)])
def test_an_encoder_of_other_images_is_refused(tmp_path, capsys, channels, side):
    Encoder(24, 2, channels=channels, side=side).save(tmp_path / "encoder")
    assert main(["--encoder", str(tmp_path / "encoder"), "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == (
        f"error: The encoder in {tmp_path / 'encoder'} must be for grey images of 28 x 28 pixels, "
        f"not {channels} x {side} x {side}\n")
    assert not (tmp_path / "run").exists()


def interrupt_after(monkeypatch, n_epochs):
    """Raise what Ctrl-C raises, in the middle of an epoch."""
    original, epochs = run.Training.run_epoch, iter(range(n_epochs + 1))

    def run_epoch(self, rows, tick):
        def interrupted():
            raise KeyboardInterrupt
        return original(self, rows, interrupted if next(epochs) == n_epochs else tick)

    monkeypatch.setattr(run.Training, "run_epoch", run_epoch)


def content(path):
    """Return all bytes that a file's tensors hold. Its metadata are in no fixed order."""
    tensors = load_file(path.with_suffix(".safetensors"))
    return {name: tensor.tobytes() for name, tensor in tensors.items()}


@pytest.mark.parametrize("n_epochs", [0, 1, 3, 7, 12])
def test_resumed_run_equals_uninterrupted(tmp_path, monkeypatch, capsys, finished, n_epochs):
    monkeypatch.setattr(settling, "config_of", lambda arguments: TINY)
    with monkeypatch.context() as patch:
        interrupt_after(patch, n_epochs)
        assert main(["--out", str(tmp_path / "run")]) == 130
    assert capsys.readouterr().err == (f"interrupted; go on with: python -m sw.train --resume "
                                       f"{tmp_path / 'run'}\n")
    assert main(["--resume", str(tmp_path / "run")]) == 0
    for name in RESULTS:
        assert content(tmp_path / "run" / name) == content(finished / name)


def test_a_network_that_is_not_the_model_is_not_written(tmp_path, monkeypatch, digits):
    monkeypatch.setattr(hybrid, "export", lambda model: random_network(model.shape))
    with pytest.raises(ExportError, match=r"^Model and network differ on \d+ of 450 codes$"):
        hybrid.train(run.create(tmp_path, TINY), *digits)
    assert not (tmp_path / "network.safetensors").exists()


def test_resume_takes_the_newest_unfinished_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folders = [run.create(None, TINY).folder for _ in range(3)]
    for age, folder in enumerate(folders):
        os.utime(folder / "config.json", (1000 - age, 1000 - age))
    (folders[0] / "metrics.json").write_text("{}")
    monkeypatch.setattr(hybrid, "train", lambda run, *inputs: {})
    assert main(["--resume"]) == 0
    assert capsys.readouterr().out.endswith(f"run folder: {folders[1]}\n")


def test_runs_that_begin_at_once_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "exists", lambda path: False)    # All look before one of them makes.
    folders = [run.new_folder(None, "x") for _ in range(3)]
    assert len({*folders}) == 3 and all(folder.is_dir() for folder in folders)
    assert run.new_folder(tmp_path / "out" / "of", "x").is_dir()
    with pytest.raises(run.RunError, match="Another run has just begun in "):
        run.new_folder(tmp_path / "out" / "of", "x")


@pytest.mark.parametrize("state", [
    5, {"seconds": "1"}, {"seconds": -1}, {"seconds": math.nan}, {"losses": 5},
    {"losses": torch.zeros(2, 2)}], ids=str)
def test_a_checkpoint_of_no_training_is_refused(tmp_path, state):
    save_checkpoint(tmp_path / "a", {"hybrid": state})
    with pytest.raises(CheckpointError, match=r"/a is not the checkpoint of a run: 'hybrid' "):
        run.load_states(tmp_path / "a")


@pytest.mark.parametrize("epoch", ["3", None, -1, True, 0.5])
def test_an_epoch_is_counted(epoch):
    made = task.Training(torch.nn.Linear(1, 1), None, task.Recipe(1, 1, 0.1), "x", 0)
    with pytest.raises(ValueError, match="An epoch must be 0 or more, not "):
        made.restore({**made.state(), "epoch": epoch})


def test_configuration_comes_back(tmp_path):
    config = replace(TINY, hidden=(16, 9), data_dir="here", seed=5)
    folder = run.create(tmp_path, config).folder
    assert run.reopen(folder).config == config


def test_a_table_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(hybrid, "train", lambda run, *inputs: {"hybrid": 96.5})
    assert main(["--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == (
        "test accuracy\n  hybrid: encoder, then binary network         96.50 %\n\n"
        f"run folder: {tmp_path}\n")


@pytest.mark.parametrize("argv, message", [
    (["--data", "mnits"], f"Unknown data set 'mnits'; known data sets: {', '.join(data.NAMES)}"),
    (["--data", "mnist", "--data-dir", "nowhere"],
     "train-images-idx3-ubyte or train-images-idx3-ubyte.gz was not found in nowhere or "
     "nowhere/mnist"),
    (["--task", "1v1"], "A task must be ten, all, or two different classes 0 to 9 such as 0v1, "
                        "not '1v1'"),
    (["--hidden", "0"], "Hidden widths must be 1 to 65535, not [0]"),
    (["--seed", "-1"], "The seed must be 0 to 4294967295, not -1"),
    (["--device", "tpu"], "The device must be auto, cpu or cuda, not 'tpu'"),
    (["--device", "cuda"], "PyTorch finds no CUDA device here; use --device cpu"),
    (["--out", "full"], "full is not empty; --out needs a new folder"),
    (["--out", "full/file"], "[Errno 17] File exists: 'full/file'"),
    (["--out", "/proc/run"], "[Errno 2] No such file or directory: '/proc/run'"),
    (["--resume"], "There is no unfinished run in runs/ to resume"),
    (["--resume", "nowhere"], "nowhere is not the folder of a run: it has no config.json"),
    (["--resume", "done"], "The run in done is finished; there is nothing to resume"),
    (["--encoder", "nowhere"], "[Errno 2] No such file or directory: 'nowhere'"),
    (["--encoder", "full/file"], "full/file is not an encoder file: Error while deserializing "
                                 "header: header too small"),
    (["--model", "resnet20", "--data", "cifar10", "--hidden", "64"],
     "--bits, --loss and --hidden are for a hybrid network, see --model"),
    (["--resume", "vague"], "vague/config.json is not the configuration of a run"),
])
def test_mistakes_get_one_sentence(tmp_path, monkeypatch, capsys, argv, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for folder, file in ("full", "file"), ("done", "config.json"), ("done", "metrics.json"), (
            "vague", "config.json"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / file).write_text("{}")
    assert main(argv) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("argv, message", [
    (["--hidden", "12x"], "argument --hidden: must be widths such as 128 or 128-64, not '12x'"),
    (["--nonsense"], "unrecognized arguments: --nonsense"),
])
def test_wrong_flags(capsys, argv, message):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(argv)
    assert capsys.readouterr().err == f"error: {message} (see --help)\n"


@pytest.mark.parametrize("damage, message", [
    (lambda path: path.write_bytes(path.read_bytes()[:-9]), ".* is not a checkpoint: .+"),
    (lambda path: path.write_bytes(b""), ".* is not a checkpoint: .+"),
    (lambda path: (path.parent / "config.json").write_text(
        (path.parent / "config.json").read_text().replace("16", "17")),
     "The checkpoint in .* does not fit its config.json"),
])
def test_a_damaged_checkpoint_is_refused(tmp_path, monkeypatch, capsys, damage, message):
    monkeypatch.setattr(settling, "config_of", lambda arguments: TINY)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        main(["--out", str(tmp_path)])
    capsys.readouterr()
    damage(tmp_path / "checkpoint.safetensors")
    assert main(["--resume", str(tmp_path)]) == 2
    assert re.fullmatch(f"error: {message}\n", capsys.readouterr().err)
