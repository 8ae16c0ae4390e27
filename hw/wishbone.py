"""A core's module behind registers on a Wishbone bus, as a module of its own."""

from amaranth import ClockDomain, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.blocks.wire.registers import Registers

__all__ = ["WishbonePorts"]


class WishbonePorts(wiring.Component):
    """:class:`~hw.blocks.wire.registers.Registers` with a clock and a reset, and the core's module.

    Parameters
    ----------
    name : str
        Of the module with the ports of :class:`~hw.axi_core.AxiPorts`.
    in_bytes : int
        Of an input.

    Members
    -------
    clk_i, rst_i : ``In(1)``
        The clock, and a synchronous reset that is active high.
    cyc_i, stb_i, we_i, adr_i, dat_i, ack_o, dat_o
        The bus, as Wishbone calls it. ``adr_i`` counts words, and words are always whole: there is
        no ``sel_i``.
    """

    def __init__(self, name: str, in_bytes: int):
        self.name, self.in_bytes = name, in_bytes
        super().__init__({
            "clk_i": In(1), "rst_i": In(1), "cyc_i": In(1), "stb_i": In(1), "we_i": In(1),
            "adr_i": In(2), "dat_i": In(32), "ack_o": Out(1), "dat_o": Out(32)})

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = sync = ClockDomain()
        m.submodules.registers = registers = Registers(self.in_bytes)
        packets, answers = registers.packets, registers.answers
        m.d.comb += [
            sync.clk.eq(self.clk_i), sync.rst.eq(self.rst_i),
            registers.cyc.eq(self.cyc_i), registers.stb.eq(self.stb_i),
            registers.we.eq(self.we_i), registers.adr.eq(self.adr_i),
            registers.dat_w.eq(self.dat_i),
            self.ack_o.eq(registers.ack), self.dat_o.eq(registers.dat_r)]
        m.submodules.core = Instance(
            self.name,
            i_aclk=self.clk_i, i_aresetn=~(self.rst_i | registers.reset),
            i_s_axis_tdata=packets.payload.data, i_s_axis_tlast=packets.payload.last,
            i_s_axis_tvalid=packets.valid, o_s_axis_tready=packets.ready,
            o_m_axis_tdata=answers.payload.data, o_m_axis_tlast=answers.payload.last,
            o_m_axis_tvalid=answers.valid, i_m_axis_tready=answers.ready,
            o_error=Signal(name="error"))    # Its packets are never bad.
        return m
