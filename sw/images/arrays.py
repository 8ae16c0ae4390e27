"""Files of arrays: NPZ, as numpy writes it, and Parquet. In a table each value becomes text.

In an NPZ file an array ``(n,)`` is a column of its name, and an array ``(n, m)`` is the columns
``NAME.0`` to ``NAME.m-1``. Nothing in a file is executed: arrays of objects are refused.
"""

import io
import math
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from ..golden import regular
from .names import DataError

__all__ = ["READERS", "read_npz"]

MAX_BYTES = 1 << 28     # Of a file, and of what is packed in it.
MAX_VALUES = 1 << 25
MAX_COLUMNS = 1 << 16
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)    # As numpy does it.
# What readers of damaged archives raise.
DAMAGED = (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, EOFError, KeyError,
           OverflowError, struct.error, zlib.error)

Column = tuple[str, list[Any]]    # Its name and its values.
Rows = tuple[list[str], list[list[str]]]    # The names of the columns, and the values of each row.


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of an NPZ file, of numbers and text, by name.

    Raises :exc:`~sw.images.names.DataError` where it is none, and as
    :func:`sw.golden.regular.open_file` does.
    """
    content = regular.read_bytes(path, MAX_BYTES)
    try:
        arrays = _arrays(content)
        if len(dict(arrays)) < len(arrays):
            raise ValueError("each must have a name of its own")
    except DAMAGED as error:
        raise DataError(f"{path} must be an NPZ file of arrays: {error}") from None
    return dict(arrays)


def _npz(path: Path) -> Rows:
    content = regular.read_bytes(path, MAX_BYTES)
    try:
        arrays = _arrays(content)
        _bound(sum(each.shape[1] if each.ndim == 2 else 1 for _, each in arrays),
               sum(each.size for _, each in arrays))
        columns = [column for name, array in arrays for column in _columns(name, array)]
    except DAMAGED as error:
        raise DataError(f"{path} must be an NPZ file of columns: {error}") from None
    return _rows(path, columns)


def _arrays(content: bytes) -> list[tuple[str, np.ndarray]]:
    """Return the names and arrays of an NPZ file; one of :data:`DAMAGED` if it is none."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = archive.infolist()
        if strange := [each for each in found if each.compress_type not in PACKED]:
            raise ValueError(f"{strange[0].filename!r:.40} must be stored or deflated: write "
                             "it with numpy")
        _bound(len(found), 0, sum(each.file_size for each in found))
        return [(each.filename.removesuffix(".npy"), _array(archive.read(each)))
                for each in found]


def _array(content: bytes) -> np.ndarray:
    file = io.BytesIO(content)
    version = npy.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"arrays must be of version 1.0 or 2.0, not {version}")
    shape, by_column, dtype = _header(file, version)
    if dtype.kind not in "biufU":
        raise ValueError(f"arrays must be of numbers or text, not {dtype}")
    raw = file.read()
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"an array of {' x '.join(map(str, shape))} must have "
                         f"{math.prod(shape) * dtype.itemsize:,} bytes, not {len(raw):,}")
    if dtype.kind == "U" and not _is_unicode(np.frombuffer(raw, f"{dtype.str[0]}u4")):
        raise ValueError("text must be Unicode, without halves of pairs")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if by_column else "C")


def _is_unicode(points: np.ndarray) -> bool:
    """Return whether each can be a character: no file takes a surrogate that stands alone."""
    return bool(((points < 0xD800) | (points > 0xDFFF) & (points < 0x110000)).all())


