"""The clock that a build chooses: PLL, link and what was placed decide."""

from dataclasses import replace

import pytest

import boards
from hw.blocks.wire import uart
from hw.flow.building import clocks
from hw.flow.clocking import higher


@pytest.mark.parametrize("board, first, placed, found", [
    ("icebreaker", 39, 42.5, 42),        # The divisor falls from 13 to 14.
    ("icebreaker", 39, 41.99, 41.25),
    ("icebreaker", 39, 39, 39),          # Nothing to gain.
    ("icebreaker", 39, 38, 39),          # Less than was asked for: it is missed, not lowered.
    ("icestick", 120, 146.4, 144),
    ("icestick", 90, 128.8, 127.5),
    ("tang_nano_9k", 54, 85, 84.857),
    ("ulx3s_25f", 75, 89.1, 87.5),
    ("ulx3s_25f", 75, 1e6, 400),         # As fast as a PLL goes.
    ("icestick, spi", 30, 47.9, 47.25),
    ("icestick, spi", 20, 24, 20),       # A controller may be as fast.
])
def test_the_highest_clock_that_was_placed(board, first, placed, found):
    name, *link = board.split(", ")
    there = boards.find(name)
    if link:
        there = replace(there, link="spi", baud=24_000_000)
    assert higher(there, first * 1e6, placed * 1e6) / 1e6 == pytest.approx(found, 1e-5)


@pytest.mark.parametrize("name", boards.NAMES)
def test_what_is_chosen_can_be_built(name):
    board = boards.find(name)
    for placed in range(40, 300, 7):
        clock = higher(board, 40e6, placed * 1e6)
        if clock > 40e6:
            pll, divisor = clocks(board, clock)
            assert pll.output == clock <= placed * 1e6 and uart.makes(clock, board.baud)
            assert abs(clock / divisor / board.baud - 1) < 0.025
