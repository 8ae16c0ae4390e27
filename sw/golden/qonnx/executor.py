"""ONNX files, executed by other programs: an arithmetic that is not ours.

A graph of ONNX's own operators is run by ONNX Runtime as it stands, without its optimisations; one
with QONNX's operators node by node by the ``qonnx`` package.
"""

import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import forward
from ..errors import UserError
from ..network import NetworkFileError
from . import reader
from .file import graph as graphs

__all__ = ["BATCH", "ExecutorNotFound", "check", "classify"]

BATCH = 500    # Samples at a time, where the file leaves it open.
CHECKED = 300
SILENT = 4     # ONNX Runtime's level of messages: those before it ends the process.

Run = Callable[[np.ndarray], np.ndarray]


class ExecutorNotFound(UserError):
    """The package is not installed; the message says how to get it."""


def check(path: Path, count: int = CHECKED) -> str:
    """Compare the network read from an ONNX file with what the file's graph itself gives.

    Inputs are drawn from all that the graph takes. Return one line on what was found: that all
    classes are equal, or why they could not be compared.

    Raises
    ------
    NetworkFileError
        A class is another, or the graph cannot be run.
    OSError
        The file cannot be read.
    """
    imported = reader.load(path)
    values = imported.inputs.draw(count, seed=0)
    try:
        classes = classify(path, values)
    except (ExecutorNotFound, ModuleNotFoundError) as missing:
        return f"not compared with the graph in another program: {missing}"
    expected = forward.classify_all(imported.network, imported.inputs.codes(values))
    wrong = int((expected != classes).sum())
    if wrong:
        raise NetworkFileError(f"{path} is not taken: run by another program, its graph gives "
                               f"another class for {wrong} of {count} inputs; report it, with the "
                               "file")
    return f"equal to the graph in another program, on {count} inputs"


def classify(path: Path, values: np.ndarray,
             progress: Callable[[int], object] = lambda count: None) -> list[int]:
    """Return the class of each sample ``(n, *shape)``, as the graph's last operators have it.

    That is what :func:`~sw.golden.qonnx.file.graph.answer` says: the class itself, or that of the
    highest score and of equal ones the first, or with one score whether it is so much.
    ``progress`` is told how many more were done.

    Raises
    ------
    ExecutorNotFound
        Neither program is installed that can run it.
    NetworkFileError
        It cannot be run.
    """
    graph = graphs.read(path)
    answer = graphs.answer(graph)
    batch = min(len(values), BATCH) if graph.any_batch else graph.shape[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")    # Of the packages' own dependencies.
        try:
            run = (_qonnx(path, batch) if any(node.domain for node in graph.nodes)
                   else _onnxruntime(path))
            classes: list[int] = []
            for start in range(0, len(values), batch):
                part = values[start:start + batch]
                output = run(np.resize(part, (batch, *part.shape[1:]))).reshape(batch, -1)
                classes += _classes(output, answer)[:len(part)].tolist()
                progress(len(part))
        except (ExecutorNotFound, ModuleNotFoundError):
            raise
        except Exception as error:    # Of many kinds, of which the programs say nothing.
            said = next(iter(str(error).splitlines()), type(error).__name__)
            raise NetworkFileError(f"{path} is not taken: no other program runs its graph: "
                                   f"{said[:200]}") from None
    return classes


def _classes(output: np.ndarray, answer: str) -> np.ndarray:
    """Return the classes ``(n,)`` of what a graph gives, ``(n, n_scores)``."""
    if answer == "class" or (answer == "bit" and output.shape[1] == 1):
        return output[:, 0].astype(np.int64)
    if output.shape[1] > 1:
        return np.asarray(output.argmax(axis=1))
    return (output[:, 0] >= reader.LIMITS[answer]).astype(np.int64)


def _onnxruntime(path: Path) -> Run:
    if importlib.util.find_spec("onnxruntime") is None:
        raise ExecutorNotFound("onnxruntime is not installed: pip install '.[onnx]'")
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = SILENT
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda values: np.asarray(session.run(None, {name: values})[0])


def _qonnx(path: Path, batch: int) -> Run:
    if importlib.util.find_spec("qonnx") is None:
        raise ExecutorNotFound("qonnx is not installed: pip install '.[onnx]'")
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.util.cleanup import cleanup_model
    model: Any = ModelWrapper(str(path))
    constants = {tensor.name for tensor in model.graph.initializer}
    value = next(each for each in model.graph.input if each.name not in constants)
    value.type.tensor_type.shape.dim[0].dim_value = batch
    model = cleanup_model(model)
    name = model.graph.input[0].name

    def run(values: np.ndarray) -> np.ndarray:
        output, = execute_onnx(model, {name: values}).values()
        return np.asarray(output)

    return run
