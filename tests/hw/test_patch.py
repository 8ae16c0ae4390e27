"""A patched bitstream is the one that a build of the other network makes."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hw import build, patch
from sw.golden.network import Network, random_network

SHAPE = (40, 24, 4)


def made(network: Network, board: str, folder, *flags: str):
    network.save(folder / "network.safetensors")
    assert build.main(["--board", board, "--network", str(folder), *flags]) == 0
    return folder / "build" / board


@pytest.fixture(scope="module")
def icestick(tmp_path_factory):
    return made(random_network(SHAPE, seed=1), "icestick", tmp_path_factory.mktemp("one"))


@pytest.mark.parametrize("board, fold", [
    ("icestick", "3x40"), ("ulx3s_25f", "1x40"), ("tang_nano_9k", "2x17")])
def test_a_patched_bitstream_is_that_of_the_other_network(tmp_path, capsys, board, fold):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir(), other.mkdir()
    built = made(random_network(SHAPE, seed=1), board, one, "--fold", fold)
    wanted = made(random_network(SHAPE, seed=2), board, other, "--fold", fold)
    assert patch.main([str(built), "--network", str(other), "--out", str(tmp_path / "new")]) == 0
    report = json.loads((tmp_path / "new" / "report.json").read_text())
    expected = json.loads((wanted / "report.json").read_text())
    for key in ("bitstream_sha256", "network_sha256", "network", "logic_cells"):
        assert report[key] == expected[key]
    name = report["bitstream"]
    assert (tmp_path / "new" / name).read_bytes() == (wanted / name).read_bytes()
    # And back again, in place.
    assert patch.main([str(tmp_path / "new"), "--network", str(one),
                       "--out", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new" / name).read_bytes() == (built / name).read_bytes()


def wide(network: Network) -> Network:
    readout = replace(network.readout, offsets=np.array([0, 1000, 5, 5]))
    return replace(network, readout=readout)


@pytest.mark.parametrize("other, said", [
    (random_network((40, 25, 4)), "error: {} holds a 40-24-4 network and cannot become one of "
                                  "40-25-4: build it with python -m hw.build\n"),
    (wide(random_network(SHAPE)), "error: The offsets of the other network's readout need more "
                                  "bits than there are: build it with python -m hw.build\n")])
def test_refused(icestick, tmp_path, capsys, other, said):
    other.save(tmp_path / "network.safetensors")
    assert patch.main([str(icestick), "--network", str(tmp_path)]) == 2
    assert capsys.readouterr().err == said.format(icestick)
    assert not (tmp_path / "build" / "icestick" / "report.json").exists()


def test_what_looks_alike_is_not_guessed(tmp_path, capsys):
    network = random_network(SHAPE)
    layer = replace(network.layers[0], weights=np.ones((24, 40), np.uint8))
    built = made(replace(network, layers=[layer]), "icestick", tmp_path)
    assert patch.main([str(built), "--network", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "error: The block RAMs that hold the weights of layer 0 cannot be told from others: build "
        "the other network with python -m hw.build\n")


def test_without_a_build(tmp_path, capsys):
    random_network(SHAPE).save(tmp_path / "network.safetensors")
    assert patch.main([str(tmp_path), "--network", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: [Errno 2] No such file or directory: ")
