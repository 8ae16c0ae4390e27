"""How much of a network is evaluated in a cycle. Numbers only: nothing here makes hardware."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from hw.plan.layout import EngineLayout, LayerLayout, ReadoutLayout

__all__ = ["Fold", "Folding", "Hardwired", "Plan", "candidates", "default", "parse",
           "with_readout"]


@dataclass(frozen=True)
class Fold:
    """How much of a layer is evaluated in one cycle.

    Attributes
    ----------
    pe : int
        Neurons evaluated side by side.
    simd : int
        Synapses of each neuron evaluated side by side.
    """

    pe: int
    simd: int

    def layout(self, n_in: int, n_out: int) -> LayerLayout:
        """Return the numbers of a layer that is folded so."""
        return LayerLayout(n_in, n_out, self.pe, self.simd)

    def cycles(self, n_in: int, n_out: int) -> int:
        """Count the cycles one vector takes."""
        return self.layout(n_in, n_out).cycles

    def check(self, n_in: int, n_out: int) -> None:
        """Raise :exc:`ValueError` if there are not that many neurons or synapses."""
        if not (1 <= self.pe <= n_out and 1 <= self.simd <= n_in):
            raise ValueError(f"A fold of a layer of {n_out} neurons with {n_in} inputs must have "
                             f"PE 1 to {n_out} and SIMD 1 to {n_in}, not PE {self.pe} and SIMD "
                             f"{self.simd}")


@dataclass(frozen=True)
class Folding:
    """How a whole network is folded.

    Attributes
    ----------
    layers : sequence of :class:`Fold`
        One a layer.
    readout_simd : int
        Hidden bits the readout scores for one class in a cycle; rounded up to whole chunks of the
        last layer. Without layers it is the number of inputs.
    """

    layers: Sequence[Fold]
    readout_simd: int
    is_logic = False    # Weights lie in memories.
    is_serial = False

    @property
    def chunk(self) -> int:
        """Bits that the readout gets at a time."""
        return self.layers[-1].pe if self.layers else 1

    def per_word(self, n_in: int) -> int:
        """Count the chunks that a readout of ``n_in`` inputs takes at once."""
        if not self.layers:
            return n_in
        return min(ceil(n_in / self.chunk), ceil(self.readout_simd / self.chunk))

    def check(self, shape: Sequence[int]) -> None:
        """Raise :exc:`ValueError` if this is no folding of such a network.

        The readout must be done with each word before the next is complete, the last of a vector
        included, which may be shorter.
        """
        *hidden, n_classes = shape
        if len(self.layers) != len(hidden) - 1:
            raise ValueError(f"A network of {len(hidden) - 1} layers needs as many folds, not "
                             f"{len(self.layers)}")
        for fold, widths in zip(self.layers, pairwise(hidden)):
            fold.check(*widths)
        if not 1 <= self.readout_simd <= hidden[-1]:
            raise ValueError(f"A readout of {hidden[-1]} bits must take 1 to {hidden[-1]} at a "
                             f"time, not {self.readout_simd}")
        if self.layers and not _keeps_pace(shape, self):
            raise ValueError(f"A readout of {n_classes} classes cannot take {self.readout_simd} of "
                             f"{hidden[-1]} bits at a time: it would miss some")

    def __str__(self) -> str:
        """Return what :func:`parse` reads."""
        return ",".join(f"{fold.pe}x{fold.simd}" for fold in self.layers) or "none"

    def period(self, shape: Sequence[int]) -> int:
        """Count the cycles from one inference to the next."""
        return max(self.cycles(shape))

    def cycles(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Count the cycles of each layer and of the readout; the slowest sets the rate."""
        return self.layout(shape).cycles

    def layout(self, shape: Sequence[int]) -> EngineLayout:
        """Return the numbers of an engine that is folded so."""
        *hidden, n_classes = shape
        return EngineLayout(
            [fold.layout(*widths) for fold, widths in zip(self.layers, pairwise(hidden))],
            ReadoutLayout(hidden[-1], n_classes, self.chunk, self.per_word(hidden[-1])))

    def like(self, shape: Sequence[int]) -> "Folding":
        """Return a plan of this kind for another shape."""
        return default(shape)


