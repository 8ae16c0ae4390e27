"""A patched bitstream is the one that a build of the other network makes."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from hw import build, patch
from sw.golden.network import Network, random_network

SHAPE = (40, 24, 4)
FOLD = "2x20"    # The fastest that fits would take many times as long to place.


def made(network: Network, board: str, folder, *flags: str):
    network.save(folder / "network.safetensors")
    assert build.main(["--board", board, "--network", str(folder), *flags]) == 0
    return folder / "build" / board


@pytest.fixture(scope="module")
def icestick(tmp_path_factory):
    return made(random_network(SHAPE, seed=1), "icestick", tmp_path_factory.mktemp("one"),
                "--fold", FOLD)


@pytest.mark.parametrize("board, fold", [
    ("icestick", FOLD), ("ulx3s_25f", "1x40"), ("tang_nano_9k", "2x17")])
def test_a_patched_bitstream_is_that_of_the_other_network(tmp_path, request, board, fold):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir(), other.mkdir()
    if board == "icestick":
        built = request.getfixturevalue("icestick")
        shutil.copy(built / "network.safetensors", one)
    else:
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
    built = made(replace(network, layers=[layer]), "icestick", tmp_path, "--fold", FOLD)
    assert patch.main([str(built), "--network", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "error: The block RAMs that hold the weights of layer 0 are not there or cannot be told "
        "from others: build the other network with python -m hw.build\n")


MISSING = "is missing: give the folder of a build, or make one with python -m hw.build"
DAMAGED = "is damaged: build it anew with python -m hw.build"
NOT_THERE = ("The block RAMs that hold the weights of layer 0 are not there or cannot be told from "
             "others: build the other network with python -m hw.build")


@pytest.mark.parametrize("name, damage, said", [
    ("report.json", None, "{} " + MISSING),
    ("report.json", lambda text: text[:-2], "{} " + DAMAGED),
    ("report.json", lambda text: "{}", "{} " + DAMAGED),
    ("report.json", lambda text: "[]", "{} " + DAMAGED),
    ("report.json", lambda text: text.replace("icestick", "icestik"), "{} " + DAMAGED),
    ("report.json", lambda text: text.replace('"folding": "', '"folding": "x'), "{} " + DAMAGED),
    ("network.safetensors", None, "{} " + MISSING),
    ("network.safetensors", lambda text: "", "{} is not a network file: "),
    ("top.asc", None, "{} " + MISSING),
    ("top.asc", lambda text: "", NOT_THERE),
    ("top.asc", lambda text: text[:text.index(".ram_data")], NOT_THERE),
    ("top.asc", lambda text: text[:text.rindex(".ram_data") + 200], "{} " + DAMAGED),
    ("build_top.sh", None, "{} " + MISSING)])
def test_what_is_not_a_whole_build_is_refused(icestick, tmp_path, capsys, name, damage, said):
    random_network(SHAPE, seed=2).save(tmp_path / "other.safetensors")
    folder, file = tmp_path / "build", tmp_path / "build" / name
    shutil.copytree(icestick, folder)
    if damage:
        file.write_text(damage(file.read_text(errors="replace")))
    else:
        file.unlink()
    assert patch.main([str(folder), "--network", str(tmp_path / "other.safetensors"),
                       "--out", str(tmp_path / "new")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {said.format(file)}") and error.count("\n") == 1
    assert not [*tmp_path.glob("new/*")]


def test_a_packer_that_fails(icestick, tmp_path, capsys, monkeypatch):
    random_network(SHAPE, seed=2).save(tmp_path / "network.safetensors")
    monkeypatch.setenv("ICEPACK", "false")
    assert patch.main([str(icestick), "--network", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "error: icepack failed: it gave no reason\n"
    assert not [*tmp_path.glob("build/icestick/*")]


def test_weights_in_logic_are_not_patched(tmp_path, capsys):
    network = random_network(SHAPE)
    network.save(tmp_path / "network.safetensors")
    (tmp_path / "report.json").write_text(json.dumps(
        {"board": "ulx3s_25f", "reloadable": False, "folding": "hardwired"}))
    assert patch.main([str(tmp_path), "--network", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path} holds its weights in logic: build the other network anew\n")
