"""A board at a serial port, which here is a terminal at which golden answers."""

import os
import threading
from dataclasses import replace

import numpy as np
import pytest

import boards
from sw.golden import forward, frame
from sw.golden.asking import BAUDS, NoAnswer
from sw.golden.identity import Digest, Identity
from sw.golden.network import random_network
from sw.golden.stages import Signature
from sw.host.board import CHIPS, Board, BoardError, NoBoard
from tests.line import golden_line, stranger, within

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


@pytest.mark.parametrize("n_in", [None, 120, 128], ids=["unknown", "known", "wrong"])
def test_a_serial_board_is_found_by_its_short_questions(n_in):
    network = random_network(Signature.parse("4x5x2:3-5-3"))
    said = replace(IDENTITY, shape=Digest.of(network.signature))
    with golden_line(network, said) as port, Board(port, n_in) as board:
        assert board.identity == said


def test_codes_of_another_width():
    with golden_line(NETWORK, IDENTITY) as port, Board(port, 40) as board:
        with pytest.raises(BoardError, match=r" takes codes of shape \(n, 40\), not \(300, 39\)$"):
            board.classify(CODES[:, 1:])


def test_a_board_for_other_codes():
    with golden_line(NETWORK, IDENTITY) as port:
        with pytest.raises(BoardError, match=f"^No board answers at {port}: "):
            Board(port, 32)


def test_a_board_that_falls_silent(monkeypatch):
    monkeypatch.setattr("sw.golden.asking.ATTEMPTS", 1)
    with golden_line(NETWORK, IDENTITY, range(10_000)) as port, Board(port, 40) as board:
        with pytest.raises(BoardError, match=f"^The board at {port} has ceased to answer: "):
            board.classify(CODES[:3])


def test_a_board_that_had_stalled_is_not_believed_before_it_is_in_step(monkeypatch):
    monkeypatch.setattr("sw.golden.asking.ATTEMPTS", 1)
    stalled = threading.Event()
    with golden_line(NETWORK, IDENTITY, stalled=stalled) as port, Board(port, 40) as board:
        stalled.set()
        for number in range(2):
            with pytest.raises(BoardError, match=" has ceased to answer: "):
                board.classify(CODES[64 * number:64 * (number + 1)])
        stalled.clear()
        classes = board.classify(CODES[-64:])
    assert classes.tolist() == forward.classify_all(NETWORK, CODES[-64:]).tolist()


def test_nor_by_another_process(monkeypatch):
    """One that opens the port while the board still holds what others had asked."""
    monkeypatch.setattr("sw.golden.asking.ATTEMPTS", 2)
    stalled = threading.Event()
    with golden_line(NETWORK, IDENTITY, stalled=stalled) as port:
        for number in range(2):
            with Board(port, 40) as board:
                stalled.set()
                with pytest.raises(BoardError, match=" has ceased to answer: "):
                    board.classify(CODES[64 * number:64 * (number + 1)])
            with pytest.raises(NoBoard):
                Board(port, 40)
            stalled.clear()
        with Board(port, 40) as board:
            classes = board.classify(CODES[-64:])
            assert board.identity == IDENTITY
    assert classes.tolist() == forward.classify_all(NETWORK, CODES[-64:]).tolist()


@pytest.mark.parametrize("identity, most", [
    (replace(IDENTITY, waits=True), 1), (IDENTITY, 64),
    (replace(IDENTITY, shape=Digest.of(NETWORK.signature)), 2)], ids=["one", "many", "serial"])
def test_a_board_that_must_be_waited_for_is(identity, most):
    stalled, counts = threading.Event(), []
    with (golden_line(NETWORK, identity, stalled=stalled, counts=counts) as port,
          Board(port, 40) as board):
        counts.clear()
        stalled.set()
        threading.Timer(0.3, stalled.clear).start()
        board.classify(CODES[:200])
    assert max(counts) == most


def test_what_lay_at_the_port_before_is_not_believed():
    """As of the bitstream before this one: another board's first byte."""
    old = frame.answer(frame.QUESTIONS, Identity((40,) * 6, True, True, 0, b"old.").to_bytes()[0])
    with golden_line(NETWORK, IDENTITY, before=old * 9) as port, Board(port, 40) as board:
        assert board.identity == IDENTITY


NONE, DEAF, GONE = ("^No board answers at {}: ", "^{} takes no bytes: does something else use it, ",
                    "^{} cannot be opened, .*: python -m sw.classify --list shows ")


@pytest.mark.parametrize("n_in, says, reads, lives, error, said", [
    *((n_in, says, True, True, NoBoard, NONE) for n_in in [40, None]
      for says in [b"", b"ok T:21.3 /0.0\r\n", bytes(range(256)), b"\x7e",
                   frame.answer(frame.QUESTIONS, 0), frame.answer(0, 1)]),
    (None, b"", False, True, BoardError, DEAF),
    (None, b"$GPGGA,", False, True, BoardError, DEAF),
    (90_000, b"", False, True, BoardError, DEAF),
    (40, b"", True, False, BoardError, GONE)])
def test_ports_without_a_board(monkeypatch, n_in, says, reads, lives, error, said):
    monkeypatch.setattr("sw.host.board.PATIENCE", 0.05)
    with stranger(says, reads=reads, lives=lives) as port, within(60):
        with pytest.raises(error, match=said.format(port)):
            Board(port, n_in)


@pytest.mark.parametrize("port, why", [
    ("/dev/nope", "No such file or directory"), ("/dev/null", ".*ioctl.*"), (".", ".*directory"),
    ("", ".*")])
def test_what_is_no_port(port, why):
    with pytest.raises(BoardError, match=f"^{port} cannot be opened, {why}: python -m sw.classify"):
        Board(port)


def test_a_port_that_is_pulled_out():
    with golden_line(NETWORK, IDENTITY) as port, Board(port, 40) as board:
        os.close(board._serial.fd)
        board._serial.fd = os.open("/dev/null", os.O_RDONLY)
        with pytest.raises(BoardError, match=f"^{port} has failed, .*: is the board still plugged"):
            board.classify(CODES[:1])


def test_every_board_has_a_chip_that_is_asked():
    ft2232h, ft231x = (0x0403, 0x6010), (0x0403, 0x6015)
    chips = dict.fromkeys(boards.NAMES, ft2232h) | {"ulx3s": ft231x}
    assert set(chips.values()) <= CHIPS


def test_a_board_at_any_of_the_speeds_is_found(monkeypatch):
    """A terminal has none, so the question stands for the board."""
    def identify(port, sizes, patience):
        tried.append(port.baudrate)
        if port.baudrate != BAUDS[-1]:
            raise NoAnswer
        return IDENTITY

    tried = []
    monkeypatch.setattr("sw.golden.asking.identify", identify)
    with golden_line(NETWORK, IDENTITY) as port, Board(port, 40) as board:
        assert (board.baud, tried) == (BAUDS[-1], [*BAUDS])


def test_every_board_has_a_speed_that_is_tried():
    assert {boards.find(name).baud for name in boards.NAMES} <= set(BAUDS)
