"""What a serial engine takes of a part, predicted, and the fastest that fits. Nothing here makes
hardware."""

from collections.abc import Iterator
from math import ceil

from hw.plan.choice import fastest
from hw.plan.cost import FABRICS, Cost, counter
from hw.plan.layout import Columns, CountLayout, Memory, banks
from hw.plan.serial import Serial, SerialLayout
from hw.plan.walk import LOOPS
from sw.golden.stages import Signature

__all__ = ["choose", "counts", "front", "price"]


def price(signature: Signature, plan: Serial, family: str, *, reloadable: bool = False) -> Cost:
    """Predict what an accelerator with this engine takes, with link, UART and clock."""
    fabric, layout = FABRICS[family], plan.layout(signature)
    taken = [fabric.rams(*memory) for memory in _memories(layout, fabric.granule, reloadable)]
    made = counts(layout) | {"stacked": sum(stacked for _, stacked in taken)}
    columns = sum(Columns.of(width).number for width, _ in layout.tables) if reloadable else 0
    cells = sum(CELLS[family][name] * number for name, number in made.items())
    cells += sum(fabric.cells[name] * number for name, number in _popcounts(layout).items())
    cells += reloadable * fabric.cells["loader"] + columns * fabric.cells["columns"]
    return Cost(round(cells), sum(number for number, _ in taken))


def choose(signature: Signature, family: str, logic_cells: int, block_rams: int, *,
           reloadable: bool = False) -> Serial:
    """Find the fastest plan that is predicted to fit; of equals the smallest.

    Raises
    ------
    DoesNotFit
        Not even the smallest does.
    ValueError
        There is no such engine for this network.
    """
    return fastest([(plan.period(signature), plan,
                     price(signature, plan, family, reloadable=reloadable))
                    for plan in Serial.candidates()], logic_cells, block_rams)


def front(signature: Signature, family: str, *,
          reloadable: bool = False) -> Iterator[tuple[Serial, Cost]]:
    """Yield the plans than which none is faster with no more cells and RAMs, the fastest first."""
    best: list[Cost] = []
    for plan in sorted(Serial.candidates(), key=lambda plan: plan.period(signature)):
        cost = price(signature, plan, family, reloadable=reloadable)
        if not any(each.fits(cost.logic_cells, cost.block_rams) for each in best):
            best.append(cost)
            yield plan, cost


def counts(layout: SerialLayout) -> dict[str, float]:
    """Count what an engine is made of, beside its popcounts.

    Returns how many there are of each: ``link``, with UART and clock, and ``control``: one;
    ``counters``: bits that count loops; ``limits``: bits of what they begin with, where stages
    differ; ``pointers``: bits of addresses; ``steps``: bits of what is added to them, where it is
    not one; ``totals``: bits of sums; ``scanned``: bits of sums that are chosen from; ``moved``:
    bits of words that are collected or chosen from; ``pixels``: bits of pixels of all lanes, and of
    one that wait for the count.
    """
    pe, simd, walks, words = layout.plan.pe, layout.plan.simd, layout.walks, layout.words
    loops = [sorted({walk.counts[loop] for walk in walks}) for loop in range(len(LOOPS))]
    inbox = [words[0].units, words[0].map.width if words[0].border else 1,
             words[0].unit * words[0].map.bits // layout.piece]
    depths = [max(words[0].size, layout.map_depth), layout.weight_depth, layout.start_depth,
              max(1, layout.map_depth), words[0].size]
    steps = [{step for walk in walks for step in walk.steps(getattr(walk, strides)).values()}
             - {0, 1} for strides in ("reads", "weights", "starts")]
    is_pixels = words[0].map.bits > 1
    return {
        "link": 1, "control": 1,
        "counters": sum(_bits(each[-1]) for each in loops) + sum(map(_bits, inbox)),
        "limits": sum(_bits(each[-1]) * (len(each) - 1) for each in loops),
        "pointers": sum(map(_bits, depths)),
        "steps": sum(_bits(depth) * len(each) for depth, each in zip(depths, steps)),
        "totals": pe * layout.sum_width,
        "scanned": (pe - 1) * layout.sum_width,
        "moved": (simd * (len(walks) > 1) * (1 if is_pixels else 2)
                  + words[0].width - layout.piece
                  + sum(width * (len(banks(width, depth)) - 1) for width, depth in (
                      (pe * simd, layout.weight_depth), (pe * layout.sum_width,
                                                         layout.start_depth)))),
        "pixels": is_pixels * words[0].width * (pe + layout.count_latency),
    }


def _bits(count: int) -> int:
    return (count - 1).bit_length()


def _popcounts(layout: SerialLayout) -> dict[str, float]:
    """Count what the popcounts of all lanes are made of, and the one of what is unlike."""
    each = counter(CountLayout(layout.plan.simd))
    return {name: number * (layout.plan.pe + 1) for name, number in each.items()}


def _memories(layout: SerialLayout, granule: int, reloadable: bool) -> list[Memory]:
    if not reloadable:
        return layout.memories
    cut = [(Columns.of(width), depth) for width, depth in layout.tables]
    return [*((each.number * granule * ceil(each.width / granule), depth) for each, depth in cut),
            *layout.memories[len(cut):]]


# Fitted to ten designs of an iCE40 and six of each other, popcounts as in FABRICS; the link to one
# that was placed.
CELLS = {
    "ice40": {"link": 420, "control": 111, "counters": 3.9, "limits": 0.62, "pointers": 0.71,
              "steps": 0.14, "totals": 3.43, "scanned": 0.96, "moved": 0.99, "pixels": 1.26,
              "stacked": 1.0},
    "ecp5": {"link": 370, "control": 57, "counters": 2.5, "limits": 0.49, "pointers": 1.47,
             "steps": 0.0, "totals": 3.3, "scanned": 0.87, "moved": 1.24, "pixels": 1.68,
             "stacked": 1.0},
    "gowin": {"link": 600, "control": 0, "counters": 4.96, "limits": 0.0, "pointers": 1.96,
              "steps": 0.0, "totals": 1.42, "scanned": 0.6, "moved": 0.78, "pixels": 1.4,
              "stacked": 1.0},
}
