"""Runs inside the simulator: both sides of a link of :mod:`hw.blocks.wire.link`."""

import cocotb
import numpy as np

from sim.streams import PACES, Stream, begin
from sw.golden import bits, frame

N_CODES = 12    # More than there are kinds of garbage.
IDENTITY = b"\x00\xff\x7e\x7d\x55\xaa12345~"
FIRST = 116    # The sequence numbers that follow hold both bytes that must be escaped.


def garbage(good: bytes) -> list[bytes]:
    """Return what may lie between requests and must not be answered."""
    body = good[1:-1]
    wrong_length = b"\x01\x02"
    [content] = frame.Unwrapper(frame.fcs32).feed(good)
    return [
        bytes([frame.FLAG, *body[:-1], body[-1] ^ 1, frame.FLAG]),    # The check is wrong.
        bytes([frame.FLAG, *body[1:], frame.FLAG]),                   # A byte is missing.
        bytes([frame.FLAG, *body, 0, frame.FLAG]),                    # A byte too many.
        bytes([frame.FLAG, *body, 0xFF, frame.FLAG]),                 # What an idle check expects.
        frame.wrap(wrong_length + frame.fcs32(wrong_length)),
        # Loads, of which this link knows nothing.
        *(frame.wrap(each + frame.fcs32(each)) for each in
          (bytes([number]) + content[1:] for number in (frame.N_SEQUENCES, frame.QUESTIONS - 1))),
        bytes([frame.FLAG, *body, frame.ESCAPE, frame.FLAG]),         # Aborted.
        bytes([frame.FLAG, frame.FLAG, frame.FLAG]),
        bytes(range(100)),
        b"",
    ]


def traffic(n_in: int) -> bytes:
    """Make requests with garbage before each, and a question after."""
    codes = np.random.default_rng(1).integers(0, 2, (N_CODES, n_in), np.uint8)
    good = [frame.request(FIRST + number, code) for number, code in enumerate(codes)]
    bad = garbage(good[0])
    return b"".join(bad[number % len(bad)] + each
                    + frame.question(frame.QUESTIONS + number, bits.n_bytes(n_in))
                    for number, each in enumerate(good))


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(pace=PACES)
async def carries_codes_and_classes(dut, pace):
    """Good requests become codes, classes become answers, whatever lies between."""
    sent = traffic(n_in := len(dut.code__payload))
    requests = [frame.parse_request(content, n_in)
                for content in frame.Unwrapper(frame.fcs32).feed(sent)]
    requests = [each for each in requests if each and each[0] < frame.N_SEQUENCES]
    assert len(requests) == N_CODES
    classes = [number % 3 for number in range(N_CODES)]
    expected = b"".join(
        frame.answer(sequence, klass)
        + frame.answer(frame.QUESTIONS + number, IDENTITY[number])
        for number, ((sequence, _), klass) in enumerate(zip(requests, classes)))

    await begin(dut, ["from_host", "klass"], ["code", "to_host"])
    consumer = {name: value for name, value in pace.items() if name != "gaps"}
    cocotb.start_soon(Stream(dut, "from_host").put(sent, pace.get("gaps", (0,))))
    engine = cocotb.start_soon(_engine(dut, classes, pace.get("gaps", (0,)), consumer))
    received = bytes(await Stream(dut, "to_host").get(len(expected), **consumer))
    assert await engine == [bits.to_int(code) for _, code in requests]
    assert received == expected


async def _engine(dut, classes, gaps, consumer):
    """Take a code for each of ``classes``, and only then give the class; return the codes."""
    codes = []
    for klass in classes:
        codes += await Stream(dut, "code").get(1, **consumer)
        assert int(dut.unlike.value) == ((codes[-1] ^ codes[-1] >> 1) & 0x55555).bit_count()
        await Stream(dut, "klass").put([klass], gaps[-1:])
    return codes
