"""A board on an SPI bus of Linux, as if it were at a serial port."""

import re
import time
from typing import Any

from ..golden import frame
from ..golden.asking import SPI_CLOCK
from ..golden.errors import UserError
from ..terminal import extras

__all__ = ["NAME", "Port"]

NAME = re.compile(r"spi:(\d+)\.(\d+)")    # Bus and select, as in /dev/spidev0.1.
PIECE = 64                                # Flags that are sent where there is nothing to ask.


class Port:
    """What :class:`sw.golden.asking.Port` is, over SPI: a byte comes back for each that is sent.

    Flags in a row, which say nothing, are read as one.

    Parameters
    ----------
    name : str
        Such as ``spi:0.1``: bus 0, select 1.

    Raises
    ------
    OSError
        There is no such bus, or it is not ours to open.
    UserError
        The package ``spidev`` is missing.
    """

    timeout: float | None = None
    write_timeout: float | None = None
    baudrate = SPI_CLOCK

    def __init__(self, name: str) -> None:
        try:
            import spidev
        except ModuleNotFoundError as error:
            raise UserError(f"A board on SPI cannot be asked: {extras.missing(error)}") from None
        self.port = name
        bus, select = map(int, NAME.fullmatch(name).groups())  # type: ignore[union-attr]
        self._spi: Any = spidev.SpiDev()
        self._spi.open(bus, select)
        self._spi.mode, self._spi.max_speed_hz = 0, SPI_CLOCK    # Or what the bus has.
        self._came = bytearray()
        self._before = frame.FLAG

    @property
    def in_waiting(self) -> int:
        """Bytes that came and were not read."""
        return len(self._came)

    def write(self, data: bytes, /) -> int:
        """Send bytes, and keep what comes back meanwhile."""
        for byte in self._spi.xfer3(list(data)):
            if byte != frame.FLAG or self._before != frame.FLAG:
                self._came.append(byte)
            self._before = byte
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        """Return at most so many bytes; none after ``timeout`` seconds in which none came."""
        begun = time.monotonic()
        while not self._came:
            self.write(bytes([frame.FLAG] * PIECE))
            if self.timeout is not None and time.monotonic() > begun + self.timeout:
                break
        found, self._came = bytes(self._came[:size]), self._came[size:]
        return found

    def reset_output_buffer(self) -> None:
        """Do nothing: what was written is sent."""

    def close(self) -> None:
        """Let go of the bus."""
        self._spi.close()
