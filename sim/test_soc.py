"""A C program in a SoC of LiteX has golden's classes, by either bus."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from sim import soc
from sw.golden.network import random_network
from sw.golden.stages import Signature

DIGITS = Path(__file__).parent / "data" / "digits.network.safetensors"


@pytest.mark.parametrize("bus, cpu", [("csr", "vexriscv"), ("wishbone", "serv")])
def test_a_program_in_a_soc_classifies(capsys, bus, cpu):
    if not find_spec("litex"):
        pytest.skip("litex is not installed. Try: pip install '.[litex]'")
    if not shutil.which(soc.COMPILER):
        pytest.skip(f"{soc.COMPILER} was not found. Try: apt install gcc-riscv64-unknown-elf")
    assert soc.main(["--network", str(DIGITS), "--bus", bus, "--cpu", cpu]) == 0
    assert capsys.readouterr().out.endswith("  classes      100 of 100 are golden's\n")


@pytest.mark.parametrize("flags, has_litex, said", [
    (["--count", "0"], True, "--count must be of 1 to 1,000, not 0"),
    (["--count", "1001"], True, "--count must be of 1 to 1,000, not 1001"),
    ([], False, "litex is not installed: pip install '.[litex]' in the checkout, or "),
])
def test_what_cannot_be_is_one_line(tmp_path, monkeypatch, capsys, flags, has_litex, said):
    if not has_litex:
        monkeypatch.delitem(sys.modules, "sim.litex_soc", raising=False)
        monkeypatch.setitem(sys.modules, "litex", None)
    random_network(Signature.parse("9-5-3")).save(tmp_path / "network.safetensors")
    assert soc.main(["--network", str(tmp_path / "network.safetensors"), *flags]) == 2
    assert capsys.readouterr().err.startswith(f"error: {said}")
