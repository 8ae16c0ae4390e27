"""The direction of imports, kept by a test."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"sw", "hw", "boards", "sim", "tests"}

# Of what is ours, and of the libraries named here, each folder imports only:
GOVERNED = OURS | {"torch", "amaranth", "amaranth_boards", "cocotb", "cocotb_tools"}
ALLOWED = {
    "sw/golden": {"sw.golden"},
    "sw": {"sw", "torch"},
    "hw": {"hw", "sw.golden", "amaranth"},
    "boards": {"boards", "amaranth", "amaranth_boards"},
    "sim/properties": {"sim", "hw", "sw.golden", "amaranth"},
    "sim": {"sim", "hw", "sw.golden", "cocotb", "cocotb_tools", "amaranth.sim"},
}
ALSO = {
    "hw/build.py": {"boards"}, "hw/top.py": {"boards"}, "hw/bench.py": {"boards"},
    "hw/flow/built.py": {"boards"},
    # Who drives a board's pins must know its oscillator and the speed of its link.
    "sim/rungs.py": {"boards"},
}


def imports(source, path):
    """Give the full names of all that the text of the module ``path`` imports, at any depth."""
    package = path.parent.parts
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[:len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def is_within(name, packages):
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def wrong(source, path):
    """Give, in order, what the module ``path`` of this text imports and must not."""
    folder = max((folder for folder in ALLOWED if path.is_relative_to(folder)), key=len)
    allowed = ALLOWED[folder] | ALSO.get(path.as_posix(), set())
    return sorted(name for name in imports(source, path)
                  if is_within(name, GOVERNED) and not is_within(name, allowed))


MODULES = sorted({path.relative_to(ROOT) for folder in ALLOWED
                  for path in (ROOT / folder).rglob("*.py")})


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_have_their_direction(path):
    assert wrong((ROOT / path).read_text(), path) == []


@pytest.mark.parametrize("path, source, found", [
    ("sw/golden/bits.py", "import numpy, json", []),
    ("sw/golden/bits.py", "from . import network", []),
    ("sw/golden/bits.py", "from .. import data", ["sw.images.data"]),
    ("sw/golden/bits.py", "from ..data import load", ["sw.images.data.load"]),
    ("sw/golden/bits.py", "from sw import data", ["sw.images.data"]),
    ("sw/golden/bits.py", "def f():\n    import torch.nn as nn", ["torch.nn"]),
    ("sw/golden/bits.py", "from amaranth.lib import crc", ["amaranth.lib.crc"]),
    ("sw/train.py", "from .golden import bits; from torch import nn", []),
    ("sw/train.py", "from hw import folding", ["hw.plan.folding"]),
    ("sw/train.py", "import boards, sim.verify", ["boards", "sim.verify"]),
    ("sw/train.py", "from amaranth import *; import cocotb",
     ["amaranth.*", "cocotb"]),
    ("hw/blocks/layer.py", "from sw.golden.network import Layer; from .link import Link", []),
    ("hw/blocks/layer.py", "from sw import golden", []),
    ("hw/blocks/layer.py", "from sw.models.exact import export", ["sw.models.exact.export"]),
    ("hw/blocks/layer.py", "import sw", ["sw"]),
    ("hw/blocks/layer.py", "import boards", ["boards"]),
    ("hw/top.py", "import boards", []),
    ("hw/build.py", "from boards import icestick", []),
    ("hw/build.py", "import torch, cocotb, sim, tests.streams",
     ["cocotb", "sim", "tests.streams", "torch"]),
    ("boards/icestick.py", "from . import Board; import amaranth_boards.icestick", []),
    ("boards/icestick.py", "import torch, hw.flow.pll, sw.golden, sim, cocotb",
     ["cocotb", "hw.flow.pll", "sim", "sw.golden", "torch"]),
    ("sim/verify.py", "from hw import verilog; from sw.golden import bits; import cocotb", []),
    ("sim/verify.py", "import torch, boards; from sw.train import main",
     ["boards", "sw.train.main", "torch"]),
    ("sim/verify.py", "from ..sw import train", ["sw.train"]),
])
def test_a_wrong_import_is_found(path, source, found):
    assert wrong(source, Path(path)) == found


def test_golden_costs_numpy_and_nothing_more():
    program = ("import sys, sw.golden.network, sw.golden.codes, sw.golden.forward, "
               "sw.golden.frame, sw.terminal.runs\n"
               "print(sorted({'torch', 'amaranth', 'cocotb', 'sklearn'} & sys.modules.keys()))")
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, text=True, check=True,
                            capture_output=True)
    assert result.stdout == "[]\n"


def test_sw_is_an_empty_package():
    assert (ROOT / "sw/__init__.py").read_bytes() == b""
