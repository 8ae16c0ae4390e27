"""The link under noise in both directions: nothing wrong is believed, nobody waits for ever.

A host asks the Verilated accelerator, and waits after each request until the board is silent. It
believes an answer whose check is right and whose sequence number is that of its request; without
one it would ask again. Noise is put on what goes in and on what comes out.

Lost is an answer that is believed and wrong, and a request that arrived whole, whatever came
before it, and was not answered: the board was out of step.

Two hosts on one line are told apart by their sequence numbers alone, so they must not use the same.
"""

import math
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from hw.accelerator import Accelerator
from hw.flow.tools import verilog
from hw.plan import folding
from sw.golden import forward, frame
from sw.golden.network import random_network

from . import Row, share
from .bench import BYTE, RESET, WAIT, Bench, build
from .noise import KINDS, RATES, Line, touched

__all__ = ["residual", "run"]

SHAPE = (16, 8, 4)          # Small: what is tried is the link.
PER_RUN = 50_000            # Requests in one run of the simulator.
REQUESTS = 1_300_000        # Of a soak, over all kinds and rates.
N_CODES = 64
NETWORK = random_network(SHAPE)


def design() -> str:
    """Return the accelerator's Verilog."""
    return verilog.convert(Accelerator(NETWORK, folding.default(SHAPE)), "accelerator")


@cache
def _questions() -> tuple[list[list[bytes]], np.ndarray]:
    """Return the requests, by sequence number and by code, and the class of each code."""
    codes = np.random.default_rng(1).integers(0, 2, (N_CODES, SHAPE[0]), np.uint8)
    codes[0], codes[1] = 0, 1
    requests = [[frame.request(sequence, code) for code in codes]
                for sequence in range(frame.N_SEQUENCES)]
    return requests, forward.classify_all(NETWORK, codes)


class Traffic:
    """Requests of one host, a window each, with the numbers ``low`` to ``high - 1`` in turn."""

    def __init__(self, count: int, rng: Generator, low: int = 0,
                 high: int = frame.N_SEQUENCES) -> None:
        requests, classes = _questions()
        which = rng.integers(N_CODES, size=count)
        self.sequences = low + np.arange(count) % (high - low)
        self.classes = classes[which]
        self.frames = [requests[sequence][code]
                       for sequence, code in zip(self.sequences, which, strict=True)]

    def line(self) -> Line:
        lengths = [len(each) for each in self.frames]
        return Line(np.frombuffer(b"".join(self.frames), np.uint8),
                    np.repeat(np.arange(len(lengths)), lengths))


@lru_cache(2 * N_CODES * frame.N_SEQUENCES)    # Most are one of the right answers.
def contents(data: bytes) -> tuple[tuple[int, int], ...]:
    """Return the sequence number and the class of each good answer in some bytes."""
    found = (frame.parse_answer(each) for each in frame.Unwrapper(frame.fcs16).feed(data))
    return tuple(each for each in found if each)


def words(line: Line, count: int) -> np.ndarray:
    """Make words for the bench: the bytes, and a wait after each of ``count`` windows."""
    ends = np.searchsorted(line.window, np.arange(count), side="right")
    return np.insert(BYTE + line.data.astype(np.uint16), ends, WAIT)


