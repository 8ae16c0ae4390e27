"""The controller of an SPI link on the Amaranth simulator."""


async def shift(ctx, dut, period, byte, n_bits=8):
    """Send the first bits of a byte in mode 0; return those that come back.

    ``dut`` has ``clk``, ``copi`` and ``cipo``; a cycle of ``clk`` lasts ``period``.
    """
    heard = 0
    for at in range(n_bits):
        ctx.set(dut.copi, byte >> 7 - at & 1)
        await ctx.delay(period / 2)
        heard = heard << 1 | ctx.get(dut.cipo)
        ctx.set(dut.clk, 1)
        await ctx.delay(period / 2)
        ctx.set(dut.clk, 0)
    return heard
