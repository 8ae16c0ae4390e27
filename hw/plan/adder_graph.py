"""Which additions count the matches of all neurons of a layer. Numbers only: nothing here makes
hardware.

Neurons share their work in clusters of a few. Turn every input by the sign that the cluster's first
neuron gives it, and its matches are the sum of all. To another neuron an input then either agrees
with the first or differs, so its matches are twice the sum of those that agree, less the sum of
all, and a constant. Inputs that agree or differ for the same neurons form a class. Of four neurons
there are eight classes; each is added up once, then the few class sums are added in several ways.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from heapq import heapify, heappop, heappush

import numpy as np

from sw.golden.bits import Bits, Integers
from sw.golden.network import Network

__all__ = ["Graph", "Input", "Node", "Row", "build", "build_parts", "cost"]

REACH = 24               # Neurons that inputs reach in one cycle; see build_parts.
SIZES = 3, 4, 5          # Neurons of a cluster. Each is tried: 4 or 5 is best for most.

# Cells of an ECP5, measured.
TABLES = 0, 0, 2, 2, 3   # Four-input tables that add up 0 to 4 bits.
THRESHOLD = 3            # Tables that compare a sum with a constant.
CHAIN_ENDS = 4           # Where a carry chain begins and ends.
CHAINS = 1.33            # Carry chains, ends included, for each bit of their sums.


@dataclass(frozen=True, order=True)
class Input:
    """An input bit, or its complement."""

    index: int
    inverted: bool


@dataclass(frozen=True)
class Node:
    """A number: the sum of up to four bits, or of two nodes and perhaps a bit.

    Attributes
    ----------
    inputs : tuple of :class:`Input`
        Bits that are added.
    terms : tuple of int
        Nodes that are added, none or two.
    high : int
        The largest value it takes; the least is 0. Both happen.
    level : int
        Additions of nodes it lies behind. A sum of bits only, a few tables, is level 0.
    """

    inputs: tuple[Input, ...]
    terms: tuple[int, ...]
    high: int
    level: int

    @property
    def width(self) -> int:
        return self.high.bit_length()


@dataclass(frozen=True)
class Row:
    """How the matches of a neuron follow from nodes: ``offset + sign * value``.

    Attributes
    ----------
    total : int
        A node.
    agree : int or None
        Another, which never counts more than ``total``. The value is ``2 * agree - total``, or
        without it ``total``.
    low, high : int
        The least and the largest value.
    sign, offset : int
        The sign is -1 or 1.
    """

    total: int
    agree: int | None
    low: int
    high: int
    sign: int
    offset: int

    def complement(self, n_in: int) -> "Row":
        """Return the row of the neuron with all weights turned."""
        return replace(self, sign=-self.sign, offset=n_in - self.offset)

    @property
    def half_width(self) -> int:
        """Bits of ``agree - ceil(total / 2)``, the sign included."""
        return max(~(self.low // 2), self.high // 2).bit_length() + 1


@dataclass(frozen=True)
class Graph:
    """The additions of one layer.

    Attributes
    ----------
    nodes : sequence of :class:`Node`
        Each after its terms.
    rows : sequence of :class:`Row`
        One a neuron.
    """

    nodes: Sequence[Node]
    rows: Sequence[Row]

    def level(self, row: Row) -> int:
        """Return the level of a row's value: a subtraction after its nodes, if there is one."""
        if row.agree is None:
            return self.nodes[row.total].level
        return 1 + max(self.nodes[row.total].level, self.nodes[row.agree].level)

    @property
    def depth(self) -> int:
        """The highest level of a row."""
        return max(map(self.level, self.rows))

    @property
    def cells(self) -> int:
        """Predict the cells of an ECP5: tables, carry chains, what turns totals for subtraction."""
        tables = sum(TABLES[len(node.inputs)] for node in self.nodes if not node.terms)
        chains = sum(node.width for node in self.nodes if node.terms)
        subtractions = {(row.total, row.agree): row.half_width + 1
                        for row in self.rows if row.agree is not None}
        turned = sum(self.nodes[total].width for total in {total for total, _ in subtractions})
        return tables + turned + round(CHAINS * (chains + sum(subtractions.values())))

    def evaluate(self, x: Bits) -> Integers:
        """Count the matches of each neuron: bits ``(..., n_in)`` to ``(..., n_out)``."""
        values: list[Integers] = []
        for node in self.nodes:
            values.append(sum((x[..., bit.index] ^ bit.inverted for bit in node.inputs),
                              start=np.zeros(x.shape[:-1], int))
                          + sum(values[term] for term in node.terms))
        return np.stack([
            row.offset + row.sign * (values[row.total] if row.agree is None
                                     else 2 * values[row.agree] - values[row.total])
            for row in self.rows], axis=-1)


