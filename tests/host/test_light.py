"""A host with numpy, Pillow, SciPy and pyserial alone: it asks a board, for pictures and rows."""

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sw.golden.codes import save_codes
from sw.golden.identity import Digest, Identity
from sw.golden.network import random_network
from sw.golden.stages import Signature
from sw.images.names import OwnImages
from sw.images.table import Column, Encoding
from sw.training.asked.columns import TableConfig
from sw.training.asked.stages import OnChipConfig
from tests.line import golden_line

ROOT = Path(__file__).parent.parent.parent
IMPORTED = {"pyserial": "serial", "pillow": "PIL", "scipy": "scipy"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names(requirements):
    return {re.split("[>=;<]", each)[0] for each in requirements}


# All that other extras bring, as it is imported.
BLOCKED = ("torch", "sklearn", "pooch", "matplotlib", "jinja2", "onnx", "onnxruntime", "qonnx",
           "amaranth", "amaranth_boards", "lightning", "flwr", "starlette", "uvicorn", "cocotb",
           "filelock", "pyarrow", "shtab")
PROGRAM = (f"import sys; sys.modules.update(dict.fromkeys({BLOCKED!r})); "
           "from sw.classify import main; sys.exit(main(sys.argv[1:]))")


def make_images(folder):
    network = random_network(Signature.parse("6x6x1:8-4-2"))
    own = OwnImages("photos", 6, False, None, ("links", "über"), "")
    Image.new("L", (30, 20), 99).save(folder / "a.png")
    return network, OnChipConfig(str(network), "photos", None, "all", "sign", 0, "cpu", 1, 8,
                                 "none", 2, own)


def make_table(folder):
    Encoding("class", ("links", "über"), (Column("x", (1.0, 2.0, 3.0), (), True),)).save(
        folder / "encoding.json")
    (folder / "new.csv").write_text("x\n2.5\n")
    return random_network((4, 5, 2)), TableConfig("t.csv", "class", 8, (5,), "sign", 0, "cpu", 1, 8,
                                                  "")


@pytest.mark.parametrize("make, flags, label, answer", [
    (make_images, ["{}/a.png"], "-", "über"), (make_table, ["--table", "{}/new.csv"], "-", "links"),
    (make_table, ["--reject", "0.1"], "links", "über")], ids=["picture", "row", "codes"])
def test_a_board_is_asked_without_torch(tmp_path, make, flags, label, answer):
    """The last of the codes has another label than golden's class."""
    network, config = make(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(asdict(config)))
    network.save(tmp_path / "network.safetensors")
    save_codes(tmp_path / "codes.safetensors", np.zeros((4, -(-network.n_in // 8)), np.uint8),
               np.array([1, 0, 1, 0]), network.n_in)
    shape = network.signature.widths or Digest.of(network.signature)
    with golden_line(network, Identity(shape, False, False, 0, b"abcd")) as port:
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM, "--port", port, "--network", str(tmp_path),
             *(flag.format(tmp_path) for flag in flags)], cwd=ROOT, text=True, capture_output=True,
            timeout=120)
    assert (result.returncode, result.stderr) == (0, "")
    assert re.split("  +", result.stdout.splitlines()[-1])[1:4] == [label, answer, answer]


def test_the_extra_brings_what_it_needs_and_no_more():
    host = names(PROJECT["optional-dependencies"]["host"])
    assert host == IMPORTED.keys() and host <= names(PROJECT["optional-dependencies"]["sw"])
    assert names(PROJECT["dependencies"]) == {"numpy", "safetensors", "tqdm"}
