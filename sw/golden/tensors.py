"""Named arrays and a description of them, in a file that is the same bytes whenever it is written.

The file is a safetensors file. Its only metadata, under the key ``hybnn``, are a JSON object with
sorted keys: safetensors writes several metadata in no fixed order.
"""

import json
import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from . import regular

__all__ = ["atomic_write", "check_names", "read", "to_bytes", "write"]

KEY = "hybnn"
# By safetensors' names. Other packages can teach numpy more.
TYPES = {"BOOL", "U8", "I8", "U16", "I16", "F16", "U32", "I32", "F32", "U64", "I64", "F64"}
MAX_DESCRIPTION = 10_000    # Characters: a network of a thousand layers.


def write(path: Path, tensors: Mapping[str, np.ndarray], **description: object) -> None:
    """Write a file, whole or not at all."""
    atomic_write(path, to_bytes(tensors, **description))


def to_bytes(tensors: Mapping[str, np.ndarray], **description: object) -> bytes:
    """Return what the file holds."""
    # What is not contiguous, the library writes in the order of the memory.
    content: bytes = save({name: np.asarray(each, order="C") for name, each in tensors.items()},
                          {KEY: json.dumps(description, sort_keys=True)})
    return content


def read(path: Path, formats: Mapping[str, Collection[str]], budget: int
         ) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """Read the description and the tensors of a file.

    Parameters
    ----------
    formats : dict of str to collection of str
        What the description's ``format`` can be, and for each what else must be in the description.
    budget : int
        Bytes that the file may have.

    Raises
    ------
    ValueError
        It is not such a file: one clause, with ``its`` for the file's, says what is wrong.
    OSError
        The file cannot be read, or is larger.
    """
    try:
        with regular.open_file(path, budget), safe_open(path, framework="numpy") as file:
            description = _description(file.metadata() or {}, formats)
            return description, {name: _tensor(file, name) for name in file.keys()}
    except SafetensorError as error:
        raise ValueError(shorten(str(error), 200)) from None


def check_names(tensors: Collection[str], expected: Collection[str]) -> None:
    """Raise :exc:`ValueError` unless the names are those expected."""
    if missing := [name for name in expected if name not in tensors]:
        raise ValueError(f"the tensor {missing[0]!r} is missing")
    if extra := sorted(set(tensors) - set(expected)):
        raise ValueError(f"the tensor {extra[0][:40]!r} does not belong there")


def atomic_write(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that the file is never seen half written.

    Raises
    ------
    FileNotFoundError
        Its folder is not there.
    """
    path = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except FileNotFoundError as error:    # It would name a file that nobody asked for.
        raise FileNotFoundError(error.errno, "The folder to write into is not there, make it first",
                                str(path.parent)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _description(metadata: dict[str, str], formats: Mapping[str, Collection[str]]
                 ) -> dict[str, object]:
    if set(metadata) != {KEY}:
        raise ValueError(f"its metadata must be {KEY!r} and nothing else")
    if len(metadata[KEY]) > MAX_DESCRIPTION:
        raise ValueError(f"its description is longer than {MAX_DESCRIPTION} characters")
    try:
        description = json.loads(metadata[KEY])
    except (ValueError, RecursionError):
        raise ValueError("its description is not JSON") from None
    if not isinstance(description, dict):
        raise ValueError("its description is not a JSON object")
    format = description.get("format")
    if not isinstance(format, str) or format not in formats:
        raise ValueError(f"its format is {format!r:.40}, not {' or '.join(map(repr, formats))}")
    if set(description) != {"format", *formats[format]}:
        raise ValueError(f"its description must hold {', '.join(['format', *formats[format]])} "
                         "and nothing else")
    return description


def _tensor(file: Any, name: str) -> np.ndarray:
    dtype = file.get_slice(name).get_dtype()
    if dtype not in TYPES:
        raise ValueError(f"the tensor {name[:40]!r} is of type {dtype}, unknown to numpy")
    tensor: np.ndarray = file.get_tensor(name)
    return tensor
