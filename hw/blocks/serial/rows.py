"""A memory of numbers that a trained network decides, and that another one can replace."""

from itertools import accumulate

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.blocks.loader import replace, stored
from hw.plan.layout import banks

__all__ = ["Bank", "Rows"]


class Rows(wiring.Component):
    """Read a row a cycle.

    Parameters
    ----------
    rows : list of int
        Contents.
    width : int
        Bits of a row.
    reloadable : bool
        Other contents can be stored.

    Members
    -------
    address : ``In(range(len(rows)))``
    data : ``Out(width)``
        The row, a cycle later.

    Attributes
    ----------
    banks : list of :class:`Bank`
        What it is made of, see :func:`hw.plan.layout.banks`.
    """

    def __init__(self, rows: list[int], *, width: int, reloadable: bool = False):
        self.banks, at = [], 0
        for depth in banks(width, len(rows)):
            self.banks.append(Bank(rows[at:at + depth], width=width, reloadable=reloadable))
            at += depth
        super().__init__({"address": In(range(len(rows))), "data": Out(width)})

    def elaborate(self, platform):
        m = Module()
        ends = list(accumulate(len(bank.rows) for bank in self.banks))
        for number, bank in enumerate(self.banks):
            m.submodules[f"bank_{number}"] = bank
            m.d.comb += bank.address.eq(self.address)
        chosen = self.banks[-1].data
        for bank, end in reversed(list(zip(self.banks[:-1], ends))):
            is_before = Signal()
            m.d.sync += is_before.eq(self.address < end)
            chosen = Mux(is_before, bank.data, chosen)
        m.d.comb += self.data.eq(chosen)
        return m


class Bank(wiring.Component):
    """A part of the rows; see :class:`Rows`.

    Members
    -------
    store : ``In(Store(...))``
        A part of a row, if ``reloadable``.

    Attributes
    ----------
    memory : :class:`~amaranth.lib.memory.Memory`
        The rows, see :func:`hw.blocks.loader.stored`.
    """

    def __init__(self, rows: list[int], *, width: int, reloadable: bool):
        self.rows = rows
        self.reloadable = reloadable
        self.memory, members = stored(rows, width=width, reloadable=reloadable)
        super().__init__({"address": In(range(len(rows))), "data": Out(width), **members})

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self.memory
        port = self.memory.read_port()
        m.d.comb += [port.addr.eq(self.address), self.data.eq(port.data)]
        if self.reloadable:
            replace(m, self.memory, self.store)
        return m
