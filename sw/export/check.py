"""Compare a run's trained model with its network file: ``python -m sw.export.check --network RUN``.

Each neuron is asked about every sum it can have, and the whole model about every test code.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ..terminal.command import Parser, command, fail


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: equal; 1: not; 2: it could not be found out."""
    parser = Parser(prog="python -m sw.export.check", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", metavar="RUN", type=Path, required=True,
                        help="folder of a finished run")
    args = parser.parse_args(argv)
    # Imported here: --help needs no torch.
    from ..models.exact import ExportError
    from .equality import check

    try:
        print(json.dumps(check(args.network)))
        return 0
    except ExportError as error:
        return fail(error, 1)


if __name__ == "__main__":
    sys.exit(main())