def build(weights: Bits) -> Graph:
    """Find additions for weight bits ``(n_out, n_in)``. The same weights give the same graph."""
    flips = weights[:, 0]
    patterns, numbers = np.unique(weights ^ flips[:, None], axis=0, return_inverse=True)
    graph = min((_build(patterns, size) for size in SIZES), key=lambda graph: graph.cells)
    rows = [graph.rows[number] for number in numbers.reshape(-1)]
    return Graph(graph.nodes, [row.complement(weights.shape[1]) if flip else row
                               for row, flip in zip(rows, flips)])


def build_parts(weights: Bits) -> list[Graph]:
    """Find additions for weight bits ``(n_out, n_in)``, for a few neurons after the other.

    An input of a large layer has far to go. So it goes step by step, a part of the neurons each
    cycle, and no part shares work with another.
    """
    return [build(weights[at:at + REACH]) for at in range(0, len(weights), REACH)]


@lru_cache(maxsize=1)    # A dry run asks twice for one network.
def cost(network: Network) -> int:
    """Predict the cells of an ECP5 that a hard-wired network takes, all but its link.

    Takes as long as finding the additions: a fifth of a second for 200-128-10.
    """
    cells = 0
    for layer in network.layers:
        cells += sum(graph.cells for graph in build_parts(layer.weights))
        cells += THRESHOLD * layer.n_out
    readout = network.readout
    score = (readout.n_in + int(readout.offsets.max())).bit_length()
    each = score + CHAIN_ENDS                                          # Its offset is added.
    each += 2 * score + CHAIN_ENDS + (readout.n_classes - 1).bit_length()  # Compare and choose.
    return cells + build(readout.weights).cells + each * readout.n_classes


def _build(patterns: Bits, size: int) -> Graph:
    """Find additions for neurons that all differ, in clusters of at most ``size``."""
    groups = _group(patterns, size)
    clusters = [_Cluster(patterns[group]) for group in groups]
    builder = _Builder()
    rows: dict[int, Row] = {}
    for group, cluster in zip(groups, clusters):
        sums = {name: builder.count(bits) for name, bits in cluster.classes.items()}
        rows.update(zip(group, cluster.rows(*builder.combine(sums))))
    return Graph(builder.nodes, [rows[number] for number in range(len(patterns))])


def _group(patterns: Bits, size: int) -> list[list[int]]:
    """Divide neurons into clusters, so that the class sums of each have few bits."""
    left = list(range(len(patterns)))
    groups = []
    while left:
        group = [left.pop(0)]
        names = np.zeros(patterns.shape[1], int)
        while left and len(group) < size:
            # A row of names for each candidate; names of different rows do not meet.
            candidates = 2 * names + (patterns[left] ^ patterns[group[0]])
            n_names = 1 << len(group)
            candidates += n_names * np.arange(len(left))[:, None]
            sizes = np.bincount(candidates.reshape(-1), minlength=n_names * len(left))
            best = int(np.log2(1 + sizes).reshape(len(left), -1).sum(axis=1).argmin())
            names = candidates[best] - n_names * best
            group.append(left.pop(best))
        groups.append(group)
    return groups


