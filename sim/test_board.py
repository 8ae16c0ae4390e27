"""A virtual board answers at its terminal what golden says, and takes another network there."""

from functools import partial

import numpy as np
import serial

from hw import folding, load
from hw.accelerator import identity
from sim.board import virtual_board
from sw.golden import asking, forward, frame
from sw.golden.asking import Asking
from sw.golden.network import random_network

SHAPE = (200, 16, 10)
CODES = np.random.default_rng(1).integers(0, 2, (150, SHAPE[0]), np.uint8)


def classes(port):
    return list(Asking(port, asking.CODES).ask(partial(frame.request, code=code)
                                               for code in CODES))


def test_a_network_is_loaded_through_the_terminal_whose_wire_is_kept_busy():
    before, after = (random_network(SHAPE, seed=seed) for seed in range(2))
    plan = folding.default(SHAPE)
    with (virtual_board(before, plan, reloadable=True) as virtual,
          serial.Serial(str(virtual.terminal)) as port):
        assert asking.identify(port, range(20, 30)) == identity(
            before, plan, reloadable=True, clock=0, baud=0)
        assert classes(port) == forward.classify_all(before, CODES).tolist()
        load.load(port, after, plan)
        assert classes(port) == forward.classify_all(after, CODES).tolist()
    assert virtual.tally["codes"] >= 2 * len(CODES) and virtual.busy >= 0.9
