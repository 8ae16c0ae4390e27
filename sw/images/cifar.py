"""CIFAR-10 from its own files, or these compressed by xz: batches that Python 2 pickled.

A pickle is a program. This one is not run before the file's MD5 is that of the published file, and
its reader knows nothing but what makes an array of bytes.
"""

import hashlib
import lzma
import pickle
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..golden import regular
from ..golden.regular import FileRefused
from .names import DataError

__all__ = ["MD5", "load"]

FOLDER = "cifar-10-batches-py"
SOURCE = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
# Of the files in the archive; the last batch is the one to test on.
MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
SIZE = 3 * 32 * 32    # Bytes of an image.
MAX_BYTES = 1 << 25   # Of a file; the published ones have 31 million.
MEMORY = 1 << 28      # Bytes that decompressing may take; xz -9 takes a quarter.


def load(data_dir: Path | None, md5: Mapping[str, str] = MD5) -> list[Tensor]:
    """Read the images and labels to train on, then those to test on; files of at most 32 MiB.

    Images are uint8 of shape ``(n, 3, 32, 32)``, labels int64 from 0 to 9.

    Parameters
    ----------
    data_dir : Path or None
        Holds the files, or a folder ``cifar-10-batches-py``, ``cifar10`` or ``cifar-10`` that does.
        Each may be compressed, its name ending in ``.xz``: reading all takes ten seconds then.
    md5 : mapping
        Of all files by name, ``test_batch`` among them.

    Raises
    ------
    DataError
        The files are not all there, or not what they must be.
    """
    if data_dir is None:
        raise DataError(f"CIFAR-10 is not downloaded by itself: unpack {SOURCE} and pass "
                        "--data-dir with the folder that it is in")
    folder = _find(data_dir)
    parts = {name: _read(folder / name, digest) for name, digest in md5.items()}
    test = parts.pop("test_batch")
    return [torch.from_numpy(np.concatenate(arrays))
            for arrays in (*zip(*parts.values(), strict=True), *zip(test, strict=True))]


def _find(data_dir: Path) -> Path:
    for folder in (data_dir / FOLDER, data_dir / "cifar10" / FOLDER, data_dir / "cifar10",
                   data_dir / "cifar-10", data_dir):
        if any((folder / name).is_file() for name in ("test_batch", "test_batch.xz")):
            return folder
    raise DataError(f"test_batch was not found in {data_dir} or {data_dir / FOLDER}")


def _read(path: Path, digest: str) -> tuple[np.ndarray, np.ndarray]:
    content = _content(path)
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != digest:
        raise DataError(f"{path} must have the MD5 {digest} of the published file, not {found}: "
                        f"unpack {SOURCE} again")
    try:
        batch = _Reader(BytesIO(content), encoding="bytes").load()
        images, labels = batch[b"data"], np.array(batch[b"labels"], np.int64)
        if images.dtype != np.uint8 or images.shape != (len(labels), SIZE):
            raise ValueError
        if len(labels) == 0 or labels.min() < 0 or labels.max() > 9:
            raise ValueError
    except Exception:    # Whatever a pickle that is none may lead to.
        raise DataError(f"{path} is not a batch of CIFAR-10") from None
    return images.reshape(-1, 3, 32, 32), labels


def _content(path: Path) -> bytes:
    """Read a batch, or else the compressed one beside it, without more than it may hold."""
    packed = path.with_name(f"{path.name}.xz")
    try:
        if path.exists() or not packed.exists():
            return regular.read_bytes(path, MAX_BYTES)
        reader = lzma.LZMADecompressor(lzma.FORMAT_XZ, MEMORY)
        content = reader.decompress(regular.read_bytes(packed, MAX_BYTES), MAX_BYTES)
    except FileRefused as refused:
        raise DataError(str(refused)) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    except lzma.LZMAError as error:
        raise DataError(f"{packed} cannot be decompressed: {error}") from None
    if not reader.eof:
        raise DataError(f"{packed} must be whole, and hold at most {MAX_BYTES} bytes")
    return content


class _Reader(pickle.Unpickler):
    """Reads arrays of bytes, and what needs no name: dicts, lists, numbers, bytes."""

    def find_class(self, module: str, name: str) -> Any:
        known = {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): _dtype,
                 ("numpy.core.multiarray", "_reconstruct"): _empty,
                 ("numpy._core.multiarray", "_reconstruct"): _empty}
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} does not belong there")
        return known[module, name]


def _dtype(name: bytes | str, *_: object) -> np.dtype[np.uint8]:
    if name not in (b"u1", "u1"):
        raise pickle.UnpicklingError(f"Elements must be bytes, not {name!r}")
    return np.dtype(np.uint8)


def _empty(*_: object) -> np.ndarray:
    """Begin an array; its shape and bytes come after."""
    return np.empty(0, np.uint8)
