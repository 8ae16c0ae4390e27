"""Put other weights into a bitstream, without place and route: ``python -m hw.patch``.

All that a folded engine knows of its network lies in block RAMs. Which RAM holds what is told by
its contents: those of the network that the bitstream was built for are known.
"""

import argparse
import sys
from pathlib import Path

from sw.golden import networks
from sw.terminal import runs
from sw.terminal.command import Parser, command

__all__ = ["main"]


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m hw.patch", description=__doc__)
    parser.add_argument("build", metavar="BUILD", type=Path,
                        help="folder of a bitstream that python -m hw.build made")
    parser.add_argument("--network", metavar="FILE", type=Path,
                        help="network file or run folder whose weights to put in (default: the "
                             "newest run)")
    parser.add_argument("--out", metavar="DIR", type=Path,
                        help="folder of the new bitstream (default: build/BOARD beside the "
                             "network)")
    return parser.parse_args(argv)


@command("there is no new bitstream")
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    # Imported here: --help needs no Amaranth.
    from hw.flow.built import Built
    from hw.flow.patching import patch

    file = runs.network_file(args.network)
    network, built = networks.load(file), Built.load(args.build)
    out = args.out or file.parent / "build" / built.board.name
    patch(built, network, out)
    print(f"put {network} of {file} into {out / built.family.bitstream}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
