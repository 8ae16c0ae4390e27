"""Build many networks, and other makers' engines, and line them up: ``python -m hw.bench``."""

import argparse
import json
import sys
from pathlib import Path

from sw.golden.network import atomic_write
from sw.terminal import markdown
from sw.terminal.command import Parser, command

__all__ = ["main"]


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a positive whole number, not {text!r}")
    return int(text)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m hw.bench", description=__doc__)
    parser.add_argument("which", nargs="?", default="boards",
                        choices=("boards", "clocks", "fit", "front", "processor", "unseen",
                                 "stages", "rivals"),
                        help="boards: that of docs/boards.md; clocks: each board's usual clock and "
                             "the best; fit, unseen: random designs for the prediction of costs; "
                             "stages: the same of serial engines; front: runs on an icestick; "
                             "processor: 200-128-10 on a core of this computer; "
                             "rivals: the hard-wired engine beside da4ml's (default: %(default)s)"
                        )
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="*",
                        help="with front: folders of sw.train, and trees of sw.experiments.trees")
    parser.add_argument("--designs", metavar="N", type=_positive, default=20,
                        help="random designs of each family, for unseen and stages (default: "
                             "%(default)s)")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("build/bench"),
                        help="folder of all builds; what is there is not built again "
                             "(default: %(default)s)")
    parser.add_argument("--readme", metavar="FILE", type=Path,
                        help="put the table of boards, clocks, front or rivals between the "
                             "markers of this file, and the picture of boards into pictures/ "
                             "beside it")
    parser.add_argument("--seeds", metavar="N", type=_positive, default=5,
                        help="placement seeds of each design of the table of boards "
                             "(default: %(default)s)")
    parser.add_argument("--jobs", metavar="N", type=_positive, default=2,
                        help="builds at a time (default: %(default)s)")
    args = parser.parse_args(argv)
    if (args.which == "front") != bool(args.runs):
        parser.error("front takes folders of runs, and nothing else does: hw.bench front RUN ...")
    return args


@command("what was built is kept: run it again to go on")
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    # Imported here: --help needs no Amaranth.
    from hw.flow.compared import front, processor
    from hw.flow.compared import plots as plot
    from hw.flow.compared.cases import SHAPE, network_of, of_boards, of_costs
    from hw.flow.compared.comparison import (
        clock_rows,
        fitted,
        form_rows,
        hits,
        readme_table,
        rows,
        table,
    )
    from hw.plan.cost import FABRICS

    if args.which == "rivals":
        show("rivals", markdown.table(["layer", "form", "cells", "cells a synapse"],
                                      list(form_rows(args.out))), args.readme)
        return 0
    if args.which == "front":
        found = front.designs(args.runs, args.out)
        show("front", markdown.table(front.heading(found), front.rows(found)), args.readme)
        return 0
    if args.which == "processor":
        seconds = processor.inference(network_of(SHAPE))
        print(f"{SHAPE} on one core of {processor.name()}, with AVX2: {1 / seconds:,.0f} "
              "inferences/s, all golden's")
        return 0
    if args.which == "clocks":
        show("clocks", markdown.table(
            ["board", "folding", "usual clock, MHz", "best, MHz", "gain", "Fmax", "inferences/s"],
            list(clock_rows(args.out))), args.readme)
        return 0
    cases = of_boards(args.seeds) if args.which == "boards" else of_costs(
        args.which, 10 if args.which == "fit" else args.designs)
    measured = list(rows(cases, args.out, args.jobs))
    args.out.mkdir(parents=True, exist_ok=True)
    atomic_write(args.out / f"{args.which}.json", json.dumps(measured, indent=1).encode())
    print(table(measured))
    if args.which == "boards":
        folder = args.readme.parent / "pictures" if args.readme else args.out
        plot.draw_boards(measured, folder / "boards.png")
        show("boards", readme_table([row for row in measured if "failed" not in row]),
             args.readme)
    if args.which in ("unseen", "stages"):
        print(*(hits(measured, family) for family in FABRICS), sep="\n")
    if args.which == "fit":
        for family in FABRICS:
            print(f"{family}: {fitted(measured, family)}")
    return 0


def show(which: str, text: str, readme: Path | None) -> None:
    """Put a table into a page, or print it."""
    if readme is None:
        print(text)
    else:
        markdown.rewrite(readme, text, f"hw.bench {which}")


if __name__ == "__main__":
    sys.exit(main())
