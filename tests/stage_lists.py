"""Lists of stages of odd shapes, as people write them: by seed, with the edges first."""

import numpy as np

from sw.golden.stages import Signature

__all__ = ["LISTS", "draw"]

# One class, one channel, a pool of the input, pools behind pools, a convolution of a vector, one
# that sees the whole map, borders as wide as they can be, pixels of all depths, no hidden stage.
EDGES = ["1x1x1-c1-1", "4x4x2-p-3", "5x7x1:8-3p-p-2", "20:2-5-3", "6-4-c3k1-2", "3x3x4-5k3b0-3",
         "4x3x2-3k3b2-4", "2x2x1:1-c2-3", "6x6x1:3-4s2-2p-d7-3", "9x5x3-p3-5", "1x9x2:4-3-4",
         "7x7x2-4k2b1s3-6"]


def draw(seed: int) -> str:
    """Return a list of one to four stages before the readout, on a small map."""
    rng = np.random.default_rng(seed)
    while True:
        height, width, channels = rng.integers(1, 9), rng.integers(1, 9), rng.integers(1, 5)
        words = [f"{height}x{width}x{channels}" + rng.choice(["", f":{rng.integers(2, 9)}"])]
        for _ in range(rng.integers(1, 4)):
            words.append(str(rng.choice([
                f"c{rng.integers(1, 8)}k{(k := rng.integers(1, 5))}s{rng.integers(1, 3)}"
                f"b{rng.integers(0, k)}", f"{rng.integers(1, 8)}p", f"d{rng.integers(1, 8)}", "p",
                "p3"])))
        words.append(str(rng.integers(1, 6)))
        try:
            return str(Signature.parse("-".join(words)))
        except ValueError:    # Its stages do not fit each other.
            continue


LISTS = [*dict.fromkeys([*EDGES, *map(draw, range(20))])][:30]
