"""How much a graph may take: with a large constant and many nodes, a small file asks for hours."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .file.graph import Refused
from .signals.near import Near
from .signals.signal import Signal

__all__ = ["Work"]

MAX_MADE = 1 << 31    # Numbers in all: some minutes. The largest layer's weights, 128 times.


@dataclass
class Work:
    """How many numbers the nodes of a graph have ``made`` so far."""

    made: int = 0

    def do(self, evaluate: Callable[..., Any], *given: Any) -> Any:
        """Evaluate a node, or raise :exc:`Refused` if those before it made too much."""
        if self.made > MAX_MADE:
            raise Refused("the nodes before it make too many numbers in all; let the exporter fold "
                          "them")
        value = evaluate(*given)
        self.made += _size(value)
        return value


def _size(value: Any) -> int:
    if isinstance(value, Near):
        return int(value.array.size)
    if isinstance(value, Signal):
        return int(value.table.size)
    return int(value.size) if isinstance(value, np.ndarray) else 0
