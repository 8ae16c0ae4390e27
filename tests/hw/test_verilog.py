"""A Yosys that does not work is an error of one sentence."""

import pytest

from hw import verilog
from hw.toolchain import ToolFailed
from hw.uart import Transmitter


def test_a_yosys_that_fails(monkeypatch):
    monkeypatch.setenv("YOSYS", "/bin/false")
    with pytest.raises(ToolFailed, match=(
            r"^yosys could not convert transmitter to Verilog: it gave no reason$")):
        verilog.convert(Transmitter(divisor=4), "transmitter")
