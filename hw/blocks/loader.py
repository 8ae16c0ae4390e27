"""Other weights for an engine, through the link: what of a request's bits goes where.

The memories of an engine are cut into columns of at most 16 bits, and all columns are laid one
after the other, each as long as the longest is, rounded up to a power of two: so a word has an
address, ``column << row_bits | row``. A load request brings the address of a word, that word, and
as many that follow it as find room. It may come twice: an answer that got lost does no harm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.plan.layout import Columns, n_stored
from sw.golden import bits
from sw.golden.frame import ADDRESS, WORD, words_per_load

__all__ = ["Layout", "Load", "Loader", "Store", "connect", "replace", "stored"]


class Load(data.StructLayout):
    """A word for an engine: whether there is one, at which address, and its bits."""

    def __init__(self):
        super().__init__({"valid": 1, "address": ADDRESS, "word": WORD})


class Store(data.StructLayout):
    """A word for a memory: for which of its columns, if any, which row, and its bits."""

    def __init__(self, n_columns: int, depth: int):
        super().__init__({"columns": n_columns, "row": range(depth), "word": WORD})


def connect(port, store) -> list:
    """Return the assignments by which a port of such granularity writes what it is to store."""
    n_columns = len(port.en)
    return [port.en.eq(store.columns), port.addr.eq(store.row),
            port.data.eq(store.word[:len(port.data) // n_columns].replicate(n_columns))]


def stored(rows: list[int], *, width: int, reloadable: bool) -> tuple[Memory, dict]:
    """Return a memory of rows, and the member ``store`` by which others come, if ``reloadable``.

    There is perhaps one row more, which is never read.
    """
    members, depth = {}, len(rows)
    if reloadable:
        columns = Columns.of(width)
        width = columns.filled
        members["store"] = In(Store(columns.number, depth))
    # Yosys makes logic of a column that is the same in all rows, and logic cannot be patched.
    # One row differs in every column; where it would take another RAM, so many rows differ.
    elif n_stored(depth) > depth:
        rows = [*rows, rows[0] ^ ((1 << width) - 1)]
    return Memory(shape=width, depth=len(rows), init=rows,
                  attrs={"ram_style": "block"}), members


def replace(m: Module, memory: Memory, store) -> None:
    """Write what comes by ``store`` into a memory that :func:`stored` made reloadable."""
    port = memory.write_port(granularity=Columns.of(memory.shape).width)
    m.d.comb += connect(port, store)


@dataclass(frozen=True)
class Layout:
    """Where the words of some memories are.

    Attributes
    ----------
    memories : dict of str to :class:`~amaranth.lib.memory.Memory`
        Each as wide as its columns.
    """

    memories: dict[str, Memory]

    @property
    def row_bits(self) -> int:
        """Bits of an address that tell the row."""
        return max((memory.depth - 1).bit_length() for memory in self.memories.values())

    def decode(self, m: Module, load, stores: Sequence) -> None:
        """Return each memory its words, ``stores`` in the order of ``memories``."""
        column = 0
        for memory, store in zip(self.memories.values(), stores):
            row_bits = (memory.depth - 1).bit_length()
            m.d.comb += [store.word.eq(load.word), store.row.eq(load.address)]
            for enable in store.columns:
                # A shorter memory knows nothing of rows that it does not have.
                here = column << self.row_bits - row_bits
                m.d.comb += enable.eq(load.valid & (load.address >> row_bits == here))
                column += 1

    def words(self) -> np.ndarray:
        """Return what the memories begin with, a word an address; -1 where there is no row."""
        made = []
        for memory in self.memories.values():
            cut = Columns.of(memory.shape)
            rows = np.array([bits.from_int(row, cut.filled) for row in memory.init])
            columns = np.full((cut.number, 1 << self.row_bits), -1)
            columns[:, :memory.depth] = (rows.reshape(-1, cut.number, cut.width)
                                         @ (1 << np.arange(cut.width))).T
            made.append(columns.ravel())
        return np.concatenate(made)

    def loads(self, n_in: int) -> Iterator[tuple[int, list[int]]]:
        """Return addresses and words of all load requests of a network with ``n_in`` inputs."""
        words, count = self.words(), words_per_load(n_in)
        for address in range(0, len(words), count):
            part = words[address:address + count]
            if (part >= 0).any():
                yield address, np.maximum(part, 0).tolist()


class Loader(wiring.Component):
    """Take load requests apart, a bit a cycle.

    Parameters
    ----------
    n_in : int
        Bits of a code, which are those of a load request too; room for a word at least.

    Members
    -------
    start : ``In(1)``
        A load request is there. Must be held until ``done``.
    bit : ``In(1)``
        Its next bit, the first in the cycle of ``start``.
    shift : ``Out(1)``
        The bit is used; the next must follow.
    done : ``Out(1)``
        That was the last.
    load : ``Out(Load())``
        Words for the engine, the last in the cycle after ``done``.
    """

    def __init__(self, n_in: int):
        self.n_words = words_per_load(n_in)
        super().__init__({"start": In(1), "bit": In(1), "shift": Out(1), "done": Out(1),
                          "load": Out(Load())})

    def elaborate(self, platform):
        m = Module()
        # Begins such that its low bits count those of a word, and the highest tell the address.
        first = -ADDRESS % WORD
        last = first + ADDRESS + self.n_words * WORD - 1
        position = Signal(range(last + 1), init=first)
        is_address = position < first + ADDRESS
        m.d.comb += [self.shift.eq(self.start), self.done.eq(self.start & (position == last))]
        m.d.sync += self.load.valid.eq(self.start & ~is_address & position[:4].all())
        with m.If(self.load.valid):
            m.d.sync += self.load.address.eq(self.load.address + 1)
        with m.If(self.start):
            m.d.sync += position.eq(Mux(self.done, first, position + 1))
            with m.If(is_address):
                m.d.sync += self.load.address.eq(Cat(self.load.address[1:], self.bit))
            with m.Else():
                m.d.sync += self.load.word.eq(Cat(self.load.word[1:], self.bit))
        return m
