"""Climb from the trained network to the bits in its bitstream: ``python -m sim.verify``.

Each rung is an equality with sw.golden, the reference arithmetic:

  1  the trained model in PyTorch: every sum of every neuron, the class of every test code
  2  Amaranth's simulator: networks at the edges of what is possible, and this one
  3  the generated Verilog under Verilator: every test code, through link, layers and readout
  4  the generated Verilog under Icarus
  5  the netlist after synthesis for a board, driven through its serial wires
  6  the bitstream, turned back into logic, likewise; on an ECP5 the placed netlist that packs to it
  7  properties proven for all inputs
  8  the network as QONNX, in the executor of the qonnx package

Without a board: 1 to 4, 7 and 8. With one, rungs 2 to 6 look at what is built for it: its folding
or its hard-wired engine, whether it is reloadable, what it says of itself.

What a rung needs and is not there leaves it out, with the reason; a rung that was asked for must be
climbed. A network file without codes beside it gets random ones. Of an ONNX file, rung 8 executes
that file.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sw.terminal.command import Parser, command

__all__ = ["main"]

# Of sim.rungs.
N_RUNGS = 8
SAMPLES = "5 in rung 2, 20 in rung 4, 40 in rung 5, 100 in rung 6"


def _rungs(text: str) -> list[int]:
    """Read ``1-4,7``."""
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()):
            raise argparse.ArgumentTypeError(f"must be like 3 or 1-4,7, not {text!r}")
        numbers += range(int(first), int(last or first) + 1)
    if not numbers or not set(numbers) <= set(range(1, N_RUNGS + 1)):
        raise argparse.ArgumentTypeError(f"must be of 1 to {N_RUNGS}, not {text!r}")
    return numbers


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m sim.verify", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", metavar="RUN_OR_FILE", type=Path,
        help="folder of a run, network file or ONNX file (default: the newest run in runs/)")
    parser.add_argument("--board", metavar="NAME",
        help="look at what is built for it: its build in the run's folder is taken, or made")
    parser.add_argument("--fold", metavar="PExSIMD,...",
        help="look at this folding, or 'serial 1x16', or hardwired, as for python -m hw.build "
             "(default: the board's, without one a neuron at a time, or 'serial 4x32' for stages)")
    parser.add_argument("--reloadable", action="store_true",
        help="look at an accelerator that can be loaded, as for python -m hw.build")
    parser.add_argument("--rungs", metavar="LIST", type=_rungs,
        help="rungs to climb, like 3 or 1-4,7 (default: all, without a board 1-4,7,8)")
    how_many = parser.add_mutually_exclusive_group()
    how_many.add_argument("--limit", metavar="N", type=int,
        help="ask for the first N codes in each rung (default: all in rungs 1, 3 and 8, else "
             f"{SAMPLES}; fewer images of stages, which take long)")
    how_many.add_argument("--only", metavar="INDEX", type=int,
        help="ask for this code alone and keep the waves of it in the run's folder")
    return parser.parse_args(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: all equal; 1: not; 2: it could not be found out."""
    args, results = parse_args(argv), []
    # Imported here: --help needs no Amaranth.
    from sim.ladder import VerifyError, choose, climb, judge, make_ladder, table, write

    try:
        ladder, rungs = make_ladder(args), choose(args.rungs, args.board)
        try:
            for result in climb(ladder, rungs):
                results.append(result)
        finally:
            # Minutes of work stay to be read, whatever stops the next rung.
            if results:
                print(table(ladder, results), flush=True)
        write(ladder, results)
        return judge(results, asked_for=args.rungs is not None)
    except ValueError as error:    # Of a network that no engine can be made of.
        raise VerifyError(str(error)) from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{len(results)} rungs were climbed") from None


if __name__ == "__main__":
    sys.exit(main())
