"""Records: dataclasses that come back from JSON with the types their fields must have."""

import math
import os
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from .errors import UserError

__all__ = ["WrongField", "is_text", "record"]

WORDS = {str: "text", bool: "true or false", int: "an integer", float: "a number"}

Record = TypeVar("Record")


class WrongField(UserError, ValueError):
    """A field has another type than it must have; the message says which."""


def record(kind: type[Record], content: object) -> Record:
    """Make a dataclass of what a JSON object holds, which must have all of its fields.

    A field is text, a truth value, an integer, a finite number, such a dataclass itself, one of
    these or None, or a tuple or a sequence of any number of one of them.

    Raises
    ------
    WrongField
        One of the fields has another type.
    ValueError
        It is no object, or has not these fields.
    """
    if not isinstance(content, dict):
        raise ValueError("it must be a JSON object")
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if extra := sorted(content.keys() - known):
        raise ValueError(f"{extra[0]!r:.40} does not belong there")
    if missing := sorted(known - content.keys()):
        raise ValueError(f"{missing[0]!r} is missing")
    hints = get_type_hints(kind)
    return kind(**{name: _value(name, hints[name], value) for name, value in content.items()})


def is_text(value: str) -> bool:
    """Return whether text could be the name of a file: JSON can hold what no system takes.

    >>> is_text("runs/\\u00e4"), is_text("a\\0b"), is_text("\\ud800")
    (True, False, False)
    """
    try:
        return b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def _value(name: str, hint: Any, value: object) -> Any:
    if isinstance(hint, UnionType):
        if value is None and NoneType in get_args(hint):
            return None
        hint, = {*get_args(hint)} - {NoneType}
    if get_origin(hint) in (tuple, Sequence) and isinstance(value, list):
        each = [_value(f"each of {name}", get_args(hint)[0], one) for one in value]
        return tuple(each) if get_origin(hint) is tuple else each
    if is_dataclass(hint) and isinstance(hint, type):
        try:
            return record(hint, value)
        except WrongField as error:
            raise WrongField(f"of {name}, {error}") from None
        except ValueError as error:
            raise WrongField(f"{name} must hold {', '.join(each.name for each in fields(hint))}: "
                             f"{error}") from None
    if hint is float:
        if type(value) in (int, float) and abs(value) < math.inf:  # type: ignore[arg-type]
            return value
    elif type(value) is hint and (hint is not str or is_text(value)):  # type: ignore[arg-type]
        return value
    raise WrongField(f"{name} must be {WORDS.get(hint, 'a list')}, not {value!r:.40}")
