import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sw.golden.errors import UserError
from sw.terminal import command

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(path.relative_to(ROOT).as_posix() for folder in ("sw", "hw", "sim")
                  for path in (ROOT / folder).rglob("*.py")
                  if 'if __name__ == "__main__":' in path.read_text())


@pytest.mark.parametrize("error, said", [
    (LookupError("Unknown board"), "error: Unknown board\n"),
    (ValueError("one\ntwo"), "error: one; two\n"),
    (ValueError("yosys failed:\n\n  no module\r\n\n"), "error: yosys failed: no module\n"),
    (ValueError("a\x1b[31m red\x07 word\u2028end"), "error: a [31m red  word; end\n"),
    (ValueError("x" * 1000), f"error: {'x' * 1000}\n"),
    (ValueError("a" * 500 + "b" * 500 + "c" * 500), f"error: {'a' * 500} ... {'c' * 500}\n"),
    (ValueError("\n"), "error: ValueError('\\n')\n"),
    (ValueError(), "error: ValueError()\n")])
def test_a_failure_is_one_line(capsys, error, said):
    assert command.fail(error) == 2
    assert capsys.readouterr() == ("", said)


def test_a_wrong_flag_is_one_line(capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        command.Parser().parse_args(["--no-such\nflag"])
    assert capsys.readouterr() == (
        "", "error: unrecognized arguments: --no-such; flag (see --help)\n")


@pytest.mark.parametrize("error, code, said", [
    (None, 3, ""),
    (UserError("It must be 1,\nnot 2"), 2, "error: It must be 1,; not 2\n"),
    (FileNotFoundError(2, "No such file or directory", "a"), 2,
     "error: [Errno 2] No such file or directory: 'a'\n"),
    (MemoryError(), 2, "error: there is not enough memory for this\n"),
    (ConnectionResetError("The board hung up"), 2, "error: The board hung up\n"),
    (BrokenPipeError("The board hung up"), 2, "error: The board hung up\n"),
    (KeyboardInterrupt(), 130, "error: interrupted, there is no bitstream\n"),
    (KeyboardInterrupt("go on with: --resume"), 130, "interrupted; go on with: --resume\n"),
], ids=repr)
def test_a_command_ends_in_one_way(capsys, error, code, said):
    @command.command("there is no bitstream")
    def main(argv=None):
        if error is not None:
            raise error
        return 3

    assert main() == code
    assert capsys.readouterr() == ("", said)


def test_a_mistake_of_ours_leaves_its_traceback():
    @command.command()
    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main()


PROGRAM = """
import sys
from sw.terminal.command import Parser, command
from sw.golden.errors import UserError
@command()
def main():
    Parser(epilog="help " * 9_999).parse_args()
    print({said})
    return 0
sys.exit(main())
"""


@pytest.mark.parametrize("said, shell, result", [
    ('"\u2192 \u00b5s"', "PYTHONIOENCODING=ascii {}", (0, r"\u2192 \xb5s" "\n", "")),
    ('"\udcff"', "{}", (0, "\\udcff\n", "")),
    ('"much " * 99_999', "{} | head -c 4", (141, "much", "")),
    ('"much " * 99_999', "{} --help | head -c 4", (0, "usag", "")),
    ('"little"', "{} | true", (141, "", "")),
    ('"little"', "PYTHONUNBUFFERED=1 {} | true", (141, "", "")),
    ('"little"', "PYTHONUNBUFFERED=1 {} > /dev/full",
     (2, "", "error: [Errno 28] No space left on device\n")),
    ('"little"', "{} > /dev/full", (2, "", "error: [Errno 28] No space left on device\n")),
    ('"little"', "{} >&-", (0, "", "")),
    ('"little"', "{} 2>&-", (0, "little\n", "")),
    ('1 if sys.stdout is None else "little"', "{} >&- 2>&-", (0, "", "")),
])
def test_what_takes_the_output(said, shell, result):
    program = PROGRAM.format(said=said.encode("unicode_escape").decode())
    line = shell.format(f'"{sys.executable}" -c "$0"')
    found = subprocess.run(["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}", program], cwd=ROOT,
                           capture_output=True, text=True, timeout=30, check=False,
                           env={key: value for key, value in os.environ.items()
                                if not key.startswith("PYTHON")})
    assert (found.returncode, found.stdout, found.stderr) == result


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_ends_so(path):
    mains = [node for node in ast.parse((ROOT / path).read_text()).body
             if isinstance(node, ast.FunctionDef) and node.name == "main"]
    assert [[ast.unparse(each).partition("(")[0] for each in main.decorator_list]
            for main in mains] == [["command"]]


def test_what_a_user_can_cause_has_one_base():
    classes = {node.name: {ast.unparse(base) for base in node.bases}
               for folder in ("sw", "hw", "sim") for path in (ROOT / folder).rglob("*.py")
               for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)}
    bases = {"Exception", "ValueError", "LookupError", "RuntimeError"}
    assert {name for name, of in classes.items() if of & bases and "UserError" not in of
            and not name.startswith("_")} == {
        "UserError", "Unequal", "Skipped",    # What becomes of a rung,
        "Counterexample", "NotInductive",    # and of a proof.
        "Described"}    # A parser, and not a mistake.
