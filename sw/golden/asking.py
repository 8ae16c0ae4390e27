"""Asking a board through its serial port: many requests under way, so that the wire is never idle.

Answers come in the order of the requests. So a later answer means that earlier unanswered requests
were lost: they are sent again at once. After a silence, all that are under way are sent again.

Why no old answer is believed. The line may lose whatever it likes, repeat it, and hold it back for
as long as it likes, but what it brings, it brings in the order in which that was sent: a wire does,
the queues of both computers do, and a board answers one request after the other. So when one is
answered that nothing older could have the answer of, all that was sent before it is out of the way.

* Within a call, and after calls that ended well: the numbers under way span no more than half of
  those that tell them apart. A number means another request only after one that lies half of them
  later was answered, and that one was sent after the last copy of the first.
* After a call that broke off, anything may still come. The next call begins with a question (a
  request made for a question's number is one) and believes nothing before its answer. Two numbers
  take turns: when one is answered, no copy of the other is on its way, so the other is fresh.
* A process that opens a port knows nothing of what others asked there. :func:`identify` asks one
  question after the other in an order drawn by chance: one of them that is answered after it was
  sent is enough. All could be old ones only if as many processes as an identity has bytes had
  each broken off at the next of them, in this very order.

An answer that overtakes another would break this. ``tests/golden/test_steps.py`` searches all
schedules of a small line, and random ones of a large one, for a wrong value.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from errno import EACCES
from functools import partial
from itertools import chain, islice, takewhile
from typing import Protocol

from . import frame, identity
from .errors import UserError
from .identity import Identity

__all__ = ["BAUDS", "CODES", "LOADS", "QUESTIONS", "SPI_CLOCK", "Asking", "NoAnswer", "Port",
           "Request", "identify", "speed", "unopened"]

# Speeds of the link at which a board is looked for, in bits per second; the more frequent first.
BAUDS = (3_000_000, 2_000_000, 12_000_000, 6_000_000, 1_000_000)
SPI_CLOCK = 24_000_000    # Hertz that a controller of SPI has at the most.

# Sequence numbers of each kind of request.
CODES = range(frame.N_SEQUENCES)
LOADS = range(frame.N_SEQUENCES, frame.QUESTIONS)
QUESTIONS = range(frame.QUESTIONS, 256)
STEPS = QUESTIONS[:2]    # Those that take turns after calls that broke off.

Request = Callable[[int], bytes]    # Makes the frame for a sequence number.

PATIENCE = 1.0    # Seconds without an answer after which requests are sent again.
ATTEMPTS = 5      # Times that a request is sent.
SIZES_AT_ONCE = len(QUESTIONS) // 2
PIECE = 512       # Bytes that a port takes within a second, or it takes none.


class NoAnswer(UserError):
    """A request was sent again and again, and was not answered."""


class Port(Protocol):
    """What is needed of a serial port; pyserial's is one."""

    timeout: float | None
    write_timeout: float | None

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...


class Asking:
    """Requests of one kind to one board.

    Parameters
    ----------
    port : :class:`Port`
        The board is at its other end. Nothing of this kind is on its way there: make one object
        for a port, and :func:`identify` the board before.
    sequences : sequence of int
        Sequence numbers of this kind, such as :data:`CODES`.
    at_once : int, optional
        Requests under way at the most: half as many as there are numbers, or less.
    patience : float
        Seconds without an answer after which requests are sent again.

    Attributes
    ----------
    repeated : int
        Requests that were sent once more.
    """

    def __init__(self, port: Port, sequences: Sequence[int], *, at_once: int | None = None,
                 patience: float = PATIENCE) -> None:
        self.port, self.sequences, self.patience = port, sequences, patience
        self.at_once = at_once or len(sequences) // 2
        self.repeated = 0
        self._next = 0
        self._is_in_step, self._steps = True, [*STEPS]
        self._unwrapper = frame.Unwrapper(frame.fcs16)

    def ask(self, requests: Iterable[Request]) -> Iterator[int]:
        """Send requests, each made for the sequence number that it gets; return the second byte of
        the answer to each, in their order.

        Raises
        ------
        NoAnswer
            One of them was sent :data:`ATTEMPTS` times.
        OSError
            The port has failed, or takes no bytes.
        """
        self.port.timeout = self.port.write_timeout = self.patience
        source = self._numbered(self._in_step(iter(requests)))
        under_way: dict[int, bytes] = {}    # In the order in which they were last sent.
        values: dict[int, int] = {}         # Of those whose turn has not come.
        begin, tries = self._next, Counter[int]()
        lost: dict[int, None] = {}
        heard = time.monotonic()
        while True:
            fresh = dict(islice(source, self.at_once - len(under_way) - len(values)))
            under_way |= fresh
            if not under_way:
                self._is_in_step = True
                return
            _send(self.port, [under_way[number] for number in [*lost, *fresh]])
            lost, received = {}, self._read()
            for number, value in self._answers(received, begin):
                if number in under_way:
                    for earlier in takewhile(number.__ne__, list(under_way)):
                        under_way[earlier] = under_way.pop(earlier)
                        lost[earlier] = None
                    del under_way[number]
                    lost.pop(number, None)    # A copy of it had come later.
                    values[number] = value
                    heard = time.monotonic()
            if not received or time.monotonic() > heard + self.patience:
                lost, heard = dict.fromkeys(under_way), time.monotonic()
            self._count([*lost], tries)
            while begin in values:
                yield values.pop(begin)
                begin += 1

    def _in_step(self, requests: Iterator[Request]) -> Iterator[Request]:
        """Return the requests, the first after all that an earlier call has sent is out of the way.

        From then on this call is one that broke off, until it ends well.
        """
        for first in requests:
            if not self._is_in_step:
                step = Asking(self.port, self._steps[:1], at_once=1, patience=self.patience)
                list(step.ask([first]))
                self.repeated += step.repeated
                self._steps.reverse()
                # What it holds of a frame is older.
                self._unwrapper = frame.Unwrapper(frame.fcs16)
            self._is_in_step = False
            yield from chain([first], requests)

    def _numbered(self, requests: Iterable[Request]) -> Iterator[tuple[int, bytes]]:
        """Number requests, on from those of earlier calls, of which an answer may yet come."""
        for make in requests:
            number, self._next = self._next, self._next + 1
            yield number, make(self.sequences[number % len(self.sequences)])

    def _count(self, lost: Sequence[int], tries: Counter[int]) -> None:
        """Count what will be sent once more; raise :exc:`NoAnswer` if that was done too often."""
        tries.update(lost)
        self.repeated += len(lost)
        if any(tries[number] >= ATTEMPTS for number in lost):
            raise NoAnswer(f"A request was sent {ATTEMPTS} times and not answered")

    def _read(self) -> bytes:
        """Wait for bytes, but not for ever."""
        return self.port.read(max(1, self.port.in_waiting))

    def _answers(self, received: bytes, begin: int) -> Iterator[tuple[int, int]]:
        """Return number and value of each answer of this kind that ends in what was received."""
        for content in self._unwrapper.feed(received):
            answer = frame.parse_answer(content)
            if answer and answer[0] in self.sequences:
                count = len(self.sequences)
                yield begin + (self.sequences.index(answer[0]) - begin) % count, answer[1]


