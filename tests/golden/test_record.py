from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from sw.golden import regular
from sw.golden.record import WrongField, record


@dataclass(frozen=True)
class Inner:
    share: float
    name: str = "a"


@dataclass(frozen=True)
class Outer:
    count: int
    sure: bool
    inner: Inner
    widths: tuple[int, ...]
    words: Sequence[str]
    place: str | None = None


GOOD = {"count": 3, "sure": False, "inner": {"share": 1, "name": "ä"}, "widths": [1, 2],
        "words": [], "place": None}


def test_a_record_comes_back():
    assert record(Outer, GOOD) == Outer(3, False, Inner(1, "ä"), (1, 2), [])
    assert record(Outer, {**GOOD, "place": "x"}).place == "x"


@pytest.mark.parametrize("change, said", [
    ({"count": True}, "count must be an integer, not True"),
    ({"count": 3.0}, "count must be an integer, not 3.0"),
    ({"count": "3"}, "count must be an integer, not '3'"),
    ({"count": None}, "count must be an integer, not None"),
    ({"sure": 0}, "sure must be true or false, not 0"),
    ({"inner": []}, "inner must hold share, name: it must be a JSON object"),
    ({"inner": {"share": 1}}, "inner must hold share, name: 'name' is missing"),
    ({"inner": {"share": float("nan"), "name": ""}}, "of inner, share must be a number, not nan"),
    ({"inner": {"share": float("inf"), "name": ""}}, "of inner, share must be a number, not inf"),
    ({"inner": {"share": False, "name": ""}}, "of inner, share must be a number, not False"),
    ({"widths": 1}, "widths must be a list, not 1"),
    ({"widths": "12"}, "widths must be a list, not '12'"),
    ({"widths": [1, "2"]}, "each of widths must be an integer, not '2'"),
    ({"words": [None]}, "each of words must be text, not None"),
    ({"place": 1}, "place must be text, not 1"),
    ({"place": "a\0"}, "place must be text, not 'a\\x00'"),
    ({"place": "\ud800"}, "place must be text, not '\\ud800'"),
    ({"place": "x" * 99 + "\n\0"}, f"place must be text, not '{'x' * 39}")])
def test_a_wrong_field_is_named(change, said):
    with pytest.raises(WrongField) as wrong:
        record(Outer, {**GOOD, **change})
    assert str(wrong.value) == said


@pytest.mark.parametrize("content, said", [
    ([], "it must be a JSON object"), ("text", "it must be a JSON object"),
    ({**GOOD, "more": 1}, "'more' does not belong there"),
    ({name: value for name, value in GOOD.items() if name != "count"}, "'count' is missing")])
def test_another_record_is_refused(content, said):
    with pytest.raises(ValueError, match=rf"^{said}$"):
        record(Outer, content)


def test_json_that_is_too_deep_is_none(tmp_path):
    (tmp_path / "deep").write_bytes(b"[" * 100_000)
    with pytest.raises(ValueError, match=r"^it is nested too deeply$"):
        regular.read_json(tmp_path / "deep")
