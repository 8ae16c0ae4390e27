"""What --help costs: of no command does it import what takes long, or what is of an extra."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sw.terminal.commands import COMMANDS
from sw.terminal.extras import EXTRAS

ROOT = Path(__file__).parents[2]
LIGHT = {"serial", "filelock"}    # Milliseconds each.
BLOCKED = sorted({package for packages in EXTRAS.values() for package in packages} - LIGHT)

PROGRAM = """
import contextlib, io, json, sys
sys.modules.update(dict.fromkeys(json.loads(sys.argv[1])))
from sw.terminal import commands, hybnn
said = {}
for name in commands.COMMANDS:
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            said[name] = hybnn.main([name, "--help"]), out.getvalue()
    except SystemExit as end:
        said[name] = end.code, out.getvalue()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said():
    """Return exit code and output of every --help, where all that is heavy is missing."""
    result = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps(BLOCKED)], cwd=ROOT,
                            env=os.environ | {"COLUMNS": "100"}, text=True, check=True,
                            capture_output=True, timeout=300)
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_needs_no_extra(name, said):
    code, text = said[name]
    assert (code, text.partition("[")[0]) == (0, f"usage: hybnn {name} ")
