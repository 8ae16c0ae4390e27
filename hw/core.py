"""Write a core for your own design: ``python -m hw.core --network FILE --out DIR``."""

import argparse
import sys
from pathlib import Path

from sw.golden import networks
from sw.terminal import runs
from sw.terminal.command import Parser, command

__all__ = ["main"]


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m hw.core", description=__doc__)
    parser.add_argument("--network", metavar="FILE", type=Path,
                        help="network file or run folder (default: the newest run)")
    parser.add_argument("--out", metavar="DIR", type=Path,
                        help="folder of the core (default: core/NAME beside the network)")
    parser.add_argument("--name", metavar="NAME", default="hybnn_core",
                        help="name of the module (default: %(default)s)")
    parser.add_argument("--fold", metavar="PExSIMD,...",
                        help="neurons and synapses a cycle of each layer, like 1x200, or "
                             "'serial 4x32', or hardwired (default: one neuron a cycle; serial "
                             "where there are other stages, or neurons of over 1,024 inputs)")
    parser.add_argument("--scores", action="store_true",
                        help="let the scores of all classes follow the class")
    return parser.parse_args(argv)


@command("there is no core")
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    # Imported here: --help needs no Amaranth.
    from hw.flow import cores

    file = runs.network_file(args.network)
    folder = args.out or file.parent / "core" / args.name
    network = networks.load(file)
    plan = cores.choose(network, args.fold)
    said = cores.write(network, plan, folder, name=args.name, scores=args.scores,
                       codes=runs.codes_file(file))
    cycles = said["cycles"]
    print(f"  network      {network}\n  engine       {plan}\n"
          f"  input        packets of {said['input']['bytes']} bytes\n"
          f"  answer       packets of {said['output']['bytes']} bytes\n"
          f"  latency      {cycles['latency']} cycles\n"
          f"  period       {cycles['period']} cycles\n"
          f"  core         {folder / args.name}.sv\n"
          f"  try it       make -C {folder} icarus")
    return 0


if __name__ == "__main__":
    sys.exit(main())
