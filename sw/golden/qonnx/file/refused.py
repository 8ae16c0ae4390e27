"""The exception of all that reads ONNX files."""

from ...errors import UserError

__all__ = ["Refused"]


class Refused(UserError, ValueError):
    """A graph is not one that is taken; the message says why, and what would be."""
