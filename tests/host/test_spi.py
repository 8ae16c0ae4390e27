"""A board on SPI; in the place of the bus's driver a terminal at which golden answers."""

import os
import sys
import time
import types

import numpy as np
import pytest

from sw import classify
from sw.golden import forward, frame
from sw.golden.asking import SPI_CLOCK
from sw.golden.errors import UserError
from sw.golden.identity import Identity
from sw.golden.network import random_network
from sw.host import spi
from sw.host.board import Board, BoardError, NoBoard
from tests.line import golden_line, stranger, within

NETWORK = random_network((40, 8, 3))
IDENTITY = Identity(NETWORK.shape, False, False, 120_000, b"abcd")
CODES = np.random.default_rng(1).integers(0, 2, (300, 40), np.uint8)


@pytest.fixture
def bus(monkeypatch):
    """Put a terminal behind ``spi:0.1``: a flag comes back wherever it has nothing to say."""
    class Device:
        terminal = ""

        def open(self, bus, select):
            if (bus, select) != (0, 1):
                raise FileNotFoundError(2, "No such file or directory")
            self._file = os.open(self.terminal, os.O_RDWR | os.O_NONBLOCK)

        def xfer3(self, data):
            os.write(self._file, bytes(data))
            time.sleep(0.001)
            try:
                came = os.read(self._file, len(data))
            except BlockingIOError:
                came = b""
            return [*came, *[frame.FLAG] * (len(data) - len(came))]

        def close(self):
            os.close(self._file)

    monkeypatch.setitem(sys.modules, "spidev", types.SimpleNamespace(SpiDev=Device))
    return Device


@pytest.mark.parametrize("n_in", [None, 40])
@pytest.mark.parametrize("lost", [set(), {0, 7, 299}])
def test_classes_equal_golden(bus, n_in, lost):
    with golden_line(NETWORK, IDENTITY, lost) as bus.terminal, Board("spi:0.1", n_in) as board:
        assert board.identity == IDENTITY
        assert board.classify(CODES).tolist() == [forward.classify(NETWORK, code) for code in CODES]
        assert board.codes_per_second == SPI_CLOCK / (8 * frame.n_request(40))


def test_a_bus_has_megahertz_and_no_baud(bus, capsys):
    with golden_line(NETWORK, IDENTITY) as bus.terminal:
        assert classify.main(["--list", "--port", "spi:0.1"]) == 0
    assert capsys.readouterr().out == f"spi:0.1  {IDENTITY}, 24 MHz of SPI at most\n"


def test_nothing_at_the_bus(bus):
    with within(20), stranger() as bus.terminal, pytest.raises(NoBoard, match=r"^No board answers"):
        Board("spi:0.1", 40)


def test_flags_in_a_row_are_one(bus):
    with within(20), stranger(bytes([1, *[frame.FLAG] * 9, 2, frame.FLAG])) as bus.terminal:
        port = spi.Port("spi:0.1")
        port.timeout = 0.2
        came = b"".join(port.read(4) for _ in range(100))    # The stranger never ends.
        flag = bytes([frame.FLAG])
        assert set(came.strip(flag).split(flag)) == {b"\1", b"\2"} and flag * 2 not in came
        port.close()


def test_no_such_bus(bus):
    with pytest.raises(BoardError, match=r"spi:3\.0"):
        Board("spi:3.0")


def test_no_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "spidev", None)
    with pytest.raises(UserError) as refused:
        Board("spi:0.1")
    assert str(refused.value) == ("A board on SPI cannot be asked: spidev is not installed: pip "
                                  "install '.[spi]' in the checkout, or 'hybnn[spi]'")
