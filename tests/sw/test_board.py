"""A board at a serial port, which here is a terminal at which golden answers."""

from dataclasses import replace

import numpy as np
import pytest

import boards
from sw.board import BAUDS, Board, BoardError
from sw.golden import forward
from sw.golden.identity import Identity
from sw.golden.network import random_network
from tests.line import golden_line

NETWORK = random_network((40, 8, 3))
IDENTITY = Identity(NETWORK.shape, False, False, 120_000, b"abcd")
CODES = np.random.default_rng(1).integers(0, 2, (300, 40), np.uint8)


@pytest.mark.parametrize("n_in", [None, 40])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("lost", [set(), {0, 7, 299}])
def test_classes_equal_golden(n_in, waits, lost):
    with (golden_line(NETWORK, replace(IDENTITY, waits=waits), lost) as port,
          Board(port, n_in) as board):
        assert board.identity == replace(IDENTITY, waits=waits)
        seen = []
        classes = board.classify(CODES, seen.append)
        assert classes.tolist() == forward.classify_all(NETWORK, CODES).tolist()
        assert board.classify(CODES[:1]).tolist() == classes[:1].tolist()
        assert (sum(seen), board.repeated) == (len(CODES), len(lost))


def test_the_wire_has_room_for_what_the_readme_says():
    wide = random_network((200, 8, 3))
    with (golden_line(wide, replace(IDENTITY, shape=wide.shape)) as port,
          Board(port, 200) as board):
        assert round(board.codes_per_second) == 9375


def test_codes_of_another_width():
    with golden_line(NETWORK, IDENTITY) as port, Board(port, 40) as board:
        with pytest.raises(BoardError, match=r" takes codes of shape \(n, 40\), not \(300, 39\)$"):
            board.classify(CODES[:, 1:])


def test_a_board_for_other_codes():
    with golden_line(NETWORK, IDENTITY) as port:
        with pytest.raises(BoardError, match=f"^No board answers at {port}: "):
            Board(port, 48)


def test_a_board_that_falls_silent(monkeypatch):
    monkeypatch.setattr("sw.golden.asking.ATTEMPTS", 1)
    with golden_line(NETWORK, IDENTITY, range(10_000)) as port, Board(port, 40) as board:
        with pytest.raises(BoardError, match=f"^The board at {port} has ceased to answer: "):
            board.classify(CODES[:3])


def test_every_board_has_a_speed_that_is_tried():
    assert {boards.find(name).baud for name in boards.NAMES} == set(BAUDS)
