"""A virtual board answers at its terminal, and takes another network there."""

import numpy as np
import serial

from hw import folding, load
from sim.board import virtual_board
from sw.golden import forward, frame
from sw.golden.network import random_network

SHAPE = (200, 16, 10)
CODES = np.random.default_rng(1).integers(0, 2, (20, SHAPE[0]), np.uint8)


def classes(port):
    port.write(b"".join(frame.request(number, code) for number, code in enumerate(CODES)))
    expected = 20 * [None]
    unwrapper = frame.Unwrapper(frame.fcs16)
    while None in expected:
        received = port.read(max(1, port.in_waiting))
        assert received, "no answer in time"
        for content in unwrapper.feed(received):
            sequence, klass = frame.parse_answer(content)
            expected[sequence] = klass
    return expected


def test_a_network_is_loaded_through_the_terminal():
    before, after = (random_network(SHAPE, seed=seed) for seed in range(2))
    plan = folding.default(SHAPE)
    with (virtual_board(before, plan, reloadable=True) as terminal,
          serial.Serial(str(terminal), timeout=20) as port):
        assert classes(port) == forward.classify_all(before, CODES).tolist()
        assert load.load(port, after, plan) == 0
        port.timeout = 20
        assert classes(port) == forward.classify_all(after, CODES).tolist()
