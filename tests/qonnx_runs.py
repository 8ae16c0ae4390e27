"""What the ``qonnx`` package makes of a file: all that the graph gives, not the class alone."""

import warnings

from sw.golden.qonnx import executor

__all__ = ["sums"]


def sums(path, values):
    """Return the output ``(n, n_out)`` for samples ``(n, *shape)``, all in one batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return executor._qonnx(path, len(values))(values).reshape(len(values), -1)
