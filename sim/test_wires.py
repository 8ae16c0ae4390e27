"""What the wires of a board carry is what is predicted, and each class golden's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import boards
from hw.plan import folding
from sim import simulator as simulators
from sim import wires
from sw.golden import asking, fast
from sw.golden.network import random_network

SHAPE = (64, 8, 4)
ICESTICK = boards.find("icestick")
FAST, SPI = (replace(ICESTICK, baud=12_000_000),
             replace(ICESTICK, link="spi", baud=asking.SPI_CLOCK))
NETWORK = Path(__file__).parent / "data" / "digits.network.safetensors"


@pytest.fixture
def carried(simulator, monkeypatch):
    """Measure a few codes, whose classes must be those of ``expected`` if that is given."""
    def measured(board, expected=None):
        monkeypatch.setattr(simulators, "find", lambda name: simulator)
        if expected is not None:
            monkeypatch.setattr(fast, "classify_all", lambda network, codes: expected)
        codes = np.random.default_rng(1).integers(0, 2, (6, SHAPE[0]), np.uint8)
        return wires.measure(random_network(SHAPE), board, folding.default(SHAPE), codes)

    return measured


@pytest.mark.parametrize("simulator", ["verilator"], indirect=True)
@pytest.mark.parametrize("board, predicted", [(FAST, 80_000), (SPI, 200_000)], ids=["uart", "spi"])
def test_the_wire_is_never_idle(board, predicted, carried):
    found = carried(board)
    assert found.predicted == pytest.approx(predicted)
    assert 0.9 * predicted < found.rate < 1.02 * predicted
    assert 0.95 < found.use < 1.02


@pytest.mark.parametrize("simulator", ["verilator"], indirect=True)
def test_a_wrong_class_is_said(carried):
    with pytest.raises(wires.WiresError, match=r"^over 12,000,000 baud the class of code 0 must be "
                                               r"golden's, 7, and is [0-3]$"):
        carried(FAST, np.full(6, 7))


@pytest.mark.parametrize("name, found", [
    ("icestick", [("uart", 12_000_000), ("spi", 24_000_000)]),
    ("icebreaker", [("uart", 6_000_000), ("spi", 24_000_000)]),
    ("tang_nano_9k", [("uart", 2_000_000)]),
])
def test_which_links_a_board_has(name, found):
    board = boards.find(name)
    assert [(each.link, each.baud) for each in wires.links(board, board.clock)] == found


@pytest.mark.parametrize("flags, said", [
    (["--count", "1"], "--count must be of 2 to 10,000, not 1"),
    (["--latency", "-1"], "--latency must be of 0 to 100 ms, not -1"),
    (["--latency", "nan"], "--latency must be of 0 to 100 ms, not nan"),
    (["--board", "icestik"], "Unknown board 'icestik'"),
])
def test_what_cannot_be_is_one_line(flags, said, capsys):
    assert wires.main(["--network", str(NETWORK), *flags]) == 2
    assert capsys.readouterr().err.startswith(f"error: {said}")
