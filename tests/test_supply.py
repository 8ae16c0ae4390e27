"""Nothing that a user's file reaches can run it: no pickle, no eval, no shell that reads a text."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path.relative_to(ROOT) for folder in ("boards", "hw", "sim", "sw")
                 for path in (ROOT / folder).rglob("*.py"))

IMPORTS = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml"}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execvp", "os.execv",
         "torch.load", "torch.save", "torch.jit.load", "torch.hub.load", "np.load", "numpy.load",
         "subprocess.getoutput", "subprocess.getstatusoutput", "runpy.run_path"}
# CIFAR-10 is published as pickles. One is read only if its MD5 is the published file's, and by a
# reader that knows arrays of bytes and no other name.
PUBLISHED = {"sw/images/cifar.py": ["pickle"]}
FLAGS = {"shell", "allow_pickle"}    # When they are true.


def dangers(source):
    """Return the line and the name of all that could run what a file holds."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = ([node.module or ""] if isinstance(node, ast.ImportFrom)
                     else [alias.name for alias in node.names])
            found += [(node.lineno, name) for name in names if name.split(".")[0] in IMPORTS]
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            found += [(node.lineno, name)] * (name in CALLS)
            found += [(node.lineno, keyword.arg) for keyword in node.keywords
                      if keyword.arg in FLAGS and ast.unparse(keyword.value) != "False"]
    return found


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_nothing_runs_what_a_file_holds(path):
    found = [name for _, name in dangers((ROOT / path).read_text())]
    assert found == PUBLISHED.get(path.as_posix(), [])


@pytest.mark.parametrize("source, found", [
    ("import pickle", [(1, "pickle")]),
    ("from joblib.x import y", [(1, "joblib.x")]),
    ("import torch\ntorch.load(path)", [(2, "torch.load")]),
    ("subprocess.run(text, shell=True)", [(1, "shell")]),
    ("subprocess.run(words, shell=False)", []),
    ("np.load(path, allow_pickle=maybe)", [(1, "np.load"), (1, "allow_pickle")]),
    ("model.eval(); re.compile(text)", []),
    ("eval(text)", [(1, "eval")]),
])
def test_what_is_searched_for_is_found(source, found):
    assert dangers(source) == found


def test_every_dependency_has_a_lower_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = project["dependencies"] + [each for extra in extras.values() for each in extra]
    # Types are for the linter alone.
    assert [each for each in needed if ">=" not in each and not each.startswith("types-")] == []
