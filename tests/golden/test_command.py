import pytest

from sw.golden import command


@pytest.mark.parametrize("error, said", [
    (LookupError("Unknown board"), "error: Unknown board\n"),
    (ValueError("one\ntwo"), "error: one\n"), (ValueError(), "error: ValueError()\n")], ids=repr)
def test_a_failure_is_one_line(capsys, error, said):
    assert command.fail(error) == 2
    assert capsys.readouterr() == ("", said)


def test_a_wrong_flag_is_one_line(capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        command.Parser().parse_args(["--no-such-flag"])
    assert capsys.readouterr() == (
        "", "error: unrecognized arguments: --no-such-flag (see --help)\n")
