import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sw.terminal import commands, completion, extras, hybnn
from sw.terminal.command import Parser, command

ROOT = Path(__file__).parents[2]


@pytest.fixture
def module(monkeypatch):
    """Return a command of one flag; it is called hybnn try."""
    class Module:
        @staticmethod
        @command()
        def main(argv):
            parser = Parser(prog="python -m try")
            parser.add_argument("--number", type=int)
            return parser.parse_args(argv).number

    monkeypatch.setitem(commands.COMMANDS, "try", ("sw.trying", "try"))
    monkeypatch.setitem(sys.modules, "sw.trying", Module)
    return Module


def test_a_command_is_called_with_its_arguments(module):
    assert hybnn.main(["try", "--number", "3"]) == 3


def test_usage_says_how_a_command_was_called(module, capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        hybnn.main(["try", "--help"])
    assert capsys.readouterr().out.startswith("usage: hybnn try [-h] [--number NUMBER]\n")
    with pytest.raises(SystemExit, match=r"^0$"):
        module.main(["--help"])
    assert capsys.readouterr().out.startswith("usage: python -m try [-h] [--number NUMBER]\n")


def test_help_lists_all_commands(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        hybnn.main(["--help"])
    lines = capsys.readouterr().out.partition("commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == list(commands.COMMANDS)
    assert {line[:14].rstrip(" ").count("  ") for line in lines} == {1}
    assert {line[12:14] == "  " and line[14] != " " for line in lines} == {True}


@pytest.mark.parametrize("name, said", [
    ("trian", "did you mean train?"), ("xyz", "hybnn --help lists them")])
def test_an_unknown_command_is_one_line(capsys, name, said):
    assert hybnn.main([name]) == 2
    assert capsys.readouterr() == ("", f"error: There is no command {name!r}: {said}\n")


def test_no_command_is_one_line(capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        hybnn.main([])
    assert capsys.readouterr().err.count("\n") == 1


def test_a_missing_extra_is_named(capsys, module, monkeypatch):
    monkeypatch.delitem(sys.modules, "sw.trying")
    monkeypatch.setattr(commands, "import_module", lambda name: __import__("amaranth.hdl"))
    monkeypatch.setitem(sys.modules, "amaranth", None)
    assert hybnn.main(["try"]) == 2
    assert capsys.readouterr().err == (
        "error: amaranth is not installed: pip install '.[hw]' in the checkout, or 'hybnn[hw]'\n")


def test_a_missing_module_of_ours_is_a_mistake(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "sw.trying", None)
    with pytest.raises(ModuleNotFoundError):
        hybnn.main(["try"])


def test_every_command_of_ours_has_a_name():
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts)
               for folder in ("sw", "hw", "sim") for path in (ROOT / folder).rglob("*.py")
               if 'if __name__ == "__main__":' in path.read_text()}
    assert modules - {"sw.terminal.hybnn"} == {module for module, _ in commands.COMMANDS.values()}


def test_extras_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert extras.EXTRAS.keys() <= project["optional-dependencies"].keys()
    assert project["scripts"] == {"hybnn": "sw.terminal.hybnn:main"}


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_a_shell_can_read_its_completion(shell, monkeypatch, module):
    pytest.importorskip("shtab")
    monkeypatch.setattr(completion, "COMMANDS", {"try": ("sw.trying", "try")})
    text = completion.script(shell)
    assert "--number" in text and "hybnn" in text
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=text, text=True, check=True, timeout=60)
