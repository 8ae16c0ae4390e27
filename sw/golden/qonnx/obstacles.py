"""What else stands in the way of a graph that is refused, so that nobody finds it one by one.

Behind the node that was refused nothing is known of what depends on the graph's input. Told is what
is seen without: operators that no network has, weights that are not of two values, and numbers of
several bits where a layer takes bits.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from .file.graph import PASSING, Node, Refused
from .signals.near import Near
from .signals.sums import TOGETHER

__all__ = ["others"]

Array = np.ndarray
Kind = tuple[str, str]

AT_MOST = 4    # Obstacles that are told.
HANDING_ON = {*PASSING, "MaxPool", "Pad"}


def others(nodes: list[Node], values: Mapping[str, Any], known: Collection[Kind],
           products: Collection[Kind], evaluate: Callable[[Node, list[Any]], Any]) -> str:
    """Say what else stands in the way, of the ``nodes`` behind the one that was refused.

    ``values`` are those before them, ``known`` all operators there are, and ``products`` those that
    begin a layer; ``evaluate`` computes what a node makes of constants. Return nothing if nothing
    does, else what may follow the first reason.
    """
    constants = {name: value for name, value in values.items()
                 if value is None or isinstance(value, Array | Near)}
    makers = {name: node for node in nodes for name in node.outputs}
    found = []
    for node in nodes:
        kind = (node.domain, node.op)
        if kind not in known:
            found.append(f"{node} is no operator of a binary network")
        elif node.outputs and all(name in constants for name in node.inputs):
            try:
                constants[node.outputs[0]] = evaluate(node, [constants[name]
                                                             for name in node.inputs])
            except Refused:
                continue
        elif kind in products and len(node.inputs) > 1:
            found += _of_product(node, constants, makers)
    if not found:
        return ""
    told = [*found[:AT_MOST], *([f"{len(found) - AT_MOST} more"] if len(found) > AT_MOST else [])]
    return f"; besides, {', '.join(told)}"


def _differ(sizes: Array) -> bool:
    """Return whether a neuron's weights, of ``sizes (n_out, n_in)``, are not of one size."""
    most = sizes.max(axis=1)
    return bool((sizes.min(axis=1) < (1 - TOGETHER) * most).any() or not most.all())


def _of_product(node: Node, constants: Mapping[str, Any], makers: Mapping[str, Node]) -> list[str]:
    """Say what stands in the way of a layer: its weights, its input."""
    weights, found = constants.get(node.inputs[1]), []
    weights = weights.array if isinstance(weights, Near) else weights
    plain = not node.domain and node.op != "Einsum"
    if plain and isinstance(weights, Array) and weights.ndim in (2, 4):
        by_neuron = node.op == "Conv" or node.attributes.get("transB")
        sizes = np.abs((weights if by_neuron else weights.T).astype(np.float64))
        if sizes.size and _differ(sizes.reshape(len(sizes), -1)):
            found.append(f"the weights of {node} are not of one size for each neuron")
    maker = makers.get(node.inputs[0])
    for _ in makers:    # No longer: nodes may hang in a circle.
        if maker and maker.op in HANDING_ON and maker.inputs:
            maker = makers.get(maker.inputs[0])
    width = constants.get(maker.inputs[3]) if maker and maker.op in ("Quant", "IntQuant") and len(
        maker.inputs) == 4 else None
    if maker and isinstance(width, Array) and width.size == 1 and width.item() > 1:
        found.append(f"{maker} gives {node} numbers of {width.item():g} bits")
    return found
