"""Asks an accelerator on Amaranth's own simulator, without any Verilog."""

import warnings
from collections.abc import Callable

from amaranth.sim import Simulator

from hw.accelerator import Accelerator
from sim.ask import Classes
from sw.golden import frame
from sw.golden.bits import Bits

__all__ = ["classify"]

def classify(accelerator: Accelerator, codes: Bits, progress: Callable[[int], object],
             patience: int) -> Classes:
    """Ask for the class of every code, each after the answer to the one before.

    An answer, and the way of a byte, may take ``patience`` cycles.
    """
    classes: Classes = []

    async def host(ctx):
        unwrapper = frame.Unwrapper(frame.fcs16)
        ctx.set(accelerator.tx.ready, 1)
        for number, code in enumerate(codes):
            sequence = number % frame.N_SEQUENCES
            await _send(ctx, accelerator.rx, frame.request(sequence, code), patience)
            answer = await _receive(ctx, accelerator.tx, unwrapper, patience)
            classes.append(answer[1] if answer and answer[0] == sequence else None)
            progress(1)

    simulator = Simulator(accelerator)
    simulator.add_clock(1e-6)
    simulator.add_testbench(host)
    with warnings.catch_warnings():    # What Amaranth says of signals, it says to designers.
        warnings.simplefilter("ignore")
        simulator.run()
    return classes


async def _send(ctx, stream, data: bytes, patience: int) -> None:
    """Put bytes into a stream, one as soon as the last is taken."""
    ctx.set(stream.valid, 1)
    for byte in data:
        ctx.set(stream.payload, byte)
        for _ in range(patience):
            _, _, ready = await ctx.tick().sample(stream.ready)
            if ready:
                break
    ctx.set(stream.valid, 0)


async def _receive(ctx, stream, unwrapper: frame.Unwrapper, patience: int) -> bytes | None:
    """Wait for the content of a good frame; None where there is none for too long."""
    for _ in range(patience):
        _, _, valid, byte = await ctx.tick().sample(stream.valid, stream.payload)
        # A list, as the unwrapper is back in step only when it was asked for all.
        if valid and (contents := list(unwrapper.feed(bytes([byte])))):
            return contents[0]
    return None
