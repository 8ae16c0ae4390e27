"""ONNX files, executed node by node by the ``qonnx`` package: an arithmetic that is not ours."""

import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sw.golden.errors import UserError

__all__ = ["ExecutorNotFound", "classify"]

BATCH = 500    # Samples at a time, where the file leaves it open.


class ExecutorNotFound(UserError):
    """The package is not installed; the message says how to get it."""


def classify(path: Path, values: np.ndarray,
             progress: Callable[[int], object] = lambda count: None) -> list[int]:
    """Give the class of each sample ``(n, *shape)``: the graph's, or that of the highest score.

    Of equal scores the first. ``progress`` is told how many more were done.
    """
    if importlib.util.find_spec("qonnx") is None:
        raise ExecutorNotFound("qonnx is not installed: pip install '.[onnx]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")    # Of the package's own dependencies.
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.core.onnx_exec import execute_onnx
        from qonnx.util.cleanup import cleanup_model
        model = ModelWrapper(str(path))
        constants = {tensor.name for tensor in model.graph.initializer}
        value = next(each for each in model.graph.input if each.name not in constants)
        size = value.type.tensor_type.shape.dim[0]
        size.dim_value = size.dim_value or min(len(values), BATCH)    # Any will do.
        model = cleanup_model(model)
        name = model.graph.input[0].name
        batch = model.get_tensor_shape(name)[0]
        classes: list[int] = []
        for start in range(0, len(values), batch):
            part = values[start:start + batch]
            output, = execute_onnx(model, {name: np.resize(part, (batch, *part.shape[1:]))}
                                   ).values()
            if output.dtype.kind == "f":
                output = output.reshape(batch, -1).argmax(axis=1)
            classes += output.reshape(-1)[:len(part)].tolist()
            progress(len(part))
    return classes
