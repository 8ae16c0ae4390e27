"""Which additions count the matches of all neurons of a layer. Numbers only: nothing here makes
hardware.

Neurons share their work in clusters of a few. Turn every input by the sign that the cluster's first
neuron gives it, and its matches are the sum of all. To another neuron an input then either agrees
with the first or differs, so its matches are twice the sum of those that agree, less the sum of
all, and a constant. Inputs that agree or differ for the same neurons form a class. Of four neurons
there are eight classes; each is added up once, then the few class sums are added in several ways.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import permutations

import numpy as np

from sw.golden.bits import Bits, Integers

__all__ = ["Graph", "Input", "Node", "Row", "build"]

CLUSTER = 4  # Neurons. With random weights 3 take a tenth more, 5 as much with a deeper pipeline.


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
        Additions it lies behind. A single bit is level 0.
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
        """Give the level of a row's value: a subtraction after its nodes, if there is one."""
        if row.agree is None:
            return self.nodes[row.total].level
        return 1 + max(self.nodes[row.total].level, self.nodes[row.agree].level)

    @property
    def depth(self) -> int:
        """The highest level of a row."""
        return max(map(self.level, self.rows))

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
    flips = weights[:, :1]
    patterns, numbers = np.unique(weights ^ flips, axis=0, return_inverse=True)
    builder = _Builder()
    rows: dict[int, Row] = {}
    for cluster in _clusters(patterns):
        rows.update(zip(cluster, builder.cluster(patterns[cluster])))
    return Graph(builder.nodes, [
        _complement(rows[number], weights.shape[1]) if flip else rows[number]
        for number, flip in zip(numbers.reshape(-1).tolist(), flips[:, 0])])


def _complement(row: Row, n_in: int) -> Row:
    return Row(row.total, row.agree, row.low, row.high, -row.sign, n_in - row.offset)


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
            level = 0 if len(key[0]) + len(above) == 1 else 1 + max(
                (node.level for node in above), default=0)
            self._numbers[key] = len(self.nodes)
            self.nodes.append(Node(*key, len(key[0]) + sum(node.high for node in above), level))
        return self._numbers[key]

    def cluster(self, patterns: Bits) -> list[Row]:
        """Count matches for a few neurons ``(n, n_in)`` that differ from each other."""
        n_in = patterns.shape[1]
        first, *others = patterns
        bits = [Input(index, not weight) for index, weight in enumerate(first.tolist())]
        # The smaller part of the inputs is the one that is added up apart from the total.
        agrees = [other == first for other in others]
        signs = [1 if 2 * agree.sum() <= n_in else -1 for agree in agrees]
        parts = [agree if sign == 1 else ~agree for agree, sign in zip(agrees, signs)]

        classes: dict[tuple[bool, ...], list[Input]] = {}
        for bit, *member in zip(bits, *(part.tolist() for part in parts)):
            classes.setdefault(tuple(member), []).append(bit)
        order = _cheapest_order({member: len(each) for member, each in classes.items()})
        sums = {member: self.count(each) for member, each in sorted(classes.items())}
        total, chosen = self.combine(sums, order)

        rows = [Row(total, None, 0, n_in, 1, 0)]
        for number, (part, sign) in enumerate(zip(parts, signs)):
            n_part = int(part.sum())
            offset = n_in - n_part if sign == 1 else n_part
            rows.append(Row(total, chosen[number], n_part - n_in, n_part, sign, offset))
        return rows

    def count(self, bits: Sequence[Input]) -> int:
        """Add bits up: three at a time, then numbers in pairs, each with a bit as its carry in."""
        if len(bits) <= 4:
            return self.add(bits)
        # As many carries in as there will be additions. What is not inverted suits them best.
        bits = sorted(bits, key=lambda bit: (bit.inverted, bit.index), reverse=True)
        n_leaves = -(-(len(bits) + 1) // 4)
        at = 3 * n_leaves if 3 * n_leaves <= len(bits) else 3 * n_leaves - 2
        leaves = [self.add(bits[i:min(i + 3, at)]) for i in range(0, at, 3)]
        return self.total(leaves, bits[at:])

    def total(self, terms: Iterable[int], carries: Sequence[Input] = ()) -> int:
        """Add numbers up, the early and small ones first."""
        carries = list(carries)
        heap = [(self.nodes[term].level, self.nodes[term].high, term) for term in terms]
        heapify(heap)
        while len(heap) > 1:
            pair = heappop(heap)[2], heappop(heap)[2]
            term = self.add([carries.pop()] if carries else [], pair)
            heappush(heap, (self.nodes[term].level, self.nodes[term].high, term))
        assert not carries
        return heap[0][2]

    def combine(self, sums: dict[tuple[bool, ...], int], order: Sequence[int],
                ) -> tuple[int, dict[int, int]]:
        """Add class sums: all of them, and for each place of ``order`` those with a 1 there."""
        chosen = {}
        for place in order:
            ones = [term for member, term in sums.items() if member[place]]
            if ones:
                chosen[place] = self.total(ones)
            merged: dict[tuple[bool, ...], list[int]] = {}
            for member, term in sums.items():
                merged.setdefault(_without(member, place), []).append(term)
            sums = {member: self.total(terms) for member, terms in merged.items()}
        return self.total(sums.values()), chosen


def _without(member: tuple[bool, ...], place: int) -> tuple[bool, ...]:
    return (*member[:place], False, *member[place + 1:])


def _cheapest_order(sizes: dict[tuple[bool, ...], int]) -> Sequence[int]:
    """Find the order in which :meth:`_Builder.combine` takes the fewest bits of addition."""
    places = range(len(next(iter(sizes))))
    return min(permutations(places), key=lambda order: _combine_cost(sizes, order))


def _combine_cost(sizes: dict[tuple[bool, ...], int], order: Sequence[int]) -> int:
    cost = 0
    for place in order:
        ones = [size for member, size in sizes.items() if member[place]]
        cost += _total_cost(ones)
        merged: dict[tuple[bool, ...], list[int]] = {}
        for member, size in sizes.items():
            merged.setdefault(_without(member, place), []).append(size)
        cost += sum(_total_cost(each) for each in merged.values())
        sizes = {member: sum(each) for member, each in merged.items()}
    return cost


def _total_cost(sizes: Sequence[int]) -> int:
    cost, heap = 0, list(sizes)
    heapify(heap)
    while len(heap) > 1:
        both = heappop(heap) + heappop(heap)
        cost += both.bit_length()
        heappush(heap, both)
    return cost


def _clusters(patterns: Bits) -> list[list[int]]:
    numbers = list(range(len(patterns)))
    return [numbers[at:at + CLUSTER] for at in range(0, len(numbers), CLUSTER)]
