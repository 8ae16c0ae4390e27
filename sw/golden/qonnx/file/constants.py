"""The constants of an ONNX file: those that it holds, and those of a data file beside it.

PyTorch's newer exporter writes ``model.onnx`` and ``model.onnx.data``. Nothing else is opened than
a file of the same folder, and nothing is read beyond its end.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ... import regular
from .refused import Refused

__all__ = ["Read", "array", "beside"]

MAX_BYTES = 1 << 28      # A data file: weights of a hundred of the largest networks on a board.

Read = Callable[[str], bytes]


def beside(path: Path) -> Read:
    """Return a function that reads a data file by its name, once, in the folder of ``path``."""
    @cache
    def read(name: str) -> bytes:
        file = path.parent / name
        if name in ("", "..") or file.name != name or file.is_symlink():
            raise Refused(f"its constants lie in {name[:60]!r}; let that be a file beside it")
        try:
            return regular.read_bytes(file, MAX_BYTES)
        except FileNotFoundError:
            raise Refused(f"its constants lie in {name[:60]!r}, which is not there; put that file "
                          "beside it") from None
    return read


def array(tensor: Any, read: Read | None = None) -> np.ndarray:
    """Return a tensor's array; ``read`` gives the bytes of a data file, if it may have one."""
    from onnx import TensorProto, numpy_helper
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        if read is None:
            raise Refused(f"the constant {tensor.name[:60]!r} lies in another file, as only an "
                          "initializer may; write one file with onnx.save(onnx.load(PATH), PATH)")
        tensor = _with_data(tensor, read)
    try:
        found: np.ndarray = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError):
        raise Refused(f"the constant {tensor.name[:60]!r} is damaged") from None
    if found.dtype.kind not in "fiub" or found.dtype.itemsize > 8:
        raise Refused(f"the constant {tensor.name[:60]!r} is of a type unknown to numpy")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise Refused(f"the constant {tensor.name[:60]!r} has numbers that are not finite")
    return found


def _with_data(tensor: Any, read: Read) -> Any:
    """Return a copy of a tensor that holds the bytes which it has in a data file."""
    said = {each.key: each.value for each in tensor.external_data}
    content = read(said.get("location", ""))
    first, length = (said.get(name, default) for name, default in (
        ("offset", "0"), ("length", str(len(content)))))
    if not (first.isascii() and first.isdigit() and length.isascii() and length.isdigit()
            and len(first + length) < 40 and int(first) + int(length) <= len(content)):
        raise Refused(f"the constant {tensor.name[:60]!r} lies beyond the end of its data file; "
                      "export it anew")
    whole = type(tensor)()
    whole.CopyFrom(tensor)
    whole.ClearField("external_data")
    whole.ClearField("data_location")
    whole.raw_data = content[int(first):int(first) + int(length)]
    return whole
