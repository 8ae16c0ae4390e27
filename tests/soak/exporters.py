"""What plain PyTorch's newer exporter writes, optimised and not, and what becomes of it.

The tests do the same with the older exporter, which is quick. Lost is a form that gives another
class than in ONNX Runtime, and one that is taken with one exporter and refused with the other. A
file that ONNX Runtime does not load is the exporter's own fault.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from sw.golden.network import NetworkFileError
from sw.golden.qonnx import executor, reader
from tests import torch_field, torch_forms

from . import Row, share, workplace

__all__ = ["export", "run"]

TAKEN = torch_forms.TAKEN | torch_field.TAKEN | torch_field.NEWER
REFUSED = torch_forms.REFUSED | torch_field.REFUSED
INPUTS = 400


def export(make: Callable[[], torch.nn.Module], folder: Path) -> Iterator[Path]:
    """Write a form as it is decomposed, and as it is optimised; yield one path after the other."""
    torch.manual_seed(0)
    model: Any = make().eval()
    with (contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()),
          warnings.catch_warnings()):
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(model, (torch.rand(1, *torch_forms.SHAPE),), dynamo=True,
                                         verbose=False, optimize=False)
    path = folder / "decomposed.onnx"
    program.save(path)
    yield path
    program.optimize()
    path = folder / "optimised.onnx"
    program.save(path, external_data=True)
    yield path


def _loads(path: Path) -> bool:
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = executor.SILENT
    try:
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception:    # Of kinds of its own.
        return False
    return True


def _ends(path: Path) -> str:
    """Return what becomes of a file."""
    try:
        reader.load(path)
    except NetworkFileError as error:
        return "wrong" if "\n" in str(error) else "refused" if _loads(path) else "not ONNX"
    try:
        return "taken" if executor.check(path, INPUTS).startswith("equal") else "wrong"
    except NetworkFileError:
        return "wrong"


def run(scale: float) -> list[Row]:
    """Export a share of the forms, those that are taken and those that are not."""
    logging.disable(logging.WARNING)    # Of packages that the exporter does not find.
    rows = []
    for what, forms in (("taken", list(TAKEN.values())),
                        ("refused", [make for make, _ in REFUSED.values()])):
        found = []
        with workplace() as folder:
            for make in forms[:share(len(forms), scale)]:
                try:
                    found += [_ends(path) for path in export(make, folder)]
                except torch.onnx.OnnxExporterError:
                    found.append("not exported")
        theirs = sum(end in ("not exported", "not ONNX") for end in found)
        lost = len(found) - theirs - found.count(what)
        rows.append(Row(f"PyTorch's newer exporter, forms that are {what}", len(found) - theirs,
                        lost, f"{theirs} more that it does not write" if theirs else ""))
    return rows
