"""Load another network into a board that runs already: ``python -m hw.load BUILD --port PORT``.

The bitstream must be one that ``python -m hw.build --reloadable`` made; what is loaded is lost with
the power.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import serial
from tqdm import tqdm

from hw.blocks.loader import Layout
from hw.engine import memories
from hw.flow.built import Built
from hw.plan.folding import Folding
from sw.golden import frame, networks
from sw.golden.asking import LOADS, Asking, NoAnswer, Request, identify, unopened
from sw.golden.bits import n_bytes
from sw.golden.errors import UserError
from sw.golden.network import Network
from sw.terminal import runs
from sw.terminal.command import Parser, command

__all__ = ["LoadError", "check", "load", "main", "requests"]


class LoadError(UserError):
    """A network cannot be loaded; the message says why and what to do."""


def requests(network: Network, plan: Folding) -> list[Request]:
    """Return what makes the frames that load a network, each for a sequence number."""
    layout = Layout(memories(network, plan))
    return [partial(frame.load, address=address, words=words, n_in=network.n_in)
            for address, words in layout.loads(network.n_in)]


def load(port: serial.Serial, network: Network, plan: Folding) -> int:
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
    found = identify(port, [n_bytes(built.network.n_in)])
    if found.build != built.identity.build:
        raise LoadError(f"{built.folder} is not what runs at {port.port}, which says that it is "
                        f"{found}: give the folder of its build, or flash the board with "
                        "python -m hw.build --program")


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m hw.load", description=__doc__)
    parser.add_argument("build", metavar="BUILD", type=Path,
                        help="folder that python -m hw.build --reloadable made the bitstream in")
    parser.add_argument("--network", metavar="FILE", type=Path,
                        help="network file or run folder to load (default: the newest run)")
    parser.add_argument("--port", metavar="PORT", required=True,
                        help="serial port of the board, such as /dev/ttyUSB1")
    return parser.parse_args(argv)


@command("the board holds a part of the network: run it again")
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    network = networks.load_dense(runs.network_file(args.network), "hw.load")
    built = Built.load(args.build)
    if not built.report.reloadable:
        raise LoadError(f"{args.build} holds a bitstream that cannot be loaded: build it with "
                        "python -m hw.build --reloadable")
    if network.signature != built.network.signature:
        raise LoadError(f"{args.build} is for {built.network} networks, not {network}: build "
                        "one for this shape with python -m hw.build --reloadable")
    try:
        with opened(args.port, built.board.baud) as port:
            check(port, built)
            begun = time.monotonic()
            repeated = load(port, network, built.plan)
    except NoAnswer:
        raise LoadError(f"The board at {args.port} does not answer: it must have been programmed "
                        "with a bitstream for this shape") from None
    print(f"loaded {network} into the board at {args.port} in "
          f"{1e3 * (time.monotonic() - begun):.0f} ms, {repeated} frames sent twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
