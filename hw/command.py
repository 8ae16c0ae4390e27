"""Command lines that say what is wrong in one line."""

import argparse
import math

__all__ = ["INTERRUPTED", "Parser", "megahertz"]

INTERRUPTED = 130  # Exit code after Ctrl-C, as shells have it.


class Parser(argparse.ArgumentParser):
    """Without the lines of usage before the error: ``--help`` has them."""

    def error(self, message):
        self.exit(2, f"error: {message} (see --help)\n")


def megahertz(text: str) -> float:
    """Read a frequency in MHz; give hertz."""
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be a positive number of MHz, not {text!r}")
    return value * 1e6
