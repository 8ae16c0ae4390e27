"""Codes with their labels, as training leaves them for whoever tests hardware. A file.

The file is one of :mod:`sw.golden.tensors`. Its description is ``format = "hybnn-codes-1"`` and
``n_bits``; its tensors are

* ``codes``, uint8 ``(n, ceil(n_bits / 8))``: packed as in :mod:`sw.golden.bits`, unused bits zero;
* ``labels``, int64 ``(n,)``: the true class of each code.
"""

from pathlib import Path

import numpy as np

from . import tensors as files
from .bits import Bits, n_bytes, pack, unpack
from .errors import UserError
from .stages import MAX_MAP, PIXEL_BITS

__all__ = ["CodesFileError", "load_codes", "save_codes"]

FORMAT = "hybnn-codes-1"
MAX_BITS = MAX_MAP * PIXEL_BITS
MAX_BYTES = 1 << 26    # Of a file: two million codes of 200 bits, each bit a byte when it is read.


class CodesFileError(UserError):
    """A file does not hold well-formed codes; the message says in one sentence why."""


def save_codes(path: Path, codes: np.ndarray, labels: np.ndarray, n_bits: int) -> None:
    """Write packed codes, uint8 ``(n, ceil(n_bits / 8))``, and labels ``(n,)``.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "codes.safetensors"
    >>> save_codes(path, np.array([[6], [1]], np.uint8), np.array([4, 2]), n_bits=3)
    >>> bits, labels = load_codes(path)
    >>> bits.tolist(), labels.tolist()
    ([[0, 1, 1], [1, 0, 0]], [4, 2])
    """
    labels = labels.astype(np.int64)
    _unpacked(codes, labels, n_bits)
    tensors = {"codes": np.ascontiguousarray(codes), "labels": np.ascontiguousarray(labels)}
    files.write(path, tensors, format=FORMAT, n_bits=n_bits)


def load_codes(path: Path, n_in: int | None = None) -> tuple[Bits, np.ndarray]:
    """Read codes, unpacked into bits ``(n, n_bits)``, and labels, int64 ``(n,)``.

    The file has at most 64 MiB. A network that takes ``n_in`` bits takes no others.

    Raises
    ------
    CodesFileError
        The file does not hold codes, or others: one sentence says what is wrong.
    OSError
        The file cannot be read.
    """
    try:
        description, tensors = files.read(path, {FORMAT: ["n_bits"]}, MAX_BYTES)
        files.check_names(tensors, ["codes", "labels"])
        n_bits = _check_n_bits(description["n_bits"])
        codes, labels = _unpacked(tensors["codes"], tensors["labels"], n_bits), tensors["labels"]
    except ValueError as error:
        raise CodesFileError(f"{path} is not a file of codes: {error}") from None
    if n_in not in (None, n_bits):
        raise CodesFileError(f"{path} has codes of {n_bits} bits, but the network takes {n_in}")
    return codes, labels


def _check_n_bits(value: object) -> int:
    if type(value) is not int or not 1 <= value <= MAX_BITS:    # True is an int, too.
        raise ValueError(f"its n_bits must be 1 to {MAX_BITS}, not {value!r:.40}")
    return value


def _unpacked(codes: np.ndarray, labels: np.ndarray, n_bits: int) -> Bits:
    if codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] != n_bytes(n_bits):
        raise ValueError(f"codes of {n_bits} bits must be uint8 of shape (n, {n_bytes(n_bits)}), "
                         f"not {codes.dtype} of shape {codes.shape}")
    if labels.dtype != np.int64 or labels.shape != codes.shape[:1]:
        raise ValueError(f"labels must be int64 of shape {codes.shape[:1]}, "
                         f"not {labels.dtype} of shape {labels.shape}")
    if labels.size and labels.min() < 0:
        raise ValueError(f"labels must not be negative, not {labels.min()}")
    bits = unpack(codes, n_bits)
    if not np.array_equal(pack(bits), codes):
        raise ValueError(f"its codes have bits beyond their {n_bits}")
    return bits
