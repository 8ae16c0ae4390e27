"""A board at a serial port: codes or images in, classes out."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import serial

from ..golden import asking, frame
from ..golden.asking import Asking, NoAnswer
from ..golden.bits import Bits, n_bytes
from ..golden.errors import UserError
from ..golden.identity import Identity
from . import spi

__all__ = ["CHIPS", "SIZES", "Board", "BoardError", "NoBoard"]

# Bytes of a question that are tried where nothing is known of the board: HyBNN's first.
SIZES = (25, *(size for size in range(1, 257) if size != 25))
# USB vendor and product of what makes a serial port of the links of all supported boards: FT2232H,
# which the BL702 of a Tang Nano says that it is; FT232H; FT231X of a ULX3S.
CHIPS = frozenset({(0x0403, 0x6010), (0x0403, 0x6014), (0x0403, 0x6015)})
PATIENCE = 0.5                    # Seconds for a first answer; a virtual board needs some.
SIMULATED = 20.0                  # Seconds in which a virtual board has an image done.


class BoardError(UserError):
    """A board does not answer, or is another, or its port has failed; the message says what to
    do."""


class NoBoard(BoardError):
    """Nothing at a port answers as a board does."""


def _sizes(n_in: int) -> Sequence[int]:
    """Return the bytes of a question that boards with so many input bits take."""
    return list(dict.fromkeys([n_bytes(n_in), frame.n_short(n_in)]))


def _opened(port: str) -> Any:
    return spi.Port(port) if spi.NAME.fullmatch(port) else serial.Serial(port, asking.BAUDS[0])


class Board:
    """A board that answers.

    Parameters
    ----------
    port : str
        Serial port, such as ``/dev/ttyUSB1``, or the terminal of ``python -m sim.board``; or
        ``spi:0.1``, see :mod:`sw.host.spi`.
    n_in : int, optional
        Bits of an input, if they are known: else many sizes are tried.

    Attributes
    ----------
    identity : :class:`~sw.golden.identity.Identity`
        What the board says of itself.
    baud : int
        The speed at which it says so, in bits per second.
    repeated : int
        Requests that got lost and were sent again, so far.

    Raises
    ------
    NoBoard
        Nothing answers there as a board does, within some seconds, whatever comes.
    BoardError
        The port cannot be opened, has failed or takes no bytes; then an :exc:`OSError` is its
        ``__cause__``.

    >>> with Board("/dev/ttyUSB1") as board:    # doctest: +SKIP
    ...     board.classify(codes)
    """

    def __init__(self, port: str, n_in: int | None = None) -> None:
        try:
            self._serial = _opened(port)
        except OSError as error:
            raise BoardError(asking.unopened(port, error)) from error
        # An FTDI adapter keeps short answers back for 16 ms otherwise; others do not know this.
        with contextlib.suppress(AttributeError, ValueError, OSError, NotImplementedError):
            self._serial.set_low_latency_mode(True)
        try:
            self.identity = self._find(_sizes(n_in) if n_in else SIZES)
        except BaseException:
            self.close()
            raise
        self._asking = Asking(self._serial, asking.CODES, at_once=self.identity.at_once,
                              patience=asking.PATIENCE if self.identity.clock else SIMULATED)

    @property
    def _is_spi(self) -> bool:
        return isinstance(self._serial, spi.Port)

    def _find(self, sizes: Sequence[int]) -> Identity:
        speeds = (asking.SPI_CLOCK,) if self._is_spi else asking.BAUDS
        for self.baud in speeds:
            with self._working(), contextlib.suppress(NoAnswer):
                self._serial.baudrate = self.baud
                return asking.identify(self._serial, sizes, patience=PATIENCE)
        raise NoBoard(f"No board answers at {self._serial.port}: it must have been programmed "
                      "with python -m hw.build --program, for codes of this size")

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """Say what to do if the port fails."""
        try:
            yield
        except serial.SerialTimeoutException as error:
            raise BoardError(f"{self._serial.port} takes no bytes: does something else use it, or "
                             "is it no serial port of a board?") from error
        except OSError as error:
            raise BoardError(f"{self._serial.port} has failed, {error}: is the board still plugged "
                             "in?") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the port, without a wait for bytes that it does not take."""
        with contextlib.suppress(Exception):    # Of an unplugged one, termios has its own.
            self._serial.reset_output_buffer()
        self._serial.close()

    @property
    def repeated(self) -> int:
        return self._asking.repeated

    @property
    def speed(self) -> str:
        """What a person is told of the speed; a bus of SPI may have rounded it down."""
        told = asking.speed(self.baud, "spi" if self._is_spi else "uart")
        return f"{told} at most" if self._is_spi else told

    @property
    def codes_per_second(self) -> float:
        """What the wire has room for: a request's bytes, if none is escaped, of ten bits each, and
        eight on SPI."""
        return self.baud / ((8 if self._is_spi else 10) * frame.n_request(self.identity.n_in))

    def classify(self, codes: Bits, progress: Callable[[int], object] = int
                 ) -> npt.NDArray[np.int64]:
        """Ask for the class of every code or image: bits ``(n, n_in)`` to classes ``(n,)``.

        ``progress`` is told of each answer, by a 1.

        Raises
        ------
        BoardError
            The codes have another width than the board's, or it has ceased to answer, or its port
            has failed. A later call may find it well again.
        """
        n_in = self.identity.n_in
        if codes.ndim != 2 or codes.shape[1] != n_in:
            raise BoardError(f"The board at {self._serial.port} takes codes of shape (n, {n_in}), "
                             f"not {codes.shape}")
        requests = (partial(frame.request, code=code) for code in codes)
        classes = np.empty(len(codes), np.int64)
        try:
            with self._working():
                for number, klass in enumerate(self._asking.ask(requests)):
                    classes[number] = klass
                    progress(1)
        except NoAnswer:
            raise BoardError(f"The board at {self._serial.port} has ceased to answer: has it lost "
                             "its power?") from None
        return classes
