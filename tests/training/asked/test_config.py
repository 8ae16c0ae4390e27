"""What a run is asked for: flags that take effect, and files of all ages."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from sw import train
from sw.federated.settings import CODECS, Settings
from sw.mixbin.job import Job
from sw.training import settling
from sw.training.asked.config import LOSSES, Config, DeepConfig, Description
from sw.training.asked.configs import describe, load
from sw.training.asked.effort import SMALL, RunError

ROOT = Path(__file__).parents[3]
BEFORE = {"data": "digits", "data_dir": None, "task": "0v1", "hidden": [16], "binarizer": "sd",
          "seed": 3, "device": "cpu", "effort": asdict(SMALL), "encoder": None, "model": "hybrid",
          "precision": "32-true", "images": None}


def asked(*flags):
    return settling.config_of(train._parser().parse_args(flags))


def test_flags_take_effect_on_a_hybrid_network():
    plan = asked("--epochs", "3", "--bits", "40", "--loss", "plain").encoder_plan()
    assert (plan.shape.n_bits, plan.epochs, plan.loss) == (40, 3, "plain")
    assert asked("--epochs", "3").effort.classifier_epochs == 3
    assert asked().encoder_plan().loss == "handwriting"
    assert asked("--data", "fashion-mnist").encoder_plan().loss == "plain"


@pytest.mark.parametrize("flags, said", [
    (["--epochs", "0"], "Epochs must be at least 1, not 0"),
    (["--bits", "0"], "The bits of a code must be 1 to 65535, not 0"),
    (["--bits", "40", "--encoder", "run"], "--bits and --loss are for an encoder that is trained"),
    (["--model", "resnet20", "--data", "cifar10", "--bits", "40"],
     "--bits, --loss and --hidden are for a hybrid network, see --model")])
def test_mistakes_get_one_sentence(flags, said):
    with pytest.raises(RunError, match=said):
        asked(*flags)


@pytest.mark.parametrize("config", [
    asked("--bits", "40"), asked("--model", "resnet20", "--data", "cifar10"),
    Job().description(), Settings().description()], ids=lambda config: type(config).__name__)
def test_what_is_written_comes_back(tmp_path, config):
    (tmp_path / "config.json").write_text(json.dumps(asdict(config)))
    assert load(tmp_path / "config.json") == config


def test_files_of_before_are_read(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(BEFORE))
    assert load(path) == Config("digits", None, "0v1", (16,), "sd", 3, "cpu")
    assert describe(tmp_path) == Description("digits", None, "0v1", "sd", 3, 200)
    path.write_text(json.dumps({**BEFORE, "data": "cifar10", "model": "resnet20", "images": 9}))
    assert load(path) == DeepConfig("resnet20", None, "sd", 3, "cpu", 200, 64, images=9)
    with pytest.raises(RunError, match="trained resnet20, which does not become hardware"):
        describe(tmp_path)


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(RunError, match=f"^{tmp_path} is not the folder of a run: it has no "
                                       r"config\.json$"):
        describe(tmp_path)


def test_names_are_those_of_what_they_name():
    from sw.federated import codec
    from sw.training import encoder

    assert CODECS == tuple(codec.CODECS) and LOSSES == tuple(encoder.LOSSES)


@pytest.mark.parametrize("command", [
    "sw.train", "sw.pretrain", "sw.report", "sw.mixbin", "sw.federated"])
def test_help_needs_no_torch(command):
    program = ("import runpy, sys\nsys.modules['torch'] = None\n"
               f"sys.argv = [{command!r}, '--help']\nrunpy.run_module({command!r}, "
               "run_name='__main__')")
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True)
