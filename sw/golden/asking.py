"""Asking a board through its serial port: many requests under way, so that the wire is never idle.

A board answers in the order of the requests. So what was sent before a request that is answered,
and is not, is lost, and is asked again at once; a silence makes all that are under way go again.
The numbers under way span no more than half of those that tell them apart: if a request was sent
twice, its second answer comes before its number means another.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, takewhile
from typing import Protocol

from . import frame, identity
from .errors import UserError
from .identity import Identity

__all__ = ["CODES", "LOADS", "QUESTIONS", "Asking", "NoAnswer", "Port", "Request", "identify"]

# Sequence numbers of each kind of request.
CODES = range(frame.N_SEQUENCES)
LOADS = range(frame.N_SEQUENCES, frame.QUESTIONS)
QUESTIONS = range(frame.QUESTIONS, 256)

Request = Callable[[int], bytes]    # Makes the frame for a sequence number.

PATIENCE = 1.0    # Seconds without an answer after which requests are sent again.
ATTEMPTS = 5      # Times that a request is sent.
SIZES_AT_ONCE = 32


class NoAnswer(UserError):
    """A request was sent again and again, and was not answered."""


class Port(Protocol):
    """What is needed of a serial port; pyserial's is one."""

    timeout: float | None

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...


class Asking:
    """Requests of one kind to one board.

    Parameters
    ----------
    port : :class:`Port`
        The board is at its other end.
    sequences : range
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

    def __init__(self, port: Port, sequences: range, *, at_once: int | None = None,
                 patience: float = PATIENCE) -> None:
        self.port, self.sequences, self.patience = port, sequences, patience
        self.at_once = at_once or len(sequences) // 2
        self.repeated = 0
        self._next = 0
        self._unwrapper = frame.Unwrapper(frame.fcs16)

    def ask(self, requests: Iterable[Request]) -> Iterator[int]:
        """Send requests, each made for the sequence number that it gets; give the second byte of
        the answer to each, in their order.

        Raises
        ------
        NoAnswer
            One of them was sent :data:`ATTEMPTS` times.
        """
        source = self._numbered(requests)
        under_way: dict[int, bytes] = {}    # In the order in which they were last sent.
        values: dict[int, int] = {}         # Of those whose turn has not come.
        begin, lost, tries = self._next, list[int](), Counter[int]()
        heard = time.monotonic()
        while True:
            fresh = dict(islice(source, self.at_once - len(under_way) - len(values)))
            under_way |= fresh
            if not under_way:
                return
            self._send([under_way[number] for number in [*lost, *fresh]])
            lost, received = [], self._read()
            for number, value in self._answers(received, begin):
                if number in under_way:
                    for earlier in takewhile(number.__ne__, list(under_way)):
                        under_way[earlier] = under_way.pop(earlier)
                        lost.append(earlier)
                    del under_way[number]
                    values[number] = value
                    heard = time.monotonic()
            if not received or time.monotonic() > heard + self.patience:
                lost, heard = list(under_way), time.monotonic()
            self._count(lost, tries)
            while begin in values:
                yield values.pop(begin)
                begin += 1

    def _numbered(self, requests: Iterable[Request]) -> Iterator[tuple[int, bytes]]:
        """Number requests, on from those of earlier calls, of which an answer may yet come."""
        for make in requests:
            number, self._next = self._next, self._next + 1
            yield number, make(self.sequences[number % len(self.sequences)])

    def _send(self, frames: Sequence[bytes]) -> None:
        if frames:
            self.port.write(b"".join(frames))

    def _count(self, lost: Sequence[int], tries: Counter[int]) -> None:
        """Count what will be sent once more; raise :exc:`NoAnswer` if that was done too often."""
        tries.update(lost)
        self.repeated += len(lost)
        if any(tries[number] >= ATTEMPTS for number in lost):
            raise NoAnswer(f"A request was sent {ATTEMPTS} times and not answered")

    def _read(self) -> bytes:
        """Wait for bytes, but not for ever."""
        self.port.timeout = self.patience
        return self.port.read(max(1, self.port.in_waiting))

    def _answers(self, received: bytes, begin: int) -> Iterator[tuple[int, int]]:
        """Give number and value of each answer of this kind that ends in what was received."""
        for content in self._unwrapper.feed(received):
            answer = frame.parse_answer(content)
            if answer and answer[0] in self.sequences:
                count = len(self.sequences)
                yield begin + (answer[0] - self.sequences[0] - begin) % count, answer[1]


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
        There is none.
    """
    size = sizes[0] if len(sizes) == 1 else _size(port, sizes, patience)
    question = partial(frame.question, n_code=size)
    # One after the other: of a board that must wait for its host nothing is known yet.
    asking = Asking(port, QUESTIONS, at_once=1, patience=patience)
    first, = asking.ask([question])
    others = asking.ask([question] * (identity.length(first) - 1))
    return Identity.from_bytes(bytes([first, *others]))


def _size(port: Port, sizes: Sequence[int], patience: float) -> int:
    """Find the size of request that a board answers: many at a time, each with a number of its
    own."""
    port.timeout = patience
    for begin in range(0, len(sizes), SIZES_AT_ONCE):
        tried = dict(zip(QUESTIONS, sizes[begin:begin + SIZES_AT_ONCE]))
        port.write(b"".join(frame.question(*each) for each in tried.items()))
        unwrapper = frame.Unwrapper(frame.fcs16)
        while received := port.read(max(1, port.in_waiting)):
            for content in unwrapper.feed(received):
                answer = frame.parse_answer(content)
                if answer and answer[0] in tried:
                    return tried[answer[0]]
    raise NoAnswer(f"No request for a code of {min(sizes)} to {max(sizes)} bytes was answered")
