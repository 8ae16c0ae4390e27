"""A terminal at which golden answers as a board would: quicker than any simulation."""

import os
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from sw.golden import forward, frame
from sw.golden.bits import n_bytes
from sw.golden.identity import Identity
from sw.golden.network import Network


@contextmanager
def golden_line(network: Network, identity: Identity, lost=frozenset()) -> Iterator[str]:
    """Give the name of the terminal; the codes with these numbers are lost."""
    board, host = os.openpty()
    tty.setraw(host)
    ended = threading.Event()
    thread = threading.Thread(target=_serve, args=(board, network, identity, lost, ended))
    thread.start()
    try:
        yield os.ttyname(host)
    finally:
        ended.set()
        thread.join()
        os.close(board)
        os.close(host)


def _serve(board, network, identity, lost, ended):
    unwrapper, said, n_codes = frame.Unwrapper(frame.fcs32), identity.to_bytes() + bytes(64), 0
    while not ended.is_set():
        if not select.select([board], [], [], 0.05)[0]:
            continue
        for content in unwrapper.feed(os.read(board, 4096)):
            if len(content) != 1 + n_bytes(network.n_in):
                continue
            if content[0] >= frame.QUESTIONS:
                os.write(board, frame.answer(content[0], said[content[0] & 63]))
                continue
            if n_codes not in lost:
                sequence, code = frame.parse_request(content, network.n_in)
                os.write(board, frame.answer(sequence, forward.classify(network, code)))
            n_codes += 1
