"""Both ends of a stream on the Amaranth simulator, and a simulation that cannot hang."""

from itertools import cycle

from amaranth.sim import Simulator

# Prompt, hesitant producer, hesitant consumer, consumer that is ready only once it sees valid.
PACES = [{}, {"gaps": [0, 3, 1]}, {"stalls": [0, 200]}, {"shy": True}]


async def put(ctx, stream, payloads, gaps=(0,)):
    """Send ``payloads``; before each, idle for the next of ``gaps`` cycles, round and round."""
    for payload, gap in zip(payloads, cycle(gaps)):
        await idle(ctx, gap)
        ctx.set(stream.payload, payload)
        ctx.set(stream.valid, 1)
        await transfer(ctx, stream)
        ctx.set(stream.valid, 0)


async def get(ctx, stream, count, stalls=(0,), shy=False):
    """Receive ``count`` payloads; before each, refuse for the next of ``stalls`` cycles.

    A ``shy`` consumer is ready only once it sees ``valid``, which the rules of streams allow.
    """
    received = []
    if stream.signature.always_ready:
        stalls, shy = (0,), False  # It cannot be refused.
    for _, stall in zip(range(count), cycle(stalls)):
        await idle(ctx, stall)
        while shy and not ctx.get(stream.valid):
            await ctx.tick()
        set_ready(ctx, stream, 1)
        received.append(await transfer(ctx, stream))
        set_ready(ctx, stream, 0)
    return received


async def transfer(ctx, stream):
    """Wait for the cycle in which both sides agree; return what was transferred."""
    done = False
    while not done:
        _, _, payload, done = await ctx.tick().sample(stream.payload, stream.valid & stream.ready)
    return payload


def set_ready(ctx, stream, value):
    if not stream.signature.always_ready:
        ctx.set(stream.ready, value)


async def idle(ctx, cycles):
    for _ in range(cycles):
        await ctx.tick()


def run(dut, source, sink, payloads, count, gaps=(0,), stalls=(0,), shy=False, deadline=100_000):
    """Send ``payloads`` into the stream ``source``; return ``count`` payloads of ``sink``."""
    received = []

    async def producer(ctx):
        await put(ctx, source, payloads, gaps)

    async def consumer(ctx):
        received.extend(await get(ctx, sink, count, stalls, shy))

    simulate(dut, producer, consumer, deadline=deadline)
    return received


def simulate(dut, *testbenches, background=(), deadline=100_000):
    """Run ``testbenches`` to their end, beside those in the ``background``; fail if that takes more
    than ``deadline`` cycles."""

    async def watchdog(ctx):
        await idle(ctx, deadline)
        raise TimeoutError(f"{type(dut).__name__} is still busy after {deadline} cycles")

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    for testbench in testbenches:
        sim.add_testbench(testbench)
    for testbench in [watchdog, *background]:
        sim.add_testbench(testbench, background=True)
    sim.run()
