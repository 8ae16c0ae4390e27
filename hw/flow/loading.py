"""Another network into a board that runs already, through its serial port."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import serial
from tqdm import tqdm

from hw.blocks.loader import Layout
from hw.engines import memories
from hw.flow.built import Built
from hw.plan.plans import Plan
from sw.golden import frame
from sw.golden.asking import LOADS, Asking, Request, identify, unopened
from sw.golden.bits import n_bytes
from sw.golden.errors import UserError
from sw.golden.network import Network

__all__ = ["LoadError", "check", "load", "opened", "requests"]


class LoadError(UserError):
    """A network cannot be loaded; the message says why and what to do."""


def requests(network: Network, plan: Plan) -> list[Request]:
    """Return what makes the frames that load a network, each for a sequence number."""
    layout = Layout(memories(network, plan, reloadable=True))
    n_in = frame.SHORT if plan.is_serial else network.n_in
    return [partial(frame.load, address=address, words=words, n_in=n_in)
            for address, words in layout.loads(n_in)]


def load(port: serial.Serial, network: Network, plan: Plan) -> int:
    """Load a network through an open port; return the number of frames that were sent twice.

    :func:`check` the port before: an answer to an older load would pass for one to this.

    Raises
    ------
    NoAnswer
        The board does not answer.
    """
    asking = Asking(port, LOADS)
    frames = requests(network, plan)
    for _ in tqdm(asking.ask(frames), total=len(frames), unit="frame", disable=None, leave=False):
        pass
    return asking.repeated


@contextmanager
def opened(name: str, baud: int) -> Iterator[serial.Serial]:
    """Open a port for a while; raise :exc:`LoadError` if that cannot be, or if it takes no
    bytes."""
    try:
        port = serial.Serial(name, baud)
    except OSError as error:
        raise LoadError(unopened(name, error)) from error
    with port:
        try:
            yield port
        except serial.SerialTimeoutException:
            port.reset_output_buffer()    # To close it would wait for them.
            raise LoadError(f"{name} takes no bytes: does something else use it, or is it no "
                            "serial port of a board?") from None


def check(port: serial.Serial, built: Built) -> None:
    """Raise :exc:`LoadError` unless what runs at the port is what was built, or like it."""
    n_in = built.network.n_in
    found = identify(port, [frame.n_short(n_in) if built.plan.is_serial else n_bytes(n_in)])
    if found.build != built.identity.build:
        raise LoadError(f"{built.folder} is not what runs at {port.port}, which says that it is "
                        f"{found}: give the folder of its build, or flash the board with "
                        "python -m hw.build --program")
