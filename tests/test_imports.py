"""Who may import whom: the table of docs/architecture.md, kept by a test over import statements."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"sw", "hw", "boards", "sim", "tests"}

# Of what is ours, and of the libraries named here, each place imports only what stands beside it.
# A place is a folder or a file; the longest that holds a module counts.
GOVERNED = OURS | {"torch", "amaranth", "amaranth_boards", "cocotb", "cocotb_tools", "flwr", "onnx",
                   "onnxruntime", "qonnx", "serial", "matplotlib", "jinja2"}
DRAWS = {"matplotlib"}
GOLDEN = {"sw.golden"}
TERMINAL = GOLDEN | {"sw.terminal"}
IMAGES = TERMINAL | {"sw.images", "torch"}
MODELS = IMAGES | {"sw.models"}
TRAINING = MODELS | {"sw.training"}
EXPORT = TRAINING | {"sw.export", "onnx", "onnxruntime"}
ALLOWED = {
    "sw/golden": GOLDEN,
    "sw/golden/qonnx": GOLDEN | {"onnx", "onnxruntime", "qonnx"},
    "sw/terminal": TERMINAL | DRAWS,
    "sw/images": IMAGES,
    "sw/models": MODELS,
    "sw/training": TRAINING,
    "sw/training/asked": TERMINAL | {
        "sw.images", "sw.models.binarizer", "sw.models.shape", "sw.training.asked"},
    "sw/export": EXPORT | {"jinja2"} | DRAWS,
    "sw/host": TERMINAL | {"sw.host", "sw.images.picture", "onnxruntime", "serial"},
    "sw/mixbin": EXPORT | {"sw.mixbin"},
    "sw/federated": EXPORT | {"sw.federated", "flwr"},
    "sw/experiments": EXPORT | {"sw.mixbin", "sw.federated", "sw.experiments"} | DRAWS,
    # Commands.
    "sw": EXPORT | {"sw.host"},
    "sw/demo": EXPORT | {"sw.host", "sw.demo"},
    "hw/plan": {"hw.plan"} | GOLDEN,
    "hw/blocks": {"hw.blocks", "hw.plan", "amaranth"} | GOLDEN,
    "hw": {"hw", "amaranth"} | TERMINAL,
    "hw/flow": {"hw", "amaranth", "boards"} | TERMINAL | DRAWS,
    "boards": {"boards", "amaranth", "amaranth_boards"},
    "sim/properties": {"sim", "hw", "amaranth"} | GOLDEN,
    "sim": {"sim", "hw", "cocotb", "cocotb_tools", "amaranth.sim"} | TERMINAL,
}
# Beside that, single files; each of these is in use.
ALSO = {
    "hw/build.py": {"boards"},
    "hw/flow/loading.py": {"serial"},
    # Who drives a board's pins must know its oscillator and the speed of its link.
    "sim/target.py": {"boards"}, "sim/test_target.py": {"boards"},
    "sim/wires.py": {"boards"}, "sim/test_wires.py": {"boards"},
    "sim/test_board.py": {"serial"},
}


def imports(source, path):
    """Return the full names of all that the text of the module ``path`` imports, at any depth."""
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
    """Return, in order, what the module ``path`` of this text imports and must not."""
    folder = max((folder for folder in ALLOWED if path.is_relative_to(folder)), key=len)
    allowed = ALLOWED[folder] | ALSO.get(path.as_posix(), set())
    return sorted(name for name in imports(source, path)
                  if is_within(name, GOVERNED) and not is_within(name, allowed))


MODULES = sorted({path.relative_to(ROOT) for folder in ALLOWED
                  for path in (ROOT / folder).rglob("*.py")})


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_have_their_direction(path):
    assert wrong((ROOT / path).read_text(), path) == []


@pytest.mark.parametrize("path, name", [(path, name) for path in ALSO for name in ALSO[path]])
def test_an_exception_is_in_use(path, name):
    names = imports((ROOT / path).read_text(), Path(path))
    assert any(is_within(each, {name}) for each in names)


@pytest.mark.parametrize("path, source, found", [
    ("sw/golden/bits.py", "import numpy, json", []),
    ("sw/golden/bits.py", "from . import network", []),
    ("sw/golden/bits.py", "from .. import images", ["sw.images"]),
    ("sw/golden/bits.py", "from ..images.data import load", ["sw.images.data.load"]),
    ("sw/golden/bits.py", "from sw import images", ["sw.images"]),
    ("sw/golden/bits.py", "def f():\n    import torch.nn as nn", ["torch.nn"]),
    ("sw/golden/bits.py", "from amaranth.lib import crc", ["amaranth.lib.crc"]),
    ("sw/train.py", "from .golden import bits; from torch import nn", []),
    ("sw/train.py", "from hw.plan import folding", ["hw.plan.folding"]),
    ("sw/train.py", "import boards, sim.verify", ["boards", "sim.verify"]),
    ("sw/train.py", "from amaranth import *; import cocotb",
     ["amaranth.*", "cocotb"]),
    ("hw/blocks/layer.py", "from sw.golden.network import Layer; from .link import Link", []),
    ("hw/blocks/layer.py", "from sw import golden", []),
    ("hw/blocks/layer.py", "from sw.models.exact import export", ["sw.models.exact.export"]),
    ("hw/blocks/layer.py", "import sw", ["sw"]),
    ("hw/blocks/layer.py", "import boards", ["boards"]),
    ("hw/top.py", "import boards", ["boards"]),
    ("hw/build.py", "from boards import icestick", []),
    ("hw/build.py", "import torch, cocotb, sim, tests.streams",
     ["cocotb", "sim", "tests.streams", "torch"]),
    ("boards/icestick.py", "from . import Board; import amaranth_boards.icestick", []),
    ("boards/icestick.py", "import torch, hw.blocks.pll, sw.golden, sim, cocotb",
     ["cocotb", "hw.blocks.pll", "sim", "sw.golden", "torch"]),
    ("sim/verify.py", "from hw import verilog; from sw.golden import bits; import cocotb", []),
    ("sim/verify.py", "import torch, boards; from sw.train import main",
     ["boards", "sw.train.main", "torch"]),
    ("sim/verify.py", "from ..sw import train", ["sw.train"]),
])
def test_a_wrong_import_is_found(path, source, found):
    assert wrong(source, Path(path)) == found


def test_there_is_no_circle():
    names = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path
             for path in MODULES}

    def modules(name):
        """Return the modules of ours that one imports, at any depth."""
        found = {max((other for other in names if is_within(each, {other})), key=len, default=name)
                 for each in imports((ROOT / names[name]).read_text(), names[name])}
        return found - {name}

    order = list(TopologicalSorter({name: modules(name) for name in names}).static_order())
    assert order.index("sw.golden.errors") < order.index("sw.golden.network")


# Commands that still are libraries to others; to be mended.
NO_LEAVES = {"sw.federated.server_app"}


def is_command(path):
    return any(isinstance(node, ast.FunctionDef) and node.name == "main"
               for node in ast.parse((ROOT / path).read_text()).body)


def test_commands_are_leaves():
    commands = {".".join(path.with_suffix("").parts) for path in MODULES if is_command(path)}
    assert {"hw.build", "sw.train", "sim.verify"} <= commands
    imported = {command for path in MODULES if not path.name.startswith("test_")
                for name in imports((ROOT / path).read_text(), path)
                for command in commands if is_within(name, {command})}
    assert imported - NO_LEAVES == set()
    assert NO_LEAVES <= imported


def test_golden_costs_numpy_and_nothing_more():
    program = ("import sys, sw.golden.network, sw.golden.codes, sw.golden.forward, "
               "sw.golden.frame, sw.terminal.runs\n"
               "print(sorted({'torch', 'amaranth', 'cocotb', 'sklearn'} & sys.modules.keys()))")
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, text=True, check=True,
                            capture_output=True)
    assert result.stdout == "[]\n"


def test_sw_is_an_empty_package():
    assert (ROOT / "sw/__init__.py").read_bytes() == b""
