"""A build takes the place of the one before, or does not; whenever it is killed."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from hw.flow.built import REPORT, Built, BuiltError, has_build, making
from sw.golden.network import random_network

SHAPE = (20, 9, 3)

# Makes a second build in each folder, and ends without a word before one of its changes.
KILLED = """
import os, sys
from pathlib import Path
from hw.flow import built
from tests.hw.flow import test_built
def dying(change):
    def die(*args, **kwargs):
        global left
        left -= 1
        return os._exit(9) if left < 0 else change(*args, **kwargs)
    return die
Path.replace, Path.unlink = dying(Path.replace), dying(Path.unlink)
for folder in map(Path, sys.argv[1:]):
    left = int(folder.name)
    if not (child := os.fork()):
        test_built.make(folder, 2)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def make(folder: Path, seed: int) -> None:
    """Put files like a build's into a folder, which are the seed's."""
    with making(folder) as new:
        network = random_network(SHAPE, seed=seed)
        (new / "network.safetensors").write_bytes(network.to_bytes())
        (new / "top.bin").write_text(f"bitstream {seed}")
        (new / "top.asc").write_text(f"text {seed}")
        (new / REPORT).write_text(json.dumps({
            "board": "icestick", "reloadable": False, "folding": "1x20", "seed": seed,
            "bitstream": "top.bin", "network_sha256": sha256(network.to_bytes()).hexdigest()}))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


@pytest.fixture
def each(tmp_path) -> dict[int, dict[str, bytes]]:
    """What two builds hold."""
    for seed in (1, 2):
        make(tmp_path / str(seed), seed)
    return {seed: content(tmp_path / str(seed)) for seed in (1, 2)}


# Before the report goes, the build before is there; then the new one is finished by who reads it.
@pytest.mark.parametrize("old, states", [
    (1, [1, None, None, None, None, None, 2]), (None, [None, None, None, None, 2])])
@pytest.mark.parametrize("heals", ["a reader", "a build"])
def test_killed_at_each_change(tmp_path, each, old, states, heals):
    folders = [tmp_path / "killed" / str(left) for left in range(len(states))]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "top.v").write_text("mine")
        if old:
            make(folder, old)
    result = subprocess.run([sys.executable, "-c", KILLED, *folders], check=True,
                            stdout=subprocess.PIPE, text=True, timeout=60)
    assert result.stdout.split() == ["9"] * (len(states) - 1) + ["0"]
    for folder, state in zip(folders, states):
        assert has_build(folder) == (state is not None)
        if state:
            assert content(folder) == each[state] | {"top.v": b"mine"}
        if heals == "a reader":
            assert Built.load(folder).report.seed == (state or 2)
        else:
            make(folder, 1)
            assert not [*folder.glob(".building*")]
        assert content(folder) == each[1 if heals == "a build" else state or 2] | {"top.v": b"mine"}


class Failure(Exception):
    pass


@pytest.mark.parametrize("error", [Failure, KeyboardInterrupt, SystemExit])
def test_what_fails_leaves_the_one_before(tmp_path, each, error):
    make(tmp_path / "out", 1)
    with pytest.raises(error), making(tmp_path / "out") as new:
        (new / "top.bin").write_text("half")
        (new / "more").write_text("half")
        raise error
    assert content(tmp_path / "out") == each[1]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*each[1], ".lock"}


def test_interrupted_while_files_are_put_in_place(tmp_path, each, monkeypatch):
    make(tmp_path / "out", 1)
    replace, calls = Path.replace, []

    def interrupted(file, target):
        calls.append(file.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return replace(file, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "out", 2)
    assert content(tmp_path / "out") == each[2]


def test_files_of_others_stay(tmp_path, each):
    folder = tmp_path / "out"
    make(folder, 1)
    mine = {"top.v": b"1", "top.json": b"2", "top.bit": b"3", "build.log": b"4", "notes.txt": b"5"}
    for name, text in mine.items():
        (folder / name).write_bytes(text)
    make(folder, 2)
    assert content(folder) == each[2] | mine


@pytest.mark.parametrize("said, is_gone", [
    ("top.bit", True), ("top.v", False), ("../top.bit", False), (3, False), (None, False)])
def test_a_bitstream_of_another_name_goes_with_its_build(tmp_path, said, is_gone):
    folder = tmp_path / "out"
    make(folder, 1)
    (folder / REPORT).write_text(json.dumps({"bitstream": said}))
    others = [folder / "top.bit", folder / "top.v", tmp_path / "top.bit"]
    for other in others:
        other.touch()
    make(folder, 2)
    assert [other.exists() for other in others] == [not is_gone, True, True]


def test_a_folder_where_a_file_must_go(tmp_path, each):
    folder = tmp_path / "out"
    make(folder, 1)
    (folder / "top.asc").unlink()
    (folder / "top.asc").mkdir()
    with pytest.raises(BuiltError, match=(
            rf"^{folder}/top\.asc is a folder where a file of the build must go: choose another "
            r"--out$")):
        make(folder, 2)
    (folder / "top.asc").rmdir()
    assert content(folder) == {name: text for name, text in each[1].items() if name != "top.asc"}


@pytest.mark.parametrize("kind, error, said", [
    ("file", BuiltError, "must be a folder, and is a file: choose another --out"),
    ("pipe", BuiltError, "must be a folder, and is a file: choose another --out"),
    ("dangling", FileExistsError, "File exists"),
    ("under a file", NotADirectoryError, "Not a directory")])
def test_what_is_no_folder(tmp_path, kind, error, said):
    folder = tmp_path / "out"
    if kind == "pipe":
        os.mkfifo(folder)
    elif kind == "dangling":
        folder.symlink_to(tmp_path / "nowhere")
    else:
        folder.write_text("mine")
    with pytest.raises(error, match=said):
        make(folder / "deeper" if kind == "under a file" else folder, 1)


def test_through_a_link(tmp_path, each):
    make(tmp_path / "real", 1)
    (tmp_path / "link").symlink_to("real")
    make(tmp_path / "link", 2)
    assert (tmp_path / "link").is_symlink() and content(tmp_path / "real") == each[2]


def test_a_network_of_another_build(tmp_path):
    make(tmp_path, 1)
    (tmp_path / "network.safetensors").write_bytes(random_network(SHAPE, seed=2).to_bytes())
    with pytest.raises(BuiltError, match=(
            rf"^{tmp_path}/network\.safetensors is not the network that {tmp_path}/report\.json "
            r"tells of: build it anew with python -m hw\.build$")):
        Built.load(tmp_path)