def _header(file: io.BytesIO, version: tuple[int, int]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return the shape, whether it is by column, and the type."""
    try:
        with warnings.catch_warnings(action="ignore"):    # That Python 2 wrote it.
            return HEADERS[version](file)
    except ValueError:
        raise
    except Exception as error:    # Python's parser and numpy have many: even MemoryError.
        raise ValueError("the header of an array must be one that numpy writes: "
                         f"{type(error).__name__}") from None


def _bound(columns: int, values: int, size: int = 0) -> None:
    """Refuse a table of too many, before each of them is an object."""
    for count, most, what in ((columns, MAX_COLUMNS, "columns"), (values, MAX_VALUES, "values"),
                              (size, MAX_BYTES, "bytes")):
        if count > most:
            raise ValueError(f"it must hold at most {most:,} {what}, not {count:,}")


def _columns(name: str, array: np.ndarray) -> list[Column]:
    if array.ndim == 1:
        return [(name, array.tolist())]
    if array.ndim != 2:
        raise ValueError(f"an array must be a column or several, and {name!r:.40} has "
                         f"{array.ndim} dimensions")
    return [(f"{name}.{number}", column.tolist()) for number, column in enumerate(array.T)]


def _parquet(path: Path) -> Rows:
    # An extra: pyarrow is larger than all else that reads a table.
    import pyarrow
    from pyarrow import parquet

    content = regular.read_bytes(path, MAX_BYTES)
    try:
        schema = parquet.read_schema(pyarrow.BufferReader(content))
        if len({*schema.names}) < len(schema):
            return schema.names, []    # Refused with those of CSV files, and not worth reading.
        # As dictionaries: a text that many rows have is there once, until it is counted.
        file = parquet.ParquetFile(pyarrow.BufferReader(content), read_dictionary=_texts(schema))
        groups = [file.metadata.row_group(each) for each in range(file.num_row_groups)]
        _bound(len(schema), len(schema) * sum(group.num_rows for group in groups),
               sum(group.total_byte_size for group in groups))
        found = file.read()
        _bound(0, 0, sum(map(_text_bytes, found.columns)))
        columns = [(str(name), column.to_pylist())
                   for name, column in zip(found.column_names, found.columns)]
    except (ValueError, OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} must be a Parquet file of columns: {error}") from None
    return _rows(path, columns)


def _texts(schema: Any) -> list[str]:
    """Return the names of the columns of text; :exc:`ValueError` of what is no number either."""
    from pyarrow import types

    kinds = {name: kind.value_type if types.is_dictionary(kind) else kind
             for name, kind in zip(schema.names, schema.types)}
    texts = [name for name, kind in kinds.items() if types.is_string(kind)
             or types.is_large_string(kind) or types.is_string_view(kind)]
    for name in kinds.keys() - texts:
        if not (types.is_primitive(kinds[name]) or types.is_null(kinds[name])):
            raise ValueError(f"{name!r:.40} must be numbers or text, not {kinds[name]}")
    return texts


def _text_bytes(column: Any) -> int:
    """Return how many bytes of text a column read as dictionaries has."""
    from pyarrow import compute, types

    if not types.is_dictionary(column.type):
        return 0
    lengths = (compute.binary_length(chunk.dictionary).take(chunk.indices)
               for chunk in column.chunks)
    return sum(compute.sum(each).as_py() or 0 for each in lengths)


def _rows(path: Path, columns: list[Column]) -> Rows:
    lengths = {len(column) for _, column in columns}
    if len(lengths) != 1:
        raise DataError(f"{path} must have columns of one length, not of "
                        f"{', '.join(map(str, sorted(lengths))) or 'none'}")
    try:
        texts = [[_text(value) for value in column] for _, column in columns]
    except ValueError as error:
        raise DataError(f"{path} must have numbers and text in its columns, not {error}") from None
    return [name for name, _ in columns], [list(row) for row in zip(*texts)]


def _text(value: object) -> str:
    """Return what a CSV file would have.

    >>> [_text(value) for value in (1, 0.1, True, " a", None)]
    ['1', '0.1', '1', 'a', '']
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float):
        return repr(value if type(value) is float else int(value))
    raise ValueError(f"{value!r:.40}")


READERS = {".npz": _npz, ".parquet": _parquet}
