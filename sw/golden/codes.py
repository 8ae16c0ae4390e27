"""Codes with their labels, as training leaves them for whoever tests hardware. A file.

The file is a safetensors file. Its metadata hold ``format = "hybnn-codes-1"`` and ``n_bits``; its
tensors are

* ``codes``, uint8 ``(n, ceil(n_bits / 8))``: packed as in :mod:`sw.golden.bits`, unused bits zero;
* ``labels``, int64 ``(n,)``: the true class of each code.
"""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from .bits import Bits, n_bytes, pack, unpack
from .network import MAX_WIDTH, atomic_write

__all__ = ["CodesFileError", "load_codes", "save_codes"]

FORMAT = "hybnn-codes-1"


class CodesFileError(Exception):
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
    atomic_write(path, save(tensors, {"format": FORMAT, "n_bits": str(n_bits)}))


def load_codes(path: Path) -> tuple[Bits, np.ndarray]:
    """Read codes, unpacked into bits ``(n, n_bits)``, and labels, int64 ``(n,)``.

    Raises
    ------
    CodesFileError
        The file does not hold codes: one sentence says what is wrong.
    OSError
        The file cannot be read.
    """
    with open(path, "rb"):  # safe_open's own message for a missing file has no file name.
        pass
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ValueError(f"its format is {metadata.get('format')!r}, not {FORMAT!r}")
            names = sorted(file.keys())
            if names != ["codes", "labels"]:
                raise ValueError(f"its tensors must be 'codes' and 'labels', not {names}")
            codes, labels = file.get_tensor("codes"), file.get_tensor("labels")
        return _unpacked(codes, labels, _parse_n_bits(metadata.get("n_bits", ""))), labels
    except (ValueError, TypeError, KeyError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise CodesFileError(f"{path} is not a file of codes: {reason}") from None


def _parse_n_bits(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5
            and 1 <= int(text) <= MAX_WIDTH):
        raise ValueError(f"its n_bits must be 1 to {MAX_WIDTH}, not {text[:40]!r}")
    return int(text)


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
