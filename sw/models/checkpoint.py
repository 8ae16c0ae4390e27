"""Where training stands, in one file: a nested dict of tensors and numbers, without pickle.

The file is a safetensors file. A tensor is named by its keys joined with ``/``; everything else is
in the metadata ``values``, a JSON object with names of the same kind.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ..golden import regular
from ..golden import tensors as files
from ..golden.errors import UserError
from ..golden.network import atomic_write

__all__ = ["CheckpointError", "load_checkpoint", "save_checkpoint", "save_model"]

FORMAT = "hybnn-checkpoint-1"
MAX_BYTES = 1 << 33    # Of a file: an autoencoder of the largest encoder, and its optimizer.

Nested = dict[str, Any]    # Strings to tensors, numbers, or the same again.


class CheckpointError(UserError):
    """A file is not a well-formed checkpoint; the message says in one sentence why."""


def save_model(path: Path, model: nn.Module, /, **description: str) -> None:
    """Write all parameters and statistics of a trained model, whole or not at all, with what
    describes it, for :func:`sw.golden.tensors.read`."""
    state = {name: tensor.cpu().contiguous().numpy() for name, tensor in model.state_dict().items()}
    files.write(path, state, **description)


def save_checkpoint(path: Path, state: Nested) -> None:
    """Write a nested dict, whole or not at all. An empty dict inside it leaves no trace.

    >>> import tempfile, torch
    >>> path = Path(tempfile.mkdtemp()) / "checkpoint.safetensors"
    >>> save_checkpoint(path, {"epoch": 3, "model": {"a.b": torch.ones(2)}})
    >>> load_checkpoint(path)
    {'epoch': 3, 'model': {'a.b': tensor([1., 1.])}}
    """
    leaves = dict(_flatten(state))
    tensors = {name: leaf.detach().cpu().contiguous() for name, leaf in leaves.items()
               if isinstance(leaf, Tensor)}
    values = {name: leaf for name, leaf in leaves.items() if name not in tensors}
    atomic_write(path, save(tensors, {"format": FORMAT, "values": json.dumps(values)}))


def load_checkpoint(path: Path) -> Nested:
    """Read what :func:`save_checkpoint` wrote, of at most 8 GiB; all tensors are on the CPU.

    Raises
    ------
    CheckpointError
        The file is not a checkpoint: one sentence says what is wrong.
    OSError
        The file cannot be read.
    """
    try:
        with regular.open_file(path, MAX_BYTES), safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ValueError(f"its format is {metadata.get('format')!r}, not {FORMAT!r}")
            leaves = {name: file.get_tensor(name) for name in file.keys()}
        values = json.loads(metadata.get("values", ""))
        if not isinstance(values, dict):
            raise ValueError("its values must be a JSON object")
        return _nest(values | leaves)
    except (ValueError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{path} is not a checkpoint: {reason}") from None


def _flatten(state: Nested, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in state.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}/")
        else:
            yield prefix + key, value


def _nest(leaves: Nested) -> Nested:
    state: Nested = {}
    for name, leaf in leaves.items():
        *outer, last = name.split("/")
        place = state
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = leaf
    return state