def _send(port: Port, frames: Sequence[bytes]) -> None:
    """Write frames in pieces: a port's deadline for writing is for each of them."""
    count = max(1, PIECE // max(map(len, frames), default=PIECE))
    for begin in range(0, len(frames), count):
        port.write(b"".join(frames[begin:begin + count]))


def identify(port: Port, sizes: Sequence[int], *, patience: float = PATIENCE) -> Identity:
    """Ask a board what it is.

    Parameters
    ----------
    sizes : sequence of int
        Bytes that its codes may have, which a request must have too.
    patience : float
        Seconds without an answer after which there is none.

    Raises
    ------
    NoAnswer
        There is none, or none that a board gives.
    OSError
        The port has failed, or takes no bytes.
    """
    size = sizes[0] if len(sizes) == 1 else _size(port, sizes, patience)
    question = partial(frame.question, n_code=size)
    # One after the other: of a board that must wait for its host nothing is known yet.
    first, = Asking(port, QUESTIONS[:1], at_once=1, patience=patience).ask([question])
    others = [*QUESTIONS[1:identity.length(first)]]
    random.SystemRandom().shuffle(others)
    if others[-1] in STEPS:    # Copies of the last one may be on their way when it is answered.
        others.reverse()
    values = Asking(port, others, at_once=1, patience=patience).ask([question] * len(others))
    said = dict(zip(others, values))
    try:
        return Identity.from_bytes(bytes([first, *(said[number] for number in sorted(said))]))
    except ValueError as error:
        raise NoAnswer(f"What answers is no board: {error}") from None


def _size(port: Port, sizes: Sequence[int], patience: float) -> int:
    """Find the size of request that a board answers: many at a time, each with a number of its
    own, which is none of those just before: their answer may be late."""
    tried: dict[int, int] = {}
    for begin in range(0, len(sizes), SIZES_AT_ONCE):
        numbers = QUESTIONS[begin % len(QUESTIONS):][:SIZES_AT_ONCE]
        batch = dict(zip(numbers, sizes[begin:begin + SIZES_AT_ONCE]))
        tried |= batch
        port.write_timeout = patience
        _send(port, [frame.question(*each) for each in batch.items()])
        unwrapper, end = frame.Unwrapper(frame.fcs16), time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            port.timeout = left
            if not (received := port.read(max(1, port.in_waiting))):
                break
            for content in unwrapper.feed(received):
                answer = frame.parse_answer(content)
                if answer and answer[0] in tried:
                    return tried[answer[0]]
    raise NoAnswer(f"No request for a code of {min(sizes)} to {max(sizes)} bytes was answered")


def speed(baud: int, link: str) -> str:
    """Return what a person reads of a link's speed in bits per second.

    >>> speed(3_000_000, "uart"), speed(24_000_000, "spi")
    ('3,000,000 baud', '24 MHz of SPI')
    """
    return f"{baud / 1e6:g} MHz of SPI" if link == "spi" else f"{baud:,} baud"


def unopened(port: str, error: OSError) -> str:
    """Say that a port cannot be opened, why, and what to do.

    >>> unopened("/dev/nope", FileNotFoundError(2, "could not open port /dev/nope"))
    '/dev/nope cannot be opened, No such file or directory: python -m sw.classify --list shows the \
serial ports of this computer'
    """
    why = os.strerror(error.errno) if error.errno else str(error)
    do = ("your user must be in the group that this file belongs to, often dialout"
          if error.errno == EACCES else
          "python -m sw.classify --list shows the serial ports of this computer")
    return f"{port} cannot be opened, {why}: {do}"
