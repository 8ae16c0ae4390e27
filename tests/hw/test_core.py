"""The folder of a core works without anything of ours, and one line for what can go wrong."""

import json
import os
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hw import core
from hw.flow import cores
from hw.flow.tools import toolchain
from sim.simulator import SimulatorNotFound, find
from sw.golden.codes import save_codes
from sw.golden.network import Network, random_network
from sw.golden.stages import Signature

SHAPES = {"dense": "9-5-3", "wide": "65535-2", "stages": "3x3x1:8-2p-3", "classes": "4-257"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    for name, text in SHAPES.items():
        random_network(Signature.parse(text)).save(folder / f"{name}.safetensors")
    return folder


@pytest.fixture(scope="module", params=[
    ("dense", []), ("dense", ["--fold", "hardwired", "--scores", "--name", "k9"]),
    ("stages", ["--fold", "serial 1x4", "--scores"])], ids=["folded", "hardwired", "serial"])
def made(request, folder, tmp_path_factory):
    """A core in a folder whose name has a space, and what its module is called."""
    network, flags = request.param
    out = tmp_path_factory.mktemp("out") / "a core"
    assert core.main(["--network", str(folder / f"{network}.safetensors"), "--out", str(out),
                      *flags]) == 0
    return out, "k9" if "k9" in flags else "hybnn_core"


def alone(command, where, path="/usr/bin:/bin", **variables):
    """Run a command as somebody would who has nothing of ours; return all that it says."""
    return subprocess.run(command, cwd=where, env={"PATH": path, **variables}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                          check=False).stdout


def test_its_testbench_passes_anywhere(made):
    out, _ = made
    if not shutil.which("iverilog", path="/usr/bin:/bin"):
        pytest.skip("iverilog was not found. Try: apt install iverilog")
    said = alone(["make", "-C", str(out), "icarus"], "/")
    assert "warning" not in said
    assert re.search(r"^PASS: \d+ answers, \d+ bad packets$", said, re.MULTILINE)


@pytest.mark.parametrize("file", ["out", "in"])
def test_its_testbench_finds_a_wrong_byte(made, tmp_path, file):
    """Of an answer; of an input one of many bits may not matter, so all are changed."""
    out, name = made
    if not shutil.which("iverilog", path="/usr/bin:/bin"):
        pytest.skip("iverilog was not found. Try: apt install iverilog")
    shutil.copytree(out, tmp_path / "core", ignore=shutil.ignore_patterns("build"))
    memory = tmp_path / "core" / f"{name}_tb_{file}.mem"
    lines = memory.read_text().splitlines()
    memory.write_text("\n".join([*lines[::-1]] if file == "in" else
                                [*lines[:-1], "ff" + lines[-1][2:]]) + "\n")
    assert "FAIL: byte " in alone(["make", "-C", str(tmp_path / "core"), "icarus"], "/")


def test_linters_are_silent(made):
    out, name = made
    try:
        verilator = find("verilator")
    except SimulatorNotFound as missing:
        pytest.skip(str(missing))
    path = os.pathsep.join([verilator.environment.get("PATH", ""), "/usr/bin", "/bin"])
    root = {key: verilator.environment[key] for key in verilator.environment if key != "PATH"}
    for files in [[f"{name}.sv"], *([f"{name}_{above}", f"{name}.sv"]
                                    for above in ("example.v", "wishbone.sv"))]:
        said = alone(["verilator", "--lint-only", "-Wall", *files], out, path, **root)
        assert [line for line in said.splitlines() if line.startswith("%")] == []
    assert "\\" not in (out / f"{name}.sv").read_text()


def test_yosys_has_no_warning(made):
    out, name = made
    yosys = toolchain.find("yosys")
    said = toolchain.run([yosys, "-p", f"read_verilog -sv {name}.sv {name}_wishbone.sv; "
                          f"synth_ice40 -top {name}_wishbone -run begin:map_gates"], out)
    assert [line for line in said.splitlines() if "Warning" in line] == []


def test_what_it_says_of_itself(made, folder):
    out, name = made
    said = json.loads((out / f"{name}.json").read_text())
    assert sorted(each.name for each in out.iterdir() if each.name != "build") == said["files"]
    head = (out / f"{name}.sv").read_text().partition("\nmodule ")[0]
    for key in "latency", "period", "bytes", "classes":
        assert f"{key}: " in head
    assert said["cycles"]["latency"] > 0 and said["output"]["classes"] == 3


def test_its_instance_in_amaranth_is_one(made):
    from amaranth.back import rtlil

    out, name = made
    instance = runpy.run_path(str(out / f"{name}_amaranth.py"))["Core"]()
    assert f"cell \\{name} " in rtlil.convert(instance)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_its_header_compiles(made, language):
    """Without a warning, in a program that has an address and calls everything."""
    out, name = made
    if not shutil.which("gcc"):
        pytest.skip("gcc was not found. Try: apt install gcc")
    has_scores = json.loads((out / f"{name}.json").read_text())["output"]["score_bytes"] > 0
    more = ", (int32_t *)0" if has_scores else ""
    program = (f"#define {name.upper()}_BASE 0x80000000\n#include \"{name}.h\"\n"
               f"unsigned one(const uint8_t *input) {{ {name}_reset(); "
               f"return {name}_classify(input{more}); }}\n")
    result = subprocess.run(
        ["gcc", "-x", language, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
         "-I", out, "-"], input=program, text=True, capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_its_module_for_litex_is_python(made):
    """With LiteX it runs in sim/test_soc.py."""
    out, name = made
    compile((out / f"{name}_litex.py").read_text(), f"{name}_litex.py", "exec")


def flags(folder, tmp_path, *more, network="dense"):
    return ["--network", str(folder / f"{network}.safetensors"), "--out", str(tmp_path / "out"),
            *more]


@pytest.mark.parametrize("more, network, said", [
    (["--name", "module"], "dense", "--name must be that of a Verilog module: up to 60 letters, "
     "digits and _, no digit first and no keyword, not 'module'"),
    (["--name", "3d"], "dense", "no digit first and no keyword, not '3d'"),
    (["--name", "a-b"], "dense", "not 'a-b'"),
    (["--name", "é"], "dense", "not 'é'"),
    (["--name", "../up"], "dense", "not '../up'"),
    (["--name", "lambda"], "dense", "not 'lambda'"),
    (["--fold", "1x10"], "dense", "A fold of a layer of 5 neurons with 9 inputs must have "),
    (["--fold", "1x9"], "stages", "is not fully connected on bits: its engine must be like "),
    ([], "classes", "A core tells at most 256 classes, not 257: train a network of fewer"),
])
def test_what_cannot_be_is_one_line(folder, tmp_path, capsys, more, network, said):
    assert core.main(flags(folder, tmp_path, *more, network=network)) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


STRANGE = {"format": "hybnn-core-1", "name": "k9", "files": ["k9.json", "mine.sv"]}


@pytest.mark.parametrize("there, foreign", [
    ({"mine.sv": "mine"}, "mine.sv"), ({"build/mine.bit": "mine"}, "build"),
    ({"k9.json": json.dumps(STRANGE), "mine.sv": "mine"}, "mine.sv"),
    ({"other.json": json.dumps(STRANGE)}, "other.json"),
], ids=["a file", "build", "listed", "another name"])
def test_a_folder_with_other_files_is_refused(folder, tmp_path, capsys, there, foreign):
    for name, text in there.items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text(text)
    assert core.main(flags(folder, tmp_path)) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'out'} must be empty or hold a core alone, and holds {foreign}: "
        "choose another --out\n")
    assert {name: (tmp_path / "out" / name).read_text() for name in there} == there


