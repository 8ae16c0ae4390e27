# amaranth: UnusedElaboratable=no
"""A board that is asked says what it is, between codes, and at any pace."""

import numpy as np
import pytest

from hw.accelerator import Accelerator, identity
from hw.plan.folding import parse
from sw.golden import forward, frame
from sw.golden.bits import n_bytes
from sw.golden.network import random_network
from tests.streams import PACES, run

CASES = [((20, 9, 3), "1x20", False, range(14)), ((41, 6, 5, 3), "1x41,1x6", True, range(16)),
         ((8, 2), "none", False, [0, 11])]


@pytest.mark.parametrize("shape, plan, reloadable, numbers, pace", [
    *((*case, PACES[0]) for case in CASES),
    *((*CASES[0][:3], [0, 13], pace) for pace in PACES[1:])], ids=str)
def test_it_says_what_it_is_between_codes(shape, plan, reloadable, numbers, pace):
    network, plan = random_network(shape), parse(plan, shape)
    dut = Accelerator(network, plan, reloadable=reloadable, clock=120e6, baud=3_000_000)
    said = identity(network, plan, reloadable=reloadable, clock=120e6, baud=3_000_000).to_bytes()
    code = np.random.default_rng(1).integers(0, 2, shape[0], np.uint8)
    sent, answers = b"", b""
    for number in numbers:
        sent += (frame.question(frame.QUESTIONS + number, n_bytes(shape[0]))
                 + frame.request(3, code))
        answers += (frame.answer(frame.QUESTIONS + number, said[number])
                    + frame.answer(3, forward.classify(network, code)))
    assert bytes(run(dut, dut.rx, dut.tx, sent, len(answers), **pace)) == answers


@pytest.mark.parametrize("plan, clock, waits", [
    ("1x200", 120e6, False), ("1x50", 120e6, False), ("1x25", 120e6, True), ("1x200", 19.2e6, True),
    ("hardwired", 12e6, False), ("1x25", 0, False)])
def test_a_slow_first_layer_is_waited_for(plan, clock, waits):
    shape = (200, 128, 10)
    found = identity(random_network(shape), parse(plan, shape), reloadable=False, clock=clock,
                     baud=3_000_000)
    assert (found.waits, found.clock) == (waits, clock / 1e3)


def test_all_but_the_weights_makes_another_build():
    builds = [identity(random_network(shape, seed), parse(plan, shape), reloadable=reloadable,
                       clock=0, baud=0).build
              for shape, plan, reloadable, seed in [
                  ((40, 8, 3), "1x40", False, 0), ((40, 8, 3), "1x40", False, 1),
                  ((40, 8, 4), "1x40", False, 0), ((40, 8, 3), "2x40", False, 0),
                  ((40, 8, 3), "1x40", True, 0)]]
    assert builds[0] == builds[1] and len(set(builds)) == 4


def test_too_many_widths_to_tell():
    shape = (2,) * 29
    with pytest.raises(ValueError, match=r"^A board can tell 28 widths of its network, not 29: "):
        Accelerator(random_network(shape), parse("hardwired", shape))
