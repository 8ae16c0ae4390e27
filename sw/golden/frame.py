"""What travels between host and board: frames, as pure functions on bytes.

Framing is that of HDLC on asynchronous lines (RFC 1662, sections 3.1 and 4.2): a frame lies between
two flags ``7E``; inside it ``7E`` and ``7D`` are sent as ``7D`` and the byte XOR ``20``; its last
four bytes are the 32-bit frame check sequence of RFC 1662 (CRC-32/ISO-HDLC), least significant byte
first. One flag can end a frame and begin the next. Whoever reads is back in step at the next flag.

A request is ``sequence number, code``: the code packed as in :mod:`sw.golden.bits`. Its answer is
``sequence number, class``. A frame of another length or with a wrong check is dropped in silence;
the host asks again.
"""

import zlib
from collections.abc import Iterator

from .bits import Bits, from_bytes, n_bytes, to_bytes

FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
N_CHECK = 4        # Bytes of the frame check sequence.
MAX_CLASSES = 256  # An answer has one byte for the class.


def check(content: bytes) -> bytes:
    """Give the frame check sequence of ``content``.

    >>> check(b"123456789").hex()
    '2639f4cb'
    """
    return zlib.crc32(content).to_bytes(N_CHECK, "little")


def wrap(content: bytes) -> bytes:
    """Make a frame of ``content``: add the check, escape, put flags around.

    >>> wrap(bytes([0x7E, 0x01])).hex(" ")
    '7e 7d 5e 01 11 76 62 87 7e'
    """
    body = bytearray()
    for byte in content + check(content):
        body += bytes([ESCAPE, byte ^ FLIP]) if byte in (FLAG, ESCAPE) else bytes([byte])
    return bytes([FLAG, *body, FLAG])


class Unwrapper:
    """Finds good frames in a stream of bytes that may hold anything.

    ``feed`` takes bytes as they come and yields the content of each frame whose check is right.
    """

    def __init__(self) -> None:
        self._body = bytearray()
        self._escaped = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for byte in data:
            if byte == FLAG:
                content, fcs = bytes(self._body[:-N_CHECK]), bytes(self._body[-N_CHECK:])
                # A flag straight after an escape aborts the frame (RFC 1662, 4.3).
                if content and not self._escaped and fcs == check(content):
                    yield content
                self._body.clear()
                self._escaped = False
            elif byte == ESCAPE:
                self._escaped = True
            else:
                self._body.append(byte ^ FLIP if self._escaped else byte)
                self._escaped = False


def request(sequence: int, code: Bits) -> bytes:
    """Make the frame that asks for the class of ``code``, shape ``(n_in,)``."""
    return wrap(bytes([sequence]) + to_bytes(code))


def parse_request(content: bytes, n_in: int) -> tuple[int, Bits] | None:
    """Take ``(sequence, code)`` from a good frame; None if its length is not a request's."""
    if len(content) != 1 + n_bytes(n_in):
        return None
    return content[0], from_bytes(content[1:], n_in)


def answer(sequence: int, klass: int) -> bytes:
    """Make the frame that answers request ``sequence`` with class ``klass``."""
    return wrap(bytes([sequence, klass]))


def parse_answer(content: bytes) -> tuple[int, int] | None:
    """Take ``(sequence, class)`` from a good frame; None if its length is not an answer's."""
    return (content[0], content[1]) if len(content) == 2 else None
