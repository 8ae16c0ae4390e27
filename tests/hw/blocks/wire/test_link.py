# amaranth: UnusedElaboratable=no
"""What the link makes of a request: which bits of it count, and what its number means."""

import numpy as np
import pytest

from hw.blocks.wire.link import Link
from hw.blocks.wire.receiver import RequestReceiver
from sw.golden import bits, frame
from tests.streams import get, put, simulate

IDENTITY = bytes(range(100, 164))


@pytest.mark.parametrize("n_in", range(1, 18))
def test_only_the_bits_of_the_code_count(n_in):
    """Whatever fills up its last byte: all, none and both kinds of pairs that differ."""
    code = np.random.default_rng(n_in).integers(0, 2, n_in, np.uint8)
    fills = [fill << n_in % 8 & 0xFF if n_in % 8 else 0 for fill in (0, 0xFF, 0x55, 0xAA)]
    dut, seen = RequestReceiver(n_in), []

    async def bench(ctx):
        for fill in fills:
            content = bytearray([7, *bits.to_bytes(code)])
            content[-1] |= fill
            await put(ctx, dut.bytes, frame.wrap(bytes(content) + frame.fcs32(bytes(content))))
            while not ctx.get(dut.request.valid):
                await ctx.tick()
            seen.append((ctx.get(dut.sequence), ctx.get(dut.request.payload), ctx.get(dut.unlike)))
            await get(ctx, dut.request, 1)

    simulate(dut, bench)
    pairs = np.append(code, 0)[:(n_in + 1) // 2 * 2].reshape(-1, 2)
    assert seen == [(7, bits.to_int(code), int((pairs[:, 0] != pairs[:, 1]).sum()))] * len(fills)


@pytest.mark.parametrize("reloadable", [False, True])
def test_what_each_number_means(reloadable):
    """Codes to 127, loads to 191, if there are any, and questions."""
    n_in, edges = 40, [0, 1, 63, 64, 126, 127, 128, 129, 190, 191, 192, 193, 254, 255]
    dut = Link(n_in, 3, reloadable=reloadable, identity=IDENTITY)
    codes, answers = [], bytearray()

    async def bench(ctx):
        ctx.set(dut.code.ready, 1)
        ctx.set(dut.to_host.ready, 1)
        for number in edges:
            content = bytes([number, number, 0, 0, 0, 0])
            await put(ctx, dut.from_host, frame.wrap(content + frame.fcs32(content)))
            for _ in range(200):    # Longer than the link takes for any of them.
                _, _, is_code, code, says, byte = await ctx.tick().sample(
                    dut.code.valid, dut.code.payload, dut.to_host.valid, dut.to_host.payload)
                codes.extend([code] * is_code)
                answers.extend([byte] * says)
                ctx.set(dut.klass.valid, is_code)
                ctx.set(dut.klass.payload, 2)

    simulate(dut, bench)
    assert codes == [number for number in edges if number < 128]
    expected = {**{number: 2 for number in edges if number < 128},
                **{number: 0 for number in edges if 128 <= number < 192 and reloadable},
                **{number: IDENTITY[number - 192] for number in edges if number >= 192}}
    assert [frame.parse_answer(each) for each in
            frame.Unwrapper(frame.fcs16).feed(bytes(answers))] == sorted(expected.items())