def received(numbers: np.ndarray) -> Line:
    """Take apart what the bench writes."""
    return Line((numbers % 256).astype(np.uint8), numbers // 256)


def answers(line: Line, count: int) -> list[tuple[tuple[int, int], ...]]:
    """Return the good answers in each window."""
    ends = np.searchsorted(line.window, np.arange(count + 1), side="left")
    data = line.data.tobytes()
    return [contents(data[start:end]) for start, end in pairwise(ends)]


class Count:
    """What a host believed, would ask again, and was told wrong."""

    def __init__(self) -> None:
        self.tried = self.right = self.wrong = self.deaf = 0

    def judge(self, traffic: Traffic, whole: np.ndarray, said: Line, heard: Line) -> None:
        """Compare answers as the board ``said`` and as the host ``heard`` them with what is right.

        Parameters
        ----------
        whole : bool array
            The windows whose request arrived as it was sent.
        """
        count = len(traffic.frames)
        rows = zip(traffic.sequences.tolist(), traffic.classes.tolist(), whole.tolist(),
                   answers(said, count), answers(heard, count), strict=True)
        for sequence, klass, arrived, told, got in rows:
            believed = [value for number, value in got if number == sequence]
            self.tried += 1
            self.right += believed[:1] == [klass]
            self.wrong += believed[:1] not in ([], [klass])
            self.deaf += arrived and (sequence, klass) not in told

    def row(self, what: str) -> Row:
        return Row(what, self.tried, self.wrong + self.deaf,
                   f"{self.tried - self.right:,} to ask again")


def _noisy(bench: Bench, name: str, requests: int, rng: Generator) -> Row:
    count, noise = Count(), KINDS[name]
    n_runs = math.ceil(requests / PER_RUN / len(RATES)) * len(RATES)
    for number in range(n_runs):
        rate, traffic = RATES[number % len(RATES)], Traffic(requests // n_runs, rng)
        sent = traffic.line()
        arrived = noise(sent, rate, rng)
        n = len(traffic.frames)
        said = received(bench.run(words(arrived, n)))
        count.judge(traffic, ~touched(sent, arrived, n), said, noise(said, rate, rng))
    return count.row(f"link, {name}, {RATES[0]:g} to {RATES[-1]:g}")


def _two_hosts(bench: Bench, requests: int, rng: Generator) -> Row:
    """Another host's request lies somewhere between the bytes of every other request."""
    count = Count()
    for _ in range(math.ceil(requests / PER_RUN)):
        n = min(requests, PER_RUN)
        ours, theirs = Traffic(n, rng, 0, 64), Traffic(n, rng, 64, 128)
        sent, other = ours.line(), theirs.line()
        starts = np.searchsorted(sent.window, np.arange(n))
        mixed = [np.arange(len(sent.data), dtype=float)]
        ends = np.append(starts[1:], len(sent.data))
        for window in range(0, n, 2):
            # From before our first byte to before our last: the bytes of each stay in order.
            mixed.append(np.sort(rng.uniform(starts[window] - 1, ends[window],
                                             len(theirs.frames[window]))))
        order = np.argsort(np.concatenate(mixed), kind="stable")
        both = np.concatenate([sent.data, other.data[other.window % 2 == 0]])
        windows = np.concatenate([sent.window, other.window[other.window % 2 == 0]])
        # A window ends with the later of the two.
        arrived = Line(both[order], np.maximum.accumulate(windows[order]))
        said = received(bench.run(words(arrived, n)))
        count.judge(ours, ~touched(sent, arrived, n), said, said)
        # Whatever the board says to the other host must be right, too.
        for window, told in enumerate(answers(said, n)):
            count.wrong += any(each not in ((theirs.sequences[window], theirs.classes[window]),
                                            (ours.sequences[window], ours.classes[window]))
                               for each in told)
    return count.row("link, two hosts' bytes mixed")


def _resets(bench: Bench, requests: int, rng: Generator) -> Row:
    """A reset somewhere in a request or in the work on it; the next request is answered."""
    count = Count()
    for _ in range(math.ceil(requests / PER_RUN)):
        traffic = Traffic(min(requests, PER_RUN), rng)
        line, n = traffic.line(), len(traffic.frames)
        stream = words(line, n)
        waits = np.flatnonzero(stream == WAIT)
        starts = np.append(0, waits[:-1] + 1)
        hit = np.arange(0, n, 2)
        # Before a byte, or some cycles after the last: while the engine works or answers.
        at = starts[hit] + rng.integers(1, waits[hit] - starts[hit] + 1)
        idle = 3 * 256 + rng.integers(0, 100, len(hit)).astype(np.uint16)
        late = rng.random(len(hit)) < 0.5
        at[late] = waits[hit[late]]
        idle[~late] = 3 * 256 + rng.integers(0, 10, int((~late).sum()))
        stream = np.insert(stream, np.repeat(at, 2),
                           np.stack([idle, np.full(len(hit), RESET)], 1).ravel())
        whole = np.ones(n, bool)
        whole[hit] = False
        said = received(bench.run(stream))
        count.judge(traffic, whole, said, said)
    return count.row("reset at any moment")


def run(scale: float) -> list[Row]:
    """Put the link to noise, to two hosts and to resets."""
    rng = np.random.default_rng(round(1e6 * scale))
    bench = build(design())
    each = share(REQUESTS, scale / (len(KINDS) + 2), 50)
    return [*(_noisy(bench, name, each, rng) for name in KINDS),
            _two_hosts(bench, each, rng), _resets(bench, each, rng)]


def residual(rate: float) -> float:
    """Return the probability that flipped bits alone make another class of a board's answer, with a
    right check and the right sequence number; each bit flips with probability ``rate``.

    This is exact but for escapes: X-25's code is linear, so errors that its check misses are its
    words, and all 255 whose sequence number is 0 are counted.

    >>> f"{residual(1e-2):.1e} {residual(1e-6):.1e}"
    '6.0e-08 8.0e-24'
    """
    total = 0.0
    zero = frame.fcs16(bytes(2))
    for klass in range(1, 256):
        check = frame.fcs16(bytes([0, klass]))
        weight = klass.bit_count() + sum((a ^ b).bit_count()
                                         for a, b in zip(check, zero, strict=True))
        total += rate ** weight * (1 - rate) ** (32 - weight)
    return total


