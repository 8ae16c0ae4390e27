"""Tables: rows of a CSV, NPZ or Parquet file, told apart by one of its columns, as bits.

A column of numbers becomes a thermometer: a bit for each threshold, 1 where the value reaches it.
The thresholds are quantiles of the rows to train on. A column of words becomes one bit for each
word. A value that is missing has no such bit, and one of its own where the rows to train on miss
some.
"""

import csv
import hashlib
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..golden import regular
from ..golden.bits import Bits
from ..golden.frame import MAX_CLASSES
from ..golden.network import MAX_WIDTH
from ..golden.record import record
from ..golden.tensors import atomic_write
from .arrays import READERS
from .names import DataError

__all__ = ["Column", "Encoding", "Table", "divide", "fit", "has_labels", "labelled", "read"]

FORMAT = "hybnn-encoding-1"
MAX_BYTES = 1 << 28
HEAD = 1 << 16    # Characters in which the header is looked for.
MAX_WORDS = 64    # Of a column.
MISSING = ("", "?", "na", "n/a", "nan", "null", "none")
TEST = 0.2    # Of each class.


@dataclass(frozen=True)
class Table:
    """A file's rows, as text; ``labels`` is empty where the file has no column of labels."""

    path: Path
    names: tuple[str, ...]
    rows: list[list[str]]
    labels: list[str]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that it holds."""
        content = json.dumps([self.names, self.rows, self.labels])
        return hashlib.sha256(content.encode(errors="surrogateescape")).hexdigest()


@dataclass(frozen=True)
class Column:
    """How a column becomes bits: by its ``thresholds``, or by its words, ``values``.

    Attributes
    ----------
    missing : bool
        There is one more bit, for a value that is missing.
    """

    name: str
    thresholds: tuple[float, ...]
    values: tuple[str, ...]
    missing: bool

    @property
    def n_bits(self) -> int:
        return len(self.thresholds) + len(self.values) + self.missing

    def encode(self, values: Sequence[str]) -> Bits:
        """Return bits ``(n, n_bits)``; :exc:`ValueError` of what is neither number nor missing."""
        gone = np.array([_is_missing(value) for value in values], bool)
        if self.values:
            parts = [np.array([value == word for value in values]) for word in self.values]
        elif not self.thresholds:    # The rows to train on told nothing by it.
            parts = []
        else:
            numbers = np.array([math.nan if gone[row] else _number(value)
                                for row, value in enumerate(values)])
            parts = [numbers >= threshold for threshold in self.thresholds]    # NaN is less.
        parts += [gone] * self.missing
        bits: Bits = np.array(parts, np.uint8).reshape(len(parts), len(values)).T
        return bits


@dataclass(frozen=True)
class Encoding:
    """How rows become bits, and what classes there are. A file."""

    label: str
    classes: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def n_bits(self) -> int:
        return sum(column.n_bits for column in self.columns)

    def encode(self, table: Table) -> Bits:
        """Return the bits ``(n, n_bits)`` of all rows of a table, whose columns are found by name.

        Raises
        ------
        DataError
            A column is not there, or has a value that cannot be one of it.
        """
        bits = [np.zeros((len(table.rows), 0), np.uint8)]
        for column in self.columns:
            values = _column(table, column.name)
            try:
                bits.append(column.encode(values))
            except ValueError:
                row, value = next((row, value) for row, value in enumerate(values)
                                  if not _is_missing(value) and not _is_number(value))
                raise DataError(f"{table.path} must have numbers in the column {column.name!r}, "
                                f"and has {value!r:.40} in row {row + 1}") from None
        return np.concatenate(bits, 1)

    def targets(self, table: Table) -> np.ndarray:
        """Return the class of each row, int64 ``(n,)``."""
        known = {name: klass for klass, name in enumerate(self.classes)}
        for row, label in enumerate(table.labels):
            if label not in known:
                raise DataError(f"{table.path} must have classes that the run knows, and has "
                                f"{label!r:.40} in row {row + 1}")
        return np.array([known[label] for label in table.labels], np.int64)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        atomic_write(path, (json.dumps({"format": FORMAT, **asdict(self)}, indent=2)
                            + "\n").encode())

    @classmethod
    def load(cls, path: Path) -> "Encoding":
        """Read what :meth:`save` wrote; :exc:`DataError` if it is not such a file."""
        try:
            content = regular.read_json(path)
            if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
                raise ValueError(f"it must be a JSON object whose format is {FORMAT!r}")
            return record(cls, content)
        except ValueError as error:
            raise DataError(f"{path} is not the encoding of a table: {error}") from None


def read(path: Path, label: str | None) -> Table:
    """Read a table of at most 256 MiB: an NPZ or Parquet file by its name, else a CSV file.

    A CSV file has a header; between values is a comma, a semicolon or a tab. See
    :mod:`.arrays` for the others.

    Raises
    ------
    DataError
        It is no table, or has no column ``label``: one sentence says what is wrong.
    """
    try:
        header, rows = READERS.get(path.suffix.lower(), _csv)(path)
    except FileNotFoundError:
        raise DataError(f"{path} must be a table (CSV, NPZ or Parquet), and is not there"
                        ) from None
    except IsADirectoryError:
        raise DataError(f"{path} must be a table (CSV, NPZ or Parquet), and is a folder: give the "
                        "file in it, or images with --images") from None
    _check(path, header, rows)
    found = Table(path, tuple(header), rows, [])
    return found if label is None else labelled(found, label)


def _csv(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        text = regular.read_text(path, MAX_BYTES).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} must be in UTF-8, and is not at byte {error.start + 1:,}: save it "
                        "anew as CSV UTF-8") from None
    # Whatever stands between quotes is part of a name.
    head = re.sub(r'"[^"]*"', "", text[:HEAD].lstrip("\r\n")).split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    try:
        lines = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
                 if row]
    except csv.Error as error:
        raise DataError(f"{path} must be a CSV file with a header: {error}") from None
    if not lines:
        raise DataError(f"{path} must be a CSV file with a header, and is empty")
    header, *rows = ([value.strip() for value in row] for row in lines)
    return header, rows


def labelled(table: Table, label: str) -> Table:
    """Return a table whose column ``label`` is that of the labels; raise as :func:`read` does."""
    labels = _column(table, label)
    for number, value in enumerate(labels, 1):
        if _is_missing(value):
            raise DataError(f"{table.path} must have a label in each row, and has none in row "
                            f"{number}")
    at = table.names.index(label)
    return Table(table.path, table.names[:at] + table.names[at + 1:],
                 [row[:at] + row[at + 1:] for row in table.rows], labels)


def has_labels(table: Table, label: str) -> bool:
    """Return whether a table has the column ``label``, and something in it."""
    return label in table.names and not all(map(_is_missing, _column(table, label)))


def _check(path: Path, header: list[str], rows: list[list[str]]) -> None:
    if twice := [name for name, count in Counter(header).items() if count > 1]:
        raise DataError(f"{path} must have columns of different names, and has two named "
                        f"{min(twice)!r}")
    if not rows:
        raise DataError(f"{path} must have rows below its header")
    if any("\0" in "".join(row) for row in (header, *rows)):    # No encoding could be read again.
        raise DataError(f"{path} must be text without the character NUL")
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise DataError(f"{path} must have {len(header)} values in each row, and has "
                            f"{len(row)} in row {number}")
        if row == header:
            raise DataError(f"{path} must have one header, and has it again in row {number}")


def divide(table: Table, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on, and a fifth of each class to test on.

    Raises
    ------
    DataError
        There are no 2 to 256 classes, or one of them has a single row.
    """
    counts = Counter(table.labels)    # An array would have room for the longest in each row.
    if not 2 <= len(counts) <= MAX_CLASSES:
        raise DataError(f"{table.path} must have 2 to {MAX_CLASSES} classes, not {len(counts)}")
    if alone := sorted(name for name, count in counts.items() if count < 2):
        raise DataError(f"{table.path} must have two rows of each class at the least, and has one "
                        f"of {alone[0]!r:.40}")
    numbers = {name: klass for klass, name in enumerate(sorted(counts))}
    found = np.array([numbers[label] for label in table.labels])
    rng, is_test = np.random.default_rng(seed), np.zeros(len(found), bool)
    for name, klass in numbers.items():
        count, rows = counts[name], rng.permutation(np.flatnonzero(found == klass))
        is_test[rows[:max(1, round(TEST * count))]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def fit(table: Table, rows: np.ndarray, label: str, levels: int) -> Encoding:
    """Return the encoding of a table whose ``rows`` are trained on; up to ``levels`` thresholds.

    Raises
    ------
    DataError
        A column of numbers has a word, or one of words too many of them, or all tell nothing
        or more than a layer takes.
    """
    columns = tuple(_fit(table, name, rows, levels) for name in table.names)
    found = Encoding(label, tuple(sorted(set(table.labels))), columns)
    if not found.n_bits:
        raise DataError(f"{table.path} must have a column that is not the same in all rows")
    if found.n_bits > MAX_WIDTH:
        raise DataError(f"{table.path} must become at most {MAX_WIDTH:,} bits, not "
                        f"{found.n_bits:,}: ask for fewer levels, or leave columns out")
    return found


def _fit(table: Table, name: str, rows: np.ndarray, levels: int) -> Column:
    values = _column(table, name)
    known = [values[row] for row in rows if not _is_missing(values[row])]
    missing = 0 < len(known) < len(rows)
    there = [value for value in values if not _is_missing(value)]
    if 2 * sum(map(_is_number, there)) >= len(there):    # Numbers; a word is a mistake.
        column = Column(name, (0.0,), (), missing)
        Encoding("", (), (column,)).encode(table)
        return Column(name, tuple(_thresholds([float(value) for value in known], levels)), (),
                      missing)
    words = sorted(set(known))
    if len(words) > MAX_WORDS:
        raise DataError(f"{table.path} must have at most {MAX_WORDS} different words in a column, "
                        f"and has {len(words)} in {name!r}: leave the column out")
    return Column(name, (), tuple(words), missing)


def _thresholds(numbers: list[float], levels: int) -> Iterator[float]:
    """Yield values that part the numbers into equal shares, each of them greater than the least."""
    places = (np.arange(levels) + 1) / (levels + 1)
    if numbers:
        for found in np.unique(np.quantile(numbers, places, method="higher")):
            if found > min(numbers):
                yield float(found)


def _column(table: Table, name: str) -> list[str]:
    if name not in table.names:
        raise DataError(f"{table.path} must have the column {name!r}, and has "
                        f"{', '.join(table.names):.200}")
    at = table.names.index(name)
    return [row[at] for row in table.rows]


def _is_missing(value: str) -> bool:
    return value.lower() in MISSING


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(_number(value))
    except ValueError:
        return False


def _number(value: str) -> float:
    number = float(value)
    if not math.isfinite(number) or "_" in value:
        raise ValueError
    return number