@dataclass(frozen=True)
class Hardwired:
    """No folding at all: weights are logic, and an inference begins every cycle."""

    is_logic = True
    is_serial = False

    def __str__(self) -> str:
        return "hardwired"

    def period(self, shape: Sequence[int]) -> int:
        return 1

    def cycles(self, shape: Sequence[int]) -> tuple[int, ...]:
        return (1,) * (len(shape) - 1)

    def like(self, shape: Sequence[int]) -> "Hardwired":
        return self


Plan = Folding | Hardwired


def with_readout(shape: Sequence[int], layers: Sequence[Fold]) -> Folding:
    """Complete a folding with the narrowest readout that keeps pace with the last layer."""
    if not layers:
        return Folding([], shape[0])
    chunk = layers[-1].pe
    foldings = (Folding(layers, simd) for simd in range(chunk, shape[-2], chunk))
    return next((folding for folding in foldings if _keeps_pace(shape, folding)),
                Folding(layers, shape[-2]))


def _keeps_pace(shape: Sequence[int], folding: Folding) -> bool:
    """Return whether the last layer completes no word earlier than the readout is done with the one
    before it. Of a single word a vector the next is a whole inference away."""
    layout = folding.layout(shape)
    readout, slices = layout.readout, layout.layers[-1].slices
    shortest = readout.chunks % readout.per_word or readout.per_word
    return readout.per_word >= readout.chunks or shortest * slices >= readout.n_rows


def default(shape: Sequence[int]) -> Folding:
    """Return a folding for no board: one neuron of each layer at a time, all its synapses at once.

    >>> default((200, 128, 10))
    Folding(layers=[Fold(pe=1, simd=200)], readout_simd=13)
    """
    return with_readout(shape, [Fold(1, n_in) for n_in in shape[:-2]])


def parse(text: str, shape: Sequence[int]) -> Plan:
    """Read a fold for each layer, like ``1x200`` or ``2x64,1x32``: PE, then SIMD.

    ``none`` is that of a network without layers, ``hardwired`` no folding at all.

    >>> parse("1x200", (200, 128, 10))
    Folding(layers=[Fold(pe=1, simd=200)], readout_simd=13)
    """
    if text == "hardwired":
        return Hardwired()
    words = [] if text == "none" else [word.split("x") for word in text.split(",")]
    if not all(len(word) == 2 and all(part.isdecimal() for part in word) for word in words):
        raise ValueError(f"Folds must be like 2x64,1x32 (PE x SIMD of each layer) or hardwired, "
                         f"not {text!r}")
    folds = [Fold(int(pe), int(simd)) for pe, simd in words]
    if len(folds) != len(shape) - 2:
        raise ValueError(f"A network of {len(shape) - 2} layers needs as many folds, not "
                         f"{len(folds)}")
    for fold, widths in zip(folds, pairwise(shape[:-1])):
        fold.check(*widths)
    return with_readout(shape, folds)


def candidates(shape: Sequence[int]) -> Iterator[Folding]:
    """Foldings worth a look: for each period the narrowest layers that keep it."""
    layers = list(pairwise(shape[:-1]))
    slowest = max((n_in * n_out for n_in, n_out in layers), default=1)
    # Steps of a tenth: a finer choice of the period changes the cost by less than its error.
    periods = {ceil(n_in / slices) * n_out for n_in, n_out in layers for slices in range(1, 9)}
    periods |= {ceil(n_out / pe) for _, n_out in layers for pe in range(1, 65)}
    while slowest > 0:
        periods.add(slowest)
        slowest = int(slowest * 0.9)
    for period in sorted(periods):
        yield with_readout(shape, [_narrowest(*widths, period) for widths in layers])


def _narrowest(n_in: int, n_out: int, period: int) -> Fold:
    """Return the fold with the fewest gates that takes at most ``period`` cycles."""
    slices = min(n_in, max(1, period // n_out))
    simd = ceil(n_in / slices)
    return Fold(ceil(n_out / max(1, period // ceil(n_in / simd))), simd)
