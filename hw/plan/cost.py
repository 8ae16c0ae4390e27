"""What an engine takes of a part, predicted. Nothing here makes hardware."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log2

from hw.blocks import popcount
from hw.blocks.layer import limit_width
from hw.blocks.loader import Columns
from hw.blocks.popcount import n_pairs
from hw.blocks.readout import score_width
from hw.plan import adder_graph
from hw.plan.folding import Folding, Hardwired, Plan, readout_rows
from sw.golden.network import Network

__all__ = ["FABRICS", "Cost", "Fabric", "parts"]


@dataclass(frozen=True)
class Cost:
    """What an engine takes of a part, with link, UART and clock."""

    logic_cells: int
    block_rams: int

    def fits(self, logic_cells: int, block_rams: int) -> bool:
        """Return whether there is so much."""
        return self.logic_cells <= logic_cells and self.block_rams <= block_rams


@dataclass(frozen=True)
class Fabric:
    """What each part of an accelerator costs in one family.

    Attributes
    ----------
    cells : dict of str to float
        Logic cells of one of each of :meth:`counts`: fitted to placed designs by ``hw.bench fit``.
    ram : tuple of (int, int)
        Width and depth of a block RAM at its widest. It can be half as wide and twice as deep, and
        so on down to ``narrowest``.
    narrowest : int
        Least width of a block RAM.
    granule : int
        Bits of a block RAM that are written together at the least.
    routable : float
        Share of a part up to which hard-wired engines were routed; 0 where none was tried.
    """

    cells: dict[str, float]
    ram: tuple[int, int]
    narrowest: int
    granule: int
    routable: float = 0

    def cost(self, shape: Sequence[int], folding: Folding, *, reloadable: bool = False) -> Cost:
        """Predict what an accelerator with a folded engine takes."""
        counts, block_rams = self.counts(shape, folding, reloadable=reloadable)
        return Cost(round(sum(count * self.cells[name] for name, count in counts.items())),
                    block_rams)

    def counts(self, shape: Sequence[int], folding: Folding, *,
               reloadable: bool = False) -> tuple[dict[str, float], int]:
        """Count the :func:`parts` of an accelerator, and its block RAMs.

        Besides: ``stacked``, the bits that block RAMs read only to choose others, and what makes an
        engine reloadable: ``loader``, and ``columns`` of memories, see :mod:`hw.blocks.loader`.
        """
        made = memories(shape, folding)
        counts = parts(shape, folding) | {"loader": 0, "columns": 0}
        if reloadable:
            columns = [(Columns.of(width), depth) for width, depth in made]
            counts |= {"loader": 1, "columns": sum(each.number for each, _ in columns)}
            made = [(each.number * self.granule * ceil(each.width / self.granule), depth)
                    for each, depth in columns]
        else:
            # One row more, see hw.blocks.layer.Prefetch; not of the scores, which come last.
            made = [*((width, depth + (depth % 256 > 0)) for width, depth in made[:-1]), made[-1]]
        taken = [self.rams(*memory) for memory in made]
        return (counts | {"stacked": sum(stacked for _, stacked in taken)},
                sum(number for number, _ in taken))

    def price(self, network: Network, plan: Plan, *, reloadable: bool = False) -> Cost:
        """Predict what any accelerator takes; a hard-wired one, as it would be on an ECP5."""
        if not isinstance(plan, Hardwired):
            return self.cost(network.shape, plan, reloadable=reloadable)
        link = self.cells["base"] + self.cells["code"] * network.n_in
        return Cost(round(link + adder_graph.cost(network)), 0)

    def routes(self, network: Network, logic_cells: int) -> bool:
        """Return whether a part with so many cells can be expected to take a hard-wired network."""
        # None takes less than a cell for every four synapses, and to price it takes a while.
        room = self.routable * logic_cells
        return (network.n_weights < 4 * room
                and self.price(network, Hardwired()).logic_cells <= room)

    def rams(self, width: int, depth: int) -> tuple[int, int]:
        """Count the block RAMs of a memory, at the best of the widths they can have.

        What is too deep is laid side by side, as Yosys does: rows of several words, one of which is
        then chosen. So many bits are read in vain; they are the second number.
        """
        widest, rows = self.ram
        choices = []
        for mode in range((widest // self.narrowest).bit_length()):
            words = ceil(depth / (rows << mode))
            choices.append((ceil(width * words / (widest >> mode)), width * (words - 1)))
        return min(choices)


def parts(shape: Sequence[int], folding: Folding) -> dict[str, float]:
    """Count what an accelerator is made of.

    Returns how many there are of each:

    ``base``: link, UART, clock; ``code``: bits of the received code; ``layers``: control of a
    layer; ``tables``, ``sums``, ``chains``, ``waits``: of the popcounts, see :func:`_counter`;
    ``slices``: inputs times slices but one, which are chosen from; ``totals``, ``limits``: bits of
    accumulators and of threshold comparisons; ``gathered``: bits collected for what follows;
    ``scores``: bits of a score; ``counters``: bits of addresses.
    """
    *hidden, n_classes = shape
    n_hidden = hidden[-1]
    simd = folding.chunk * folding.per_word(n_hidden)
    words = ceil(n_hidden / simd)
    count = dict.fromkeys(_PARTS, 0.0)
    count |= {"base": 1, "code": 8 * ceil(hidden[0] / 8), "layers": len(folding.layers),
              "scores": _score_width(n_hidden, simd), "gathered": 2 * simd if folding.layers else 0,
              "counters": log2(readout_rows(n_classes) * words)}
    popcounts = [(simd, 1)]
    for fold, (n_in, n_out) in zip(folding.layers, pairwise(hidden)):
        slices, chunks = ceil(n_in / fold.simd), ceil(n_out / fold.pe)
        limit = limit_width(n_in)
        popcounts.append((2 * n_pairs(ceil(n_in / slices)), fold.pe))
        count["slices"] += (slices - 1) * fold.simd
        count["totals"] += limit * fold.pe if slices > 1 else 0
        count["limits"] += limit * fold.pe
        count["counters"] += log2(slices * chunks)
    count["gathered"] += 2 * sum(hidden[1:-1])
    for width, many in popcounts:
        for name, number in _counter(width).items():
            count[name] += many * number
    return count


_PARTS = ("base", "code", "layers", "tables", "sums", "chains", "waits", "slices", "totals",
          "limits", "gathered", "scores", "counters")


def _counter(width: int) -> dict[str, int]:
    """Count what :class:`hw.blocks.popcount.PairCount` is made of: lookup ``tables``, bits of
    ``sums``, carry ``chains``, and register bits in which a term ``waits``."""
    pairs = n_pairs(width)
    terms = popcount.n_terms(pairs)
    ceilings = [len(range(pairs)[at::terms][:3]) for at in range(terms)]
    carries = max(0, pairs - 3 * terms)
    made = {"tables": pairs + 2 * terms, "sums": 0, "chains": 0, "waits": carries}
    while len(ceilings) > 1:
        n_sums = len(ceilings) // 2
        widths = [max(ceilings[2 * at:2 * at + 2]).bit_length() + 1 for at in range(n_sums)]
        ceilings = [sum(ceilings[2 * at:2 * at + 2]) + (at < carries)
                    for at in range(ceil(len(ceilings) / 2))]
        carries = 0
        made["sums"] += sum(widths)
        made["chains"] += ceil(sum(widths) / popcount.CHAIN)
        made["waits"] += sum(each.bit_length() for each in ceilings[n_sums:])
    return made


def memories(shape: Sequence[int], folding: Folding) -> list[tuple[int, int]]:
    """List the widths and depths of an engine's memories; that of the scores comes last."""
    *hidden, n_classes = shape
    rows = readout_rows(n_classes)
    made = []
    for fold, (n_in, n_out) in zip(folding.layers, pairwise(hidden)):
        slices, chunks = ceil(n_in / fold.simd), ceil(n_out / fold.pe)
        width = 2 * n_pairs(ceil(n_in / slices))
        made += [(fold.pe * width, slices * chunks), (fold.pe * limit_width(n_in), chunks)]
    simd = folding.chunk * folding.per_word(hidden[-1])
    made.append((simd, ceil(hidden[-1] / simd) * rows))
    return [*made, (_score_width(hidden[-1], simd), 2 << (rows - 1).bit_length())]


