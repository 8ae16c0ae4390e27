"""How a serial engine walks through a stage: as nested loops. Numbers only: nothing here makes
hardware.

Each pointer moves by a step that depends on the stage and on which loop advances, and on nothing
else. So a pointer is a register and an adder: nothing is saved, nothing is multiplied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from hw.plan.words import Words
from sw.golden.stages import Conv, Pool, Stage

__all__ = ["LOOPS", "Part", "Walk", "parts"]

# Innermost first.
LOOPS = "word", "kernel_row", "pool_column", "pool_row", "chunk", "column", "row"
WORD = 0
KERNEL_ROW = 1
POOL_COLUMN = 2
POOL_ROW = 3
CHUNK = 4
COLUMN = 5
ROW = 6


@dataclass(frozen=True)
class Part:
    """A stage with weights and the pools behind it, which are one pool: so many rows of it."""

    stage: Stage
    pool: int


def parts(stages: Sequence[Stage]) -> list[Part]:
    """Join each pool with the stage before it.

    Raises :exc:`ValueError` if there is none.
    """
    joined: list[Part] = []
    for stage in stages:
        if not isinstance(stage, Pool):
            joined.append(Part(stage, 1))
        elif joined:
            joined[-1] = Part(joined[-1].stage, joined[-1].pool * stage.size)
        else:
            raise ValueError("A serial engine cannot pool its input: let the network begin with a "
                             "convolution or a dense stage")
    return joined


@dataclass(frozen=True)
class Walk:
    """The loops of one stage.

    Attributes
    ----------
    counts : tuple of int
        How often each of :data:`LOOPS` is run through.
    reads : tuple of int
        How far in the map each brings us from one pass to the next.
    """

    counts: tuple[int, ...]
    reads: tuple[int, ...]

    @classmethod
    def of(cls, part: Part, takes: Words, gives: Words) -> "Walk":
        """Return the walk of a stage that gives ``gives``, pooled, and a unit of it at a time."""
        stage, pool = part.stage, part.pool
        if isinstance(stage, Conv):
            run, rows = stage.kernel * takes.words, stage.kernel
            right, down = stage.stride * takes.words, stage.stride * takes.row
        else:
            run, rows, right, down = takes.size, 1, 0, 0
        return cls((run, rows, pool, pool, gives.units, gives.map.width, gives.map.height),
                   (1, takes.row, right, down, 0, pool * right, pool * down))

    @property
    def chunk(self) -> int:
        """Words of a window, which are rows of the weights for a chunk of neurons."""
        return self.counts[WORD] * self.counts[KERNEL_ROW]

    @property
    def chunks(self) -> int:
        return self.counts[CHUNK]

    @property
    def cycles(self) -> int:
        return prod(self.counts)

    @property
    def weights(self) -> tuple[int, ...]:
        """How far in the stage's weights each loop brings us."""
        return 1, self.counts[WORD], 0, 0, self.chunk, 0, 0

    @property
    def starts(self) -> tuple[int, ...]:
        """How far in what its neurons begin with."""
        return 0, 0, 0, 0, 1, 0, 0

    def steps(self, strides: Sequence[int]) -> dict[int, int]:
        """Return a pointer's step where a loop advances, if it does, and all within it begin again.
        """
        done, steps = 0, {}
        for loop, (stride, count) in enumerate(zip(strides, self.counts)):
            if count > 1:
                steps[loop] = stride - done
            done += stride * (count - 1)
        return steps

    def way(self, strides: Sequence[int]) -> int:
        """Return how far a pointer is from its beginning when all loops are at their end."""
        return sum(stride * (count - 1) for stride, count in zip(strides, self.counts))
