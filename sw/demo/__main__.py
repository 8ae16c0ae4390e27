"""Draw a character and watch it become bits and a class: ``python -m sw.demo``.

The page is at an address of this computer alone. Golden answers, and with ``--port`` a board too, a
real one or that of ``python -m sim.board``.
"""

import argparse
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ..terminal import runs
from ..terminal.command import Parser, command

HOST = "127.0.0.1"       # No other computer's business.


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m sw.demo", description=__doc__)
    add = parser.add_argument
    add("--network", metavar="RUN", type=Path, help="folder of a run (default: the newest run)")
    add("--port", metavar="PORT",
        help="serial port of a board with this network, or the link of python -m sim.board")
    add("--http", metavar="N", type=int, default=8000,
        help="port of the page's address, 0 for any that is free (default: %(default)s)")
    return parser.parse_args(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    # Imported here: --help needs none of it.
    import torch

    from ..host.board import Board
    from .app import Demo, app
    from .server import server

    torch.set_num_threads(1)
    run = runs.network_file(args.network).parent
    with ExitStack() as stack:
        demo = Demo(run)
        if args.port:
            demo.take(stack.enter_context(Board(args.port, demo.network.n_in)))
        listening = stack.enter_context(socket.create_server((HOST, args.http)))
        print(f"draw at http://{HOST}:{listening.getsockname()[1]} and end it with Ctrl-C",
              flush=True)
        server(app(demo)).run([listening])
    return 0


if __name__ == "__main__":
    sys.exit(main())
