"""Random stages in serial engines, through Verilator, against the reference."""

import random
import subprocess
import warnings
from pathlib import Path

import numpy as np

from hw.flow.tools import verilog
from hw.plan.serial import Serial
from hw.serial import SerialEngine
from sim import simulator
from sw.golden import bits, forward
from sw.golden.network import Network, random_network
from sw.golden.stages import Signature
from tests import independent_stages

from . import Row, share, workplace

__all__ = ["draw_signature", "run"]

NETWORKS = 50
N_IMAGES = 6
MOST = 60_000    # Multiply-accumulates of an image: Python is slow, and the simulator quick.
ACCEPT, ABORT, PAUSE = 0x100, 0x200, 0x300
PRIMES = (1, 2, 3, 5, 7, 11, 13)


def draw_signature(draw: random.Random) -> Signature:
    """Draw stages of odd shapes: maps of one element, strides, borders, 1 to 8 bits, primes."""
    while True:
        kind = draw.random()
        sides = "" if kind < 0.15 else f"{draw.choice(PRIMES)}x{draw.choice(PRIMES)}x"
        channels = draw.choice([1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 24])
        depth = draw.choice(["", "", ":8", ":8", f":{draw.randint(2, 7)}"])
        words = [f"{sides}{channels}{depth}"]
        for _ in range(draw.randint(0, 3)):
            kernel = draw.choice([1, 2, 3, 3, 3, 4, 5])
            pools = "".join(draw.choice(["", "", "p", "p3", "p1"]) for _ in range(2))
            words.append(f"c{draw.choice([1, 2, 3, 4, 5, 8, 13, 16, 17])}k{kernel}"
                         f"s{draw.choice([1, 1, 2, 3])}b{draw.randrange(kernel)}{pools}")
        words += [f"d{draw.choice(PRIMES)}" for _ in range(draw.choice([0, 0, 1, 2]))]
        try:
            signature = Signature.parse("-".join([*words, str(draw.choice([1, 2, 3, 10, 17]))]))
        except ValueError:
            continue
        if signature.n_macs <= MOST:
            return signature


def draw_plan(draw: random.Random) -> Serial:
    """Draw up to 512 synapses a cycle: compilers take minutes for more."""
    simd = draw.randint(0, 6)
    return Serial(1 << draw.randint(0, min(simd, 9 - simd)), 1 << simd)


def draw_steps(draw: random.Random, images: np.ndarray) -> list[int]:
    """Send all images, with pauses, and between them pieces of images that are forgotten."""
    steps: list[int] = []
    slow = draw.random() < 0.5
    for image in images:
        data = bits.to_bytes(image)
        if draw.random() < 0.5:
            junk = draw.randbytes(draw.randint(0, len(data) + 3))
            steps += [*junk, *([PAUSE + draw.randint(0, 20)] if draw.random() < 0.5 else []), ABORT]
        for byte in data:
            steps += [PAUSE + draw.randint(0, 9), byte] if slow and draw.random() < 0.2 else [byte]
        steps += [*([PAUSE + draw.randint(0, 20)] if draw.random() < 0.5 else []), ACCEPT]
    return steps


def answers(network: Network, plan: Serial, steps: list[int], folder: Path) -> list[int]:
    """Return the classes that the Verilated engine gives."""
    with warnings.catch_warnings():    # What Amaranth says of signals, it says to designers.
        warnings.simplefilter("ignore")
        source = verilog.convert(SerialEngine(network, plan), "engine")
    model = simulator.find("verilator").build(source, "engine",
                                              driver=Path(__file__).with_suffix(".cpp"))
    np.array(steps, np.uint16).tofile(folder / "steps")
    silence = 2 * plan.period(network.signature) + 10_000
    subprocess.run([model.program, folder / "steps", folder / "classes", str(silence)],
                   check=True, timeout=300)
    given: list[int] = np.fromfile(folder / "classes", np.uint16).tolist()
    return given


def disagreement(seed: int, folder: Path) -> str:
    """Compare one network with both references; say what differs, or nothing."""
    draw = random.Random(f"stages {seed}")
    signature, plan = draw_signature(draw), draw_plan(draw)
    network = random_network(signature, draw.getrandbits(32))
    images = np.random.default_rng(seed).integers(0, 2, (N_IMAGES, network.n_in), np.uint8)
    images[:2] = [[0], [1]]
    expected = forward.classify_all(network, images).tolist()
    other = [independent_stages.classify(network.to_bytes(), bits.to_bytes(image))
             for image in images]
    given = answers(network, plan, draw_steps(draw, images), folder)
    if given == expected == other:
        return ""
    return f"{seed}: {network} in {plan}: {given} is not {expected}, or {other}"


def run(scale: float) -> list[Row]:
    """Draw so many networks."""
    count = share(NETWORKS, scale)
    with workplace() as folder:
        found = [each for seed in range(count) if (each := disagreement(seed, folder))]
    return [Row("any stages, one engine", count, len(found), "; ".join(found)[:300])]
