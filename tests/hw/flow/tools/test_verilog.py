"""A Yosys that does not work is an error of one sentence."""

import pytest

from hw.blocks.wire.uart import Transmitter
from hw.flow.tools import verilog
from hw.flow.tools.toolchain import ToolFailed


@pytest.mark.parametrize("script, said", [
    ("exit 1", "it gave no reason"),
    ("echo Warning: old >&2; echo ERROR: full >&2; exit 1", "ERROR: full"),
    (r"printf '\377'", "what it says is not UTF-8")])
def test_a_yosys_that_fails(monkeypatch, tmp_path, script, said):
    # Amaranth asks for the version first.
    (tmp_path / "yosys").write_text(
        f"#!/bin/sh\ncase $1 in -V|--version) echo Yosys 0.50;; *) {script};; esac\n")
    (tmp_path / "yosys").chmod(0o755)
    monkeypatch.setenv("YOSYS", str(tmp_path / "yosys"))
    with pytest.raises(ToolFailed, match=(
            f"^yosys could not convert transmitter to Verilog: {said}$")):
        verilog.convert(Transmitter(divisor=4), "transmitter")
