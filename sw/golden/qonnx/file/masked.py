"""Assignments to what a mask selects, ``x[mask] = 1``, as PyTorch's newer exporter writes them.

It takes the places where the mask is true, as many copies of the number, and a ScatterND. How many
there are depends on the input. So the nodes are taken together: as one that chooses, for each
element, between the number and what was there.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .graph import Graph, Node, Refused, needed

__all__ = ["ASSIGN", "assign", "joined"]

Array = np.ndarray

ASSIGN = ("masked", "ScatterND")
SPREADING = ("Reshape", "Expand", "Identity")    # Of one number they make as many as are asked.


def joined(graph: Graph) -> Graph:
    """Return a graph whose assignments to what a mask selects take x, the mask and a number."""
    makers = {name: node for node in graph.nodes for name in node.outputs if not node.domain}
    nodes = [_joined(node, makers) for node in graph.nodes]
    return replace(graph, nodes=needed(nodes, graph.output))


def _joined(node: Node, makers: Mapping[str, Node]) -> Node:
    if node.domain or node.op != "ScatterND" or len(node.inputs) != 3 or node.attributes.get(
            "reduction", "none") != "none":
        return node
    turned = makers.get(node.inputs[1])
    places = makers.get(turned.inputs[0]) if turned and turned.op == "Transpose" else None
    if places is None or turned is None or places.op != "NonZero" or not places.inputs or list(
            turned.attributes.get("perm", [1, 0])) != [1, 0]:
        return node
    mask, number = (_source(name, makers) for name in (places.inputs[0], node.inputs[2]))
    return replace(node, domain=ASSIGN[0], inputs=(node.inputs[0], mask, number), attributes={})


def _source(name: str, makers: Mapping[str, Node]) -> str:
    """Return what was spread to become a value."""
    for _ in makers:    # No longer: nodes may hang in a circle.
        maker = makers.get(name)
        if maker is None or maker.op not in SPREADING or not maker.inputs:
            break
        name = maker.inputs[0]
    return name


def assign(node: Node, x: Array, mask: Array, number: Array) -> Array:
    """Return x, and the number where the mask is true."""
    if mask.dtype != bool or number.size != 1 or number.dtype != x.dtype or mask.ndim != x.ndim:
        raise Refused("it must assign one number, of the type of what is there, to what a mask of "
                      "the same shape selects")
    return np.where(mask, number.reshape(()), x)
