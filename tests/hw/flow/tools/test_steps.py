"""Tools that fail in every way, and what is shown of those that do not."""

import os
import re

import pytest

from hw.flow.tools import steps
from hw.flow.tools.toolchain import ToolFailed

FAIL = "echo one; echo ERROR: no luck >&2; echo bye >&2; exit 1"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a script as a tool, which is to make a product; return the steps that were shown."""
    def run(tool: str, script: str, product: str = "") -> list[str]:
        shown = []
        path = tmp_path / "tool"
        path.write_text(f"#!/bin/sh\ncase $1 in --version) exit 1;; esac\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv(tool.upper().replace("-", "_"), str(path))
        steps.run([([tool, "-x"], product)], tmp_path, shown.append)
        return list(dict.fromkeys(shown))
    return run


@pytest.mark.parametrize("tool, script, said", [
    ("yosys", FAIL, "ERROR: no luck (yosys, synthesis)"),
    ("nextpnr-ecp5", FAIL, "ERROR: no luck (nextpnr-ecp5, placement)"),
    ("nextpnr-ecp5", f"echo 'Info: Running router2...' > top.tim; {FAIL}",
     "ERROR: no luck (nextpnr-ecp5, routing)"),
    ("nextpnr-himbaechel-gowin", f"echo 'Info: Routing globals...' > top.tim; {FAIL}",
     "ERROR: no luck (nextpnr-himbaechel-gowin, placement)"),
    ("ecppack", "exit 7", "it gave no reason (ecppack, packing)"),
    ("gowin_pack", "kill -9 $$", "it was ended by SIGKILL (gowin_pack, packing)"),
    ("gowin_pack", "echo 'Traceback (most recent call last):'; echo KeyError: 5; exit 1",
     "KeyError: 5 (gowin_pack, packing)"),
    ("icepack", r"printf '\377\0 no\n' >&2; exit 1",
     "\N{REPLACEMENT CHARACTER} no (icepack, packing)"),
    ("icepack", "exit 0", "it ended without an error, but made no top.bin (icepack, packing)"),
    ("icepack", ": > top.bin", "it ended without an error, but made no top.bin (icepack, packing)"),
    ("icepack", "read line || exit 3", "it gave no reason (icepack, packing)")])
def test_a_tool_that_fails(run, tool, script, said):
    with pytest.raises(ToolFailed, match=f"^{re.escape(said)}$"):
        run(tool, script, "top.bin")


def test_what_is_shown(run):
    assert run("nextpnr-ice40", "sleep 0.5; echo 'Info: Routing..' > top.tim; sleep 0.5") == [
        "placement", "routing"]


def test_what_each_tool_says_is_its_own(run, tmp_path, monkeypatch):
    for number, script in enumerate(("echo ERROR: the first; exit 0", "exit 1")):
        (tmp_path / str(number)).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / str(number)).chmod(0o755)
    monkeypatch.setenv("ICEPACK", str(tmp_path / "0"))
    monkeypatch.setenv("ECPPACK", str(tmp_path / "1"))
    with pytest.raises(ToolFailed, match=r"^it gave no reason \(ecppack, packing\)$"):
        steps.run([(["icepack"], ""), (["ecppack"], "")], tmp_path, lambda step: None)
    assert (tmp_path / "build.log").read_text() == "ERROR: the first\n"


def test_a_tool_dies_with_who_watches_it(run, tmp_path):
    with pytest.raises(ZeroDivisionError):
        steps._follow(["/bin/sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 60"], tmp_path,
                       None, lambda: 1 / (not (tmp_path / "pid").exists()))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
