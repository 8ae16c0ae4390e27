"""Power-up without the comfort of a simulator: all registers unknown until the reset, in Icarus.

A bitstream sets registers and memories. Here memories keep what they begin with, as block RAMs do,
and no register does. Lost is a wrong answer, or a bit that is still unknown in one.
"""

import re

import numpy as np

from hw.accelerator import Accelerator
from hw.flow.tools import verilog
from hw.plan import folding
from hw.plan.folding import Fold, Folding, Hardwired, Plan

from . import Row, share
from .bench import build
from .link import NETWORK, SHAPE, Count, Traffic, received, words

__all__ = ["forget", "run"]

PLANS: list[Plan] = [Hardwired(), folding.default(SHAPE), Folding([Fold(1, 7)], 3)]
REQUESTS = 1_000      # Of a soak, over all plans.


def forget(source: str) -> str:
    """Take away what registers begin with.

    >>> forget("  reg [1:0] a = 2'h3;")
    '  reg [1:0] a ;'
    """
    return re.sub(r"^(\s*reg [^=;]*)= *[^;]+;", r"\1;", source, flags=re.MULTILINE)


def run(scale: float) -> list[Row]:
    """Ask accelerators that woke up so."""
    count, plans = Count(), PLANS[:share(len(PLANS), scale, 2)]
    for number, plan in enumerate(plans):
        source = verilog.convert(Accelerator(NETWORK, plan), "accelerator")
        traffic = Traffic(share(REQUESTS, scale / len(plans), 8), np.random.default_rng(number))
        n = len(traffic.frames)
        said = received(build(forget(source), "icarus").run(words(traffic.line(), n)))
        count.judge(traffic, np.ones(n, bool), said, said)
    return [count.row("registers unknown at power-up")]
