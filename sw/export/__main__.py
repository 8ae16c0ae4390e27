"""Write a run for other programs: ``python -m sw.export RUN --to DIR``.

What is written: the network as QONNX, test inputs with what must come out, the encoder of a
hybrid network as ONNX, and C for a microcontroller that asks a board.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..terminal.command import Parser, command

if TYPE_CHECKING:
    from .interchange import Handed

__all__ = ["main"]


def table(handed: "Handed", to: Path) -> str:
    """Say what was written, and each bit that differs."""
    n_bits, wrong = handed.n_images * handed.n_bits, handed.differences
    lines = [f"{to / 'encoder.onnx'}: in ONNX Runtime {len(wrong)} of {n_bits:,} bits of the test "
             "images differ"] if n_bits else []
    lines += [f"  image {each.image}, bit {each.bit}: logit {each.torch:.1e} in PyTorch, "
              f"{each.onnx:.1e} in ONNX Runtime" for each in wrong]
    if wrong:
        lines.append(f"  the class of {handed.n_classes_changed} of these images is another")
    return "\n".join([*lines, f"{to / 'network.onnx'}: {handed.network}, equal on all "
                              f"{handed.n_images:,} test {handed.kind}",
                      f"{to / 'vectors.json'}: test {handed.kind} with their scores and classes",
                      f"{to / 'hybnn.c'}: asks a board from a microcontroller, with network.h"])


@command()
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m sw.export", description="Write a run for other programs: "
                    "encoder.onnx, network.onnx, vectors.json and hybnn.c.")
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a finished run")
    parser.add_argument("--to", metavar="DIR", type=Path, required=True,
                        help="folder to write into, made if it is not there")
    parser.add_argument("--data-dir", metavar="DIR", type=Path,
                        default=os.environ.get("HYBNN_DATA"),
                        help="as for python -m sw.train (default: $HYBNN_DATA, then the run's)")
    args = parser.parse_args(argv)
    # Imported here: --help needs none of it.
    import torch

    from .interchange import hand_over

    torch.set_num_threads(1)    # As in training: other sums would round in another way.
    print(table(hand_over(args.run, args.to, args.data_dir and Path(args.data_dir)), args.to))
    return 0


if __name__ == "__main__":
    sys.exit(main())