def test_the_folder_one_is_in_is_refused(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert core.main(["--network", str(folder / "dense.safetensors"), "--out", "."]) == 2
    assert capsys.readouterr().err == (
        "error: . is replaced as a whole, so you must not be in it: call this from elsewhere or "
        "choose another --out\n")


@pytest.mark.parametrize("make", [lambda out: out.write_text("mine"),
                                  lambda out: out.symlink_to("nowhere")], ids=["file", "link"])
def test_what_is_no_folder_is_refused(folder, tmp_path, capsys, make):
    make(tmp_path / "out")
    assert core.main(flags(folder, tmp_path)) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'out'} must be a folder: choose another --out\n")


def test_a_core_is_replaced_whole_or_not_at_all(folder, tmp_path, monkeypatch):
    assert core.main(flags(folder, tmp_path, "--name", "one")) == 0
    before = {each.name: each.read_bytes() for each in (tmp_path / "out").iterdir()}

    def fails(*_):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(cores, "_memory", fails)
        assert core.main(flags(folder, tmp_path, "--name", "two")) == 2
    assert {each.name: each.read_bytes() for each in (tmp_path / "out").iterdir()} == before
    (tmp_path / "out" / "build").mkdir()
    (tmp_path / "out" / "build" / "waves").write_text("mine")
    assert core.main(flags(folder, tmp_path, "--name", "one")) == 0
    assert (tmp_path / "out" / "build" / "waves").read_text() == "mine"
    assert {each.name: each.read_bytes() for each in (tmp_path / "out").iterdir()
            if each.is_file()} == before
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("moves", [0, 1, 2])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_core_stays_if_its_replacement_fails(tmp_path, monkeypatch, moves, done, error):
    """Each of the three moves fails, or Ctrl-C comes before or after it."""
    for name in "out", "new":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    (tmp_path / "out" / "build").mkdir()
    begun, rename = [], Path.rename

    def fails(path, to):
        begun.append(path)
        if len(begun) != moves + 1:
            rename(path, to)
            return
        if done:
            rename(path, to)
        raise error

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(error):
        cores._replace(tmp_path / "out", tmp_path / "new", tmp_path / "old")
    whose = "new" if done and moves == 2 else "out"
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["build", whose]


def test_what_fails_leaves_nothing(folder, tmp_path, monkeypatch):
    def fails(*_):
        raise toolchain.ToolFailed("yosys does not work")

    monkeypatch.setattr(toolchain, "run", fails)
    assert core.main(["--network", str(folder / "dense.safetensors"), "--out",
                      str(tmp_path / "not" / "there")]) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_testbench_takes_codes_of_the_network(folder, tmp_path):
    network = Network.load(folder / "dense.safetensors")
    real = np.array([[5, 1], [77, 0]], np.uint8)
    save_codes(tmp_path / "codes.safetensors", real, np.zeros(2, int), 9)
    drawn = cores.vectors(network, 8, tmp_path / "codes.safetensors")
    assert np.packbits(drawn, axis=1, bitorder="little")[:4].tolist() == [
        [0, 0], [255, 1], *real.tolist()]


@pytest.mark.parametrize("network, plan", [
    ("dense", "1x9"), ("stages", "serial 4x32"), ("wide", "serial 4x32")])
def test_the_engine_where_nobody_asks_for_one(folder, network, plan):
    assert str(cores.choose(Network.load(folder / f"{network}.safetensors"), None)) == plan
