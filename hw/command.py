"""Another name of :mod:`sw.golden.command`, for who imports it here."""

from sw.golden.command import INTERRUPTED, Parser

__all__ = ["INTERRUPTED", "Parser"]
