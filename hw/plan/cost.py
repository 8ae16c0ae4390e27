"""What an engine takes of a part, predicted. Nothing here makes hardware."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log2

from hw.plan import adder_graph
from hw.plan.folding import Folding, Hardwired, Plan
from hw.plan.layout import CHAIN, Columns, CountLayout, n_stored
from sw.golden.network import Network

__all__ = ["FABRICS", "Cost", "Fabric", "counter", "parts"]


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
        made = folding.layout(shape).memories
        counts = parts(shape, folding) | {"loader": 0, "columns": 0}
        if reloadable:
            columns = [(Columns.of(width), depth) for width, depth in made]
            counts |= {"loader": 1, "columns": sum(each.number for each, _ in columns)}
            made = [(each.number * self.granule * ceil(each.width / self.granule), depth)
                    for each, depth in columns]
        else:
            # Not of the scores, which come last.
            made = [*((width, n_stored(depth)) for width, depth in made[:-1]), made[-1]]
        taken = [self.rams(*memory) for memory in made]
        return (counts | {"stacked": sum(stacked for _, stacked in taken)},
                sum(number for number, _ in taken))

    def price(self, network: Network, plan: Plan, *, reloadable: bool = False) -> Cost:
        """Predict what any accelerator takes; a hard-wired one, as it would be on an ECP5."""
        if not plan.is_logic:
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
    layer; ``tables``, ``sums``, ``chains``, ``waits``: of the popcounts, see :func:`counter`;
    ``slices``: inputs times slices but one, which are chosen from; ``totals``, ``limits``: bits of
    accumulators and of threshold comparisons; ``gathered``: bits collected for what follows;
    ``scores``: bits of a score; ``counters``: bits of addresses.
    """
    layout = folding.layout(shape)
    readout = layout.readout
    count = dict.fromkeys(_PARTS, 0.0)
    count |= {"base": 1, "code": 8 * ceil(shape[0] / 8), "layers": len(layout.layers),
              "scores": readout.usual_width,
              "gathered": 2 * readout.simd if layout.layers else 0,
              "counters": log2(readout.cycles)}
    popcounts = [(readout.simd, 1)]
    for layer in layout.layers:
        popcounts.append((layer.width, layer.pe))
        count["slices"] += (layer.slices - 1) * layer.simd
        count["totals"] += layer.limit_width * layer.pe if layer.slices > 1 else 0
        count["limits"] += layer.limit_width * layer.pe
        count["counters"] += log2(layer.cycles)
    count["gathered"] += 2 * sum(shape[1:-2])
    for width, many in popcounts:
        for name, number in counter(CountLayout(width)).items():
            count[name] += many * number
    return count


_PARTS = ("base", "code", "layers", "tables", "sums", "chains", "waits", "slices", "totals",
          "limits", "gathered", "scores", "counters")


def counter(count: CountLayout) -> dict[str, int]:
    """Count what :class:`hw.blocks.popcount.PairCount` is made of: lookup ``tables``, bits of
    ``sums``, carry ``chains``, and register bits in which a term ``waits``."""
    made = {"tables": count.pairs + 2 * count.terms, "sums": 0, "chains": 0,
            "waits": count.carries}
    for terms, after in pairwise(count.levels):
        n_sums = len(terms) // 2
        n_bits = sum(max(terms[2 * at:2 * at + 2]).bit_length() + 1 for at in range(n_sums))
        made["sums"] += n_bits
        made["chains"] += ceil(n_bits / CHAIN)
        made["waits"] += sum(each.bit_length() for each in after[n_sums:])
    return made


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
