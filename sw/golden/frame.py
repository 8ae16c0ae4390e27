"""What travels between host and board: frames, as pure functions on bytes.

Framing is that of HDLC on asynchronous lines (RFC 1662, sections 3.1 and 4.2): a frame lies between
two flags ``7E``; inside it ``7E`` and ``7D`` are sent as ``7D`` and the byte XOR ``20``; its last
bytes are a frame check sequence of RFC 1662, least significant byte first. One flag can end a frame
and begin the next. Whoever reads is back in step at the next flag.

A request is ``sequence number, code``, the code packed as in :mod:`sw.golden.bits`, with the 32-bit
check. An image is sent like a code: its elements in the order of :mod:`sw.golden.stages`, the least
significant bit of each first, so that pixels of 8 bits are a byte each. The check finds any three
flipped bits of a frame of up to 11,454 bytes, and longer frames are not sent.

An answer is ``sequence number, class`` with the 16-bit check, which finds any three flipped bits in
so short a frame. A frame of another length or with a wrong check is dropped in silence; the host
asks again.

A request for something else is as long, and told by its sequence number:

* From 128 on, a board that can be loaded with other weights finds, instead of a code, the address
  of a 16-bit word and that word with as many of its followers as find room. Its answer has class 0.
  What the words are is told by :mod:`hw.blocks.loader`. Any other board drops such a request. A
  board with a word-serial engine, whose images may be long, takes one word at a time: there a load
  is as long as a code of :data:`SHORT` bits.
* From 192 on, it asks for a byte of :mod:`sw.golden.identity`, the first by 192; the code does not
  count. The answer has this byte instead of a class; beyond the last, any. To a board with a
  word-serial engine a question is as short as a load, or as an image, if that is shorter.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence

from .bits import Bits, from_bytes, n_bytes, to_bytes

FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
N_FCS32, N_FCS16 = 4, 2  # Bytes of a check.
MAX_CLASSES = 256        # An answer has one byte for the class.
N_SEQUENCES = 128        # Sequence numbers of a code's request; those of a load follow,
QUESTIONS = 192          # and then those of a question.
ADDRESS, WORD = 24, 16   # Bits of a load request's address, and of each of its words.
LONGEST = 11_454         # Bytes in a frame: up to there its check finds any three flipped bits.
MAX_INPUT = LONGEST - 1 - N_FCS32    # Bytes of a code or an image.
SHORT = ADDRESS + WORD   # Bits after the sequence number of a load request with one word.


def fcs32(content: bytes) -> bytes:
    """Return the 32-bit check of ``content`` (CRC-32/ISO-HDLC).

    >>> fcs32(b"123456789").hex()
    '2639f4cb'
    """
    return zlib.crc32(content).to_bytes(N_FCS32, "little")


def fcs16(content: bytes) -> bytes:
    """Return the 16-bit check of ``content`` (CRC-16/X-25).

    >>> fcs16(b"123456789").hex()
    '6e90'
    """
    register = 0xFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ 0x8408 * (register & 1)
    return (register ^ 0xFFFF).to_bytes(N_FCS16, "little")


def wrap(content_and_check: bytes) -> bytes:
    """Make a frame: escape, and put flags around.

    >>> wrap(bytes([0x7E, 0x01])).hex(" ")
    '7e 7d 5e 01 7e'
    """
    body = bytearray()
    for byte in content_and_check:
        body += bytes([ESCAPE, byte ^ FLIP]) if byte in (FLAG, ESCAPE) else bytes([byte])
    return bytes([FLAG, *body, FLAG])


class Unwrapper:
    """Finds good frames in a stream of bytes that may hold anything.

    ``feed`` takes bytes as they come and yields the content of each frame whose check is right. It
    keeps no more than :data:`LONGEST` and one of them: a longer frame is dropped.

    Parameters
    ----------
    fcs : function
        :func:`fcs32` to read requests, :func:`fcs16` to read answers.
    """

    def __init__(self, fcs: Callable[[bytes], bytes]) -> None:
        self._fcs = fcs
        self._body = bytearray()
        self._escaped = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for byte in data:
            if byte == FLAG:
                content = bytes(self._body[:-len(self._fcs(b""))])
                # A flag straight after an escape aborts the frame (RFC 1662, 4.3).
                if (content and not self._escaped and len(self._body) <= LONGEST
                        and self._body == content + self._fcs(content)):
                    yield content
                self._body.clear()
                self._escaped = False
            elif byte == ESCAPE:
                self._escaped = True
            else:
                if len(self._body) <= LONGEST:
                    self._body.append(byte ^ FLIP if self._escaped else byte)
                self._escaped = False


def request(sequence: int, code: Bits) -> bytes:
    """Make the frame that asks for the class of ``code``, shape ``(n_in,)``."""
    content = bytes([sequence]) + to_bytes(code)
    return wrap(content + fcs32(content))


def n_request(n_in: int) -> int:
    """Return how many bytes a request has on the link, where none of them must be escaped.

    >>> n_request(200)
    32
    """
    return 2 + 1 + n_bytes(n_in) + N_FCS32


def n_short(n_in: int) -> int:
    """Return how many bytes a load or a question has after its number, to a board with a
    word-serial engine and images of ``n_in`` bits.

    >>> n_short(6272), n_short(13)
    (5, 2)
    """
    return min(SHORT // 8, n_bytes(n_in))


def words_per_load(n_in: int) -> int:
    """Count the words that a load request brings; 0 where codes are too short for one.

    >>> words_per_load(200)
    11
    """
    return max(0, n_in - ADDRESS) // WORD


def load(sequence: int, address: int, words: Sequence[int], n_in: int) -> bytes:
    """Make the frame that loads ``words`` from ``address`` on, as long as that of a code."""
    payload = address.to_bytes(ADDRESS // 8, "little")
    payload += b"".join(word.to_bytes(WORD // 8, "little") for word in words)
    content = bytes([sequence]) + payload.ljust(n_bytes(n_in), b"\0")
    return wrap(content + fcs32(content))


def question(sequence: int, n_code: int) -> bytes:
    """Make the frame that asks a board with codes of ``n_code`` bytes for a byte of its identity.

    >>> question(QUESTIONS + 1, n_code=2).hex(" ")
    '7e c1 00 00 65 25 2c 6f 7e'
    """
    content = bytes([sequence]) + bytes(n_code)
    return wrap(content + fcs32(content))


def parse_request(content: bytes, n_in: int) -> tuple[int, Bits] | None:
    """Take ``(sequence, code)`` from a good frame; None if its length is not a request's."""
    if len(content) != 1 + n_bytes(n_in):
        return None
    return content[0], from_bytes(content[1:], n_in)


def answer(sequence: int, klass: int) -> bytes:
    """Make the frame that answers request ``sequence`` with class ``klass``."""
    content = bytes([sequence, klass])
    return wrap(content + fcs16(content))


def parse_answer(content: bytes) -> tuple[int, int] | None:
    """Take ``(sequence, class)`` from a good frame; None if its length is not an answer's."""
    return (content[0], content[1]) if len(content) == 2 else None
