"""Terminals: one at which golden answers as a board would, quicker than any simulation, and others
at which no board is."""

import os
import select
import signal
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from sw.golden import forward, frame
from sw.golden.bits import n_bytes
from sw.golden.identity import Digest, Identity
from sw.golden.network import Network


@contextmanager
def golden_line(network: Network, identity: Identity, lost=frozenset(), stalled=None,
                counts=None, before=b"") -> Iterator[str]:
    """Return the name of the terminal; the codes with these numbers are lost, and ``before`` lies
    there already.

    While the event ``stalled`` is set, it answers nothing; then, everything in order. ``counts``
    becomes the list of how many requests came at once.
    """
    board, host = os.openpty()
    tty.setraw(host)
    os.write(board, before)
    ended = threading.Event()
    thread = threading.Thread(target=_serve, args=(
        board, network, identity, lost, stalled or threading.Event(), counts, ended))
    thread.start()
    try:
        yield os.ttyname(host)
    finally:
        ended.set()
        thread.join()
        os.close(board)
        os.close(host)


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fail what takes longer, and does not end by itself."""
    def fail(*_):
        pytest.fail(f"It took more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def stranger(says: bytes = b"", *, reads: bool = True, lives: bool = True) -> Iterator[str]:
    """Return the name of a terminal where something says the same for ever and reads, or does not
    read, or is no longer there."""
    board, host = os.openpty()
    tty.setraw(host)
    os.set_blocking(board, False)
    ended, name = threading.Event(), os.ttyname(host)
    thread = threading.Thread(target=_talk, args=(board, says, reads, ended))
    thread.start()
    if not lives:
        ended.set()
        thread.join()
        os.close(board)
    try:
        yield name
    finally:
        ended.set()
        thread.join()
        os.close(host)
        if lives:
            os.close(board)


def _talk(board, says, reads, ended):
    while not ended.wait(0.001):
        with suppress(BlockingIOError):
            if says:
                os.write(board, says)
        with suppress(BlockingIOError):
            while reads and os.read(board, 4096):
                pass


def _serve(board, network, identity, lost, stalled, counts, ended):
    unwrapper, said, n_codes = frame.Unwrapper(frame.fcs32), identity.to_bytes() + bytes(64), 0
    is_serial = isinstance(identity.shape, Digest)
    n_question = frame.n_short(network.n_in) if is_serial else n_bytes(network.n_in)
    while not ended.is_set():
        if not select.select([board], [], [], 0.05)[0]:
            continue
        heard = os.read(board, 4096)
        while stalled.is_set() and not ended.wait(0.01):
            with suppress(BlockingIOError):
                heard += os.read(board, 4096) if select.select([board], [], [], 0)[0] else b""
        contents = [*unwrapper.feed(heard)]
        if counts is not None:
            counts.append(len(contents))
        for content in contents:
            if content[0] >= frame.QUESTIONS and len(content) == 1 + n_question:
                os.write(board, frame.answer(content[0], said[content[0] & 63]))
            if content[0] >= frame.QUESTIONS or len(content) != 1 + n_bytes(network.n_in):
                continue
            if n_codes not in lost:
                sequence, code = frame.parse_request(content, network.n_in)
                os.write(board, frame.answer(sequence, forward.classify(network, code)))
            n_codes += 1
