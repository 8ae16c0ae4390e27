"""What a board is asked to load, and one line for everything that can go wrong."""

import json
import os

import pytest

from hw import folding, load
from sw.golden import frame
from sw.golden.network import random_network

SHAPE = (200, 16, 10)


@pytest.fixture
def folder(tmp_path):
    """A build of a network, without its bitstream, and networks beside it."""
    random_network(SHAPE, seed=1).save(tmp_path / "network.safetensors")
    random_network(SHAPE, seed=2).save(tmp_path / "other.safetensors")
    random_network((200, 17, 10)).save(tmp_path / "wider.safetensors")
    for name, reloadable in ("build", True), ("fixed", False):
        (tmp_path / name).mkdir()
        random_network(SHAPE, seed=1).save(tmp_path / name / "network.safetensors")
        (tmp_path / name / "report.json").write_text(json.dumps(
            {"board": "icestick", "folding": "1x200", "reloadable": reloadable}))
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/report.json").write_text("{")
    return tmp_path


@pytest.fixture
def silence():
    """The path of a terminal at which nobody answers."""
    board, host = os.openpty()
    yield os.ttyname(host)
    os.close(board)
    os.close(host)


@pytest.mark.parametrize("build, network, said", [
    ("build", "other", "error: The board at {port} does not answer load requests: it must have "
                       "been built with --reloadable and for this network's shape, and have been "
                       "programmed\n"),
    ("fixed", "other", "error: {folder}/fixed holds a bitstream that cannot be loaded: build it "
                       "with python -m hw.build --reloadable\n"),
    ("build", "wider", "error: {folder}/build is for 200-16-10 networks, not 200-17-10: build one "
                       "for this shape with python -m hw.build --reloadable\n"),
    ("damaged", "other", "error: {folder}/damaged/report.json is damaged: build it anew with "
                         "python -m hw.build\n"),
    ("nowhere", "other", "error: {folder}/nowhere/report.json is missing: give the folder of a "
                         "build, or make one with python -m hw.build\n"),
    ("build", "nothing", "error: [Errno 2] No such file or directory: "
                         "'{folder}/nothing.safetensors'\n")])
def test_errors_are_one_line(folder, silence, monkeypatch, capsys, build, network, said):
    monkeypatch.setattr(load, "PATIENCE", 0.05)
    assert load.main([str(folder / build), "--network", str(folder / f"{network}.safetensors"),
                      "--port", silence]) == 2
    assert capsys.readouterr().err == said.format(folder=folder, port=silence)


def test_a_port_that_is_not_there(folder, capsys):
    assert load.main([str(folder / "build"), "--network", str(folder), "--port", "/no/port"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "/no/port" in error and error.count("\n") == 1


def test_requests_hold_all_words_once():
    network = random_network(SHAPE)
    frames = load.requests(network, folding.default(network.shape))
    contents = list(frame.Unwrapper(frame.fcs32).feed(b"".join(frames)))
    addresses = [int.from_bytes(content[1:4], "little") for content in contents]
    assert [content[0] for content in contents] == [
        128 + number % 128 for number in range(len(contents))]
    assert addresses == sorted(set(addresses)) and not any(
        address % frame.words_per_load(network.n_in) for address in addresses)
