"""A network with convolutions, given to commands that have no part for them yet."""

import importlib
import json
from dataclasses import asdict

import pytest

from sw.golden.network import random_network
from sw.golden.stages import Signature
from sw.training.config import Config

SIGNATURE = "8x8x1:8-4s2-3"
NETWORK = ("--network", "{run}/network.safetensors")
RUN = ("--network", "{run}")


@pytest.fixture
def run(tmp_path):
    """What looks like a finished run."""
    random_network(Signature.parse(SIGNATURE)).save(tmp_path / "network.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(asdict(Config())))
    (tmp_path / "metrics.json").write_text('{"accuracy": {}}')
    return tmp_path


@pytest.mark.parametrize("module, arguments", [
    ("hw.patch", ("{run}/build", *NETWORK)),
    ("hw.load", ("{run}/build", *NETWORK, "--port", "{run}/port")),
    ("sim.verify", NETWORK),
    ("sim.verify", (*RUN, "--board", "icestick")),
    ("sim.board", (*NETWORK, "--port", "{run}/port")),
    ("sw.classify", (*NETWORK, "--port", "{run}/port")),
    ("sw.classify", (*RUN, "--port", "{run}/port", "--selftest")),
    ("sw.export", ("{run}", "--to", "{run}/to")),
    ("sw.export.check", RUN),
    ("sw.report", ("{run}",)),
    ("sw.demo", RUN),
], ids=str)
def test_a_command_says_that_it_takes_none(run, capsys, module, arguments):
    try:
        command = importlib.import_module(module).main
    except AttributeError:
        command = importlib.import_module(f"{module}.__main__").main
    assert command([each.format(run=run) for each in arguments]) == 2
    output = capsys.readouterr()
    assert output.err == (f"error: {module} takes fully connected networks of bits, not "
                          f"{SIGNATURE}\n")
    assert not output.out
