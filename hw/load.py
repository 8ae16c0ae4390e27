"""Load another network into a board that runs already: ``python -m hw.load BUILD --port PORT``.

The bitstream must be one that ``python -m hw.build --reloadable`` made; what is loaded is lost with
the power.
"""

import argparse
import sys
import time
from pathlib import Path

from sw.golden import networks
from sw.golden.asking import NoAnswer
from sw.terminal import runs
from sw.terminal.command import Parser, command

__all__ = ["main"]


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
    # Imported here: --help needs no Amaranth.
    from hw.flow.built import Built
    from hw.flow.loading import LoadError, check, load, opened

    network = networks.load(runs.network_file(args.network))
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