Name = tuple[bool, ...]


class _Cluster:
    """Neurons ``(n, n_in)`` that share their work.

    Attributes
    ----------
    classes : dict
        Inputs of each class. Its name says for each neuron but the first whether the class belongs
        to its part: either all inputs that agree with the first, or all that do not, whichever are
        fewer.
    """

    def __init__(self, patterns: Bits):
        first, others = patterns[0], patterns[1:]
        agree = others == first
        self._signs = np.where(2 * agree.sum(axis=1) <= len(first), 1, -1)
        parts = agree ^ (self._signs < 0)[:, None]
        self._sizes = parts.sum(axis=1)
        self._n_in = len(first)
        self.classes: dict[Name, list[Input]] = {}
        for index, (weight, name) in enumerate(zip(first, map(tuple, parts.T.tolist()))):
            self.classes.setdefault(name, []).append(Input(index, not weight))

    def rows(self, total: int, parts: Sequence[int]) -> list[Row]:
        """Return the row of each neuron, once it is known which nodes are their sums."""
        n_in = self._n_in
        rows = [Row(total, None, 0, n_in, 1, 0)]
        for part, n, sign in zip(parts, self._sizes.tolist(), self._signs.tolist()):
            rows.append(Row(total, part, n - n_in, n, sign, n_in - n if sign == 1 else n))
        return rows


class _Builder:
    """Makes nodes, none of them twice."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._numbers: dict[tuple[tuple[Input, ...], tuple[int, ...]], int] = {}

    def add(self, inputs: Iterable[Input], terms: Iterable[int] = ()) -> int:
        """Return the number of the node that adds all these."""
        key = tuple(sorted(inputs)), tuple(sorted(terms))
        if key not in self._numbers:
            above = [self.nodes[term] for term in key[1]]
            self._numbers[key] = len(self.nodes)
            self.nodes.append(Node(*key, len(key[0]) + sum(node.high for node in above),
                                   max((1 + node.level for node in above), default=0)))
        return self._numbers[key]

    def count(self, bits: Sequence[Input]) -> int:
        """Add bits up: three at a time, then numbers in pairs with a bit each."""
        if len(bits) <= 4:
            return self.add(bits)
        # What is not inverted suits the additions best, which have no tables in front.
        rest = sorted(bits, key=lambda bit: (not bit.inverted, bit.index))
        n_triples = (len(bits) + 2) // 4
        leaves = [self.add(rest[at:at + 3]) for at in range(0, 3 * n_triples, 3)]
        rest = rest[3 * n_triples:]
        if len(rest) >= len(leaves):
            leaves.append(self.add(rest[:1]))
            rest = rest[1:]
        return self.total(leaves, rest)

    def total(self, terms: Iterable[int], carries: Sequence[Input] = ()) -> int:
        """Add numbers up, the early and small ones first."""
        carries = list(carries)
        heap = [(self.nodes[term].level, self.nodes[term].high, term) for term in terms]
        heapify(heap)
        while len(heap) > 1:
            pair = heappop(heap)[2], heappop(heap)[2]
            term = self.add([carries.pop()] if carries else [], pair)
            heappush(heap, (self.nodes[term].level, self.nodes[term].high, term))
        return heap[0][2]

    def combine(self, sums: dict[Name, int]) -> tuple[int, list[int]]:
        """Add class sums: all of them, and for each place in their names those with a 1 there."""
        parts = []
        for place in reversed(range(len(next(iter(sums))))):
            parts.append(self.total(term for name, term in sums.items() if name[place]))
            merged: dict[Name, list[int]] = {}
            for name, term in sums.items():
                merged.setdefault(name[:place], []).append(term)
            sums = {name: self.total(terms) for name, terms in merged.items()}
        return self.total(sums.values()), parts[::-1]