def _score_width(n_hidden: int, simd: int) -> int:
    """Return the bits of a score, if no offset is greater than a network can make use of."""
    return score_width(n_hidden, simd, ceil(n_hidden / simd), n_hidden - 1)


# Fitted by python -m hw.bench fit, to ten designs of each family; the identity's 24 cells of the
# base were measured on an iCE40.
FABRICS = {
    "ice40": Fabric({
        "base": 322.95, "code": 1.07, "layers": 41.22, "tables": 0.76, "sums": 0.99,
        "chains": 2.35, "waits": 0.9, "slices": 1.12, "totals": 1.12, "limits": 0.85,
        "gathered": 1.5, "scores": 7.36, "counters": 4.55,
        "stacked": 1.0, "loader": 80.0, "columns": 5.0}, ram=(16, 256), narrowest=2, granule=1),
    "ecp5": Fabric({
        "base": 170.92, "code": 0.27, "layers": 29.37, "tables": 0.8, "sums": 0.99,
        "chains": 3.07, "waits": 1.11, "slices": 0.97, "totals": 1.06, "limits": 1.13,
        "gathered": 0.7, "scores": 11.31, "counters": 7.93,
        "stacked": 1.0, "loader": 80.0, "columns": 5.0}, ram=(36, 512), narrowest=1, granule=9,
        routable=0.4),
    "gowin": Fabric({
        "base": 301.89, "code": 1.13, "layers": 47.98, "tables": 1.07, "sums": 1.09,
        "chains": 4.1, "waits": 1.05, "slices": 1.28, "totals": 1.09, "limits": 1.13,
        "gathered": 1.0, "scores": 6.36, "counters": 5.38,
        "stacked": 1.0, "loader": 80.0, "columns": 5.0}, ram=(36, 512), narrowest=1, granule=9),
}
