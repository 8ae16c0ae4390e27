"""A serial engine on the Amaranth simulator, and networks whose classes differ."""

import numpy as np

from sw.golden import bits, fast
from sw.golden.network import random_network
from sw.golden.stages import Signature
from tests.streams import put, simulate, transfer

__all__ = ["images_for", "network_for", "run"]

SETTLES = 10    # Cycles in which the last byte of an image reaches its memory.


def network_for(text, n=40):
    """Return a random network of this signature that gives several classes, if it has so many."""
    signature = Signature.parse(text)
    for seed in range(20):
        network = random_network(signature, seed)
        if len(set(fast.classify_all(network, images_for(network, n)).tolist())) > 1:
            break
    return network


def images_for(network, n):
    """Return ``n`` images, of which two are all of one kind."""
    images = np.random.default_rng(1).integers(0, 2, (n, network.n_in), np.uint8)
    images[:2] = [[0], [1]]
    return images


def run(engine, steps, n_classes, gaps=(0,)):
    """Take ``steps``, each an image, ``"accept"``, ``"abort"`` or cycles to wait; return classes,
    the cycles of ``accept``, the cycles of the classes, and the words of the maps at the end."""
    accepts, classes, times, maps, now = [], [], [], [], 0

    async def host(ctx):
        for step in steps:
            if isinstance(step, str):
                accepts.append(now)
                signal = getattr(engine, step)
                ctx.set(signal, 1)
                await ctx.tick()
                ctx.set(signal, 0)
            elif isinstance(step, int):
                await ctx.tick().repeat(step)
            else:
                await put(ctx, engine.bytes, bits.to_bytes(step), gaps)

    async def count(ctx):
        nonlocal now
        while len(classes) < n_classes:
            await ctx.tick()
            now += 1

    async def watch(ctx):
        while len(classes) < n_classes:
            classes.append(await transfer(ctx, engine.y))
            times.append(now - 1)    # It was valid before the tick.
        if engine.layout.map_depth:
            maps.extend(ctx.get(engine.maps.data[at]) for at in range(engine.layout.map_depth))

    simulate(engine, host, count, watch)
    return classes, accepts, times, maps
