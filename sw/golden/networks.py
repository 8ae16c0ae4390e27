"""Any file that holds a network: our own, or an ONNX file."""

from pathlib import Path

from .errors import UserError
from .network import Network
from .qonnx import reader

__all__ = ["NotDense", "load", "load_dense"]


class NotDense(UserError):
    """Something takes fully connected networks of bits, and this is another."""


def load(path: Path) -> Network:
    """Read a network from a file of our own, or from an ONNX file if that is its suffix.

    Raises
    ------
    NetworkFileError
        It holds no network that is taken: one sentence says what is wrong.
    OSError
        The file cannot be read.
    """
    return reader.load(path).network if path.suffix == ".onnx" else Network.load(path)


def load_dense(path: Path, command: str) -> Network:
    """Read a network for a ``command``, such as ``"hw.build"``, which knows no convolutions yet.

    Raises
    ------
    NotDense
        The network is not fully connected on bits.
    NetworkFileError, OSError
        As :func:`load`.
    """
    network = load(path)
    if network.signature.widths is None:
        raise NotDense(f"{command} takes fully connected networks of bits, not {network}")
    return network
