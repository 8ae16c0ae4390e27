"""Make a network file of plain arrays: ``python -m sw.importing weights.npz --shape 12-5-3``.

The arrays are described in :mod:`sw.golden.weights`.
"""

import argparse
import sys
from pathlib import Path

from .golden.errors import UserError
from .golden.stages import Signature
from .golden.weights import RULES, network_of
from .images.arrays import read_npz
from .terminal.command import Parser, command

__all__ = ["main"]


def _signature(text: str) -> Signature:
    try:
        return Signature.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@command("there is no network")
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error."""
    parser = Parser(prog="python -m sw.importing", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arrays", metavar="FILE", type=Path,
                        help="NPZ file with L.weights and L.thresholds of each stage L")
    parser.add_argument("--shape", metavar="STAGES", type=_signature, required=True,
                        help="input and stages, like 32x32x3:8-64b0-64b0p-d512-10")
    parser.add_argument("--rule", choices=tuple(RULES), default="sum",
                        help="what a threshold is compared with: the sum of weights times inputs, "
                             "the count of matches, or as BNN-PYNQ does it (default: %(default)s)")
    parser.add_argument("--to", metavar="FILE", type=Path, default=Path("network.safetensors"),
                        help="where the network goes (default: %(default)s)")
    args = parser.parse_args(argv)
    if args.to.suffix != ".safetensors":
        raise UserError(f"a network file must end in .safetensors, not {args.to.name!r:.40}")
    network = network_of(read_npz(args.arrays), args.shape, args.rule)
    args.to.parent.mkdir(parents=True, exist_ok=True)
    network.save(args.to)
    print(f"{args.to} is {network}: {network.n_weights:,} weights")
    return 0


if __name__ == "__main__":
    sys.exit(main())
