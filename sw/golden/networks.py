"""Any file that holds a network: our own, or an ONNX file."""

from pathlib import Path

from .network import Network
from .qonnx import reader

__all__ = ["load"]


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
