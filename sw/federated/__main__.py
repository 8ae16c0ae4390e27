"""Learn together, in simulation: ``python -m sw.federated``."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..images.names import NAMES
from ..terminal.command import Parser, command
from ..training.asked.flags import add_flags
from .settings import CODECS, SPLITS, Settings


def _parser() -> argparse.ArgumentParser:
    default = Settings()
    parser = Parser(prog="python -m sw.federated",
                    description="Learn a binary network together, in simulation.")
    add = parser.add_argument
    add("--data", metavar="NAME", choices=NAMES, default=default.data,
        help=f"data set, one of: {', '.join(NAMES)} (default: %(default)s)")
    add("--data-dir", metavar="DIR", default=os.environ.get("HYBNN_DATA", ""),
        help="look for IDX files in DIR or DIR/NAME (default: $HYBNN_DATA, then download)")
    add("--task", metavar="TASK", default=default.task,
        help="classes to tell apart: ten, all, or two such as 0v1 (default: %(default)s)")
    add("--hidden", metavar="WIDTHS", default=default.hidden,
        help="widths of the hidden layers, such as 128 or 128-64 (default: %(default)s)")
    add("--encoder", metavar="RUN", type=Path,
        help="run of sw.train, or file, whose encoder all clients share (default: train one)")
    add("--clients", metavar="N", type=int, default=default.clients,
        help="how many learn together (default: %(default)s)")
    add("--fraction", metavar="F", type=float, default=default.fraction,
        help="part of the clients that is asked in a round (default: %(default)s)")
    add("--rounds", metavar="N", type=int, default=default.rounds,
        help="rounds, each an epoch of those asked, or with onebit twenty batches (default: "
             "%(default)s)")
    add("--codec", choices=CODECS, default=default.codec,
        help="send floats, or one bit a weight (default: %(default)s)")
    add("--split", choices=SPLITS, default=default.split,
        help="who has which images (default: %(default)s)")
    add("--alpha", metavar="A", type=float, default=default.alpha,
        help="of a dirichlet split: the smaller, the more unlike (default: %(default)s)")
    add("--classes", metavar="N", type=int, default=default.classes,
        help="classes of a client, in a split by classes (default: %(default)s)")
    add("--robust", action="store_true",
        help="let each client count once, take the median of floats instead of the mean, and "
             "keep the last round")
    add_flags(parser)
    add("--resume", metavar="RUN", type=Path,
        help="go on with the run in folder RUN, whose flags then count")
    return parser


def _settings(arguments: argparse.Namespace) -> Settings:
    names = ("data", "data_dir", "task", "hidden", "clients", "fraction", "rounds", "codec",
             "split", "alpha", "classes", "robust", "seed")
    chosen = Settings(**{name: getattr(arguments, name) for name in names})
    return chosen.within(arguments.out) if arguments.out else chosen


def _summary(history: list[dict[str, Any]]) -> str:
    """Say what rounds led to and cost.

    >>> print(_summary([{"round": 1, "accuracy": 98.0, "bytes_down": 300, "bytes_up": 100,
    ...                  "refused": {}, "held_out": 97.5}]))
    round  held out  accuracy    bytes down      bytes up  refused
        1   97.50 %   98.00 %           300           100        0
    """
    return "\n".join(["round  held out  accuracy    bytes down      bytes up  refused", *(
        f"{entry['round']:5}{_per_cent(entry)}{entry['accuracy']:8.2f} %{entry['bytes_down']:14,}"
        f"{entry['bytes_up']:14,}{len(entry['refused']):9}" for entry in history)])


def _per_cent(entry: dict[str, Any]) -> str:
    return f"{entry['held_out']:8.2f} %" if "held_out" in entry else " " * 9 + "-"


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")    # Before Flower is imported.
    folder = None
    try:
        arguments = _parser().parse_args(argv)
        if arguments.resume:
            settings = Settings.load(arguments.resume).within(arguments.resume)
        else:
            settings = _settings(arguments)
        from .run import begin  # Here: --help need not wait for torch.

        settings = begin(settings, arguments.encoder)
        folder = Path(settings.out)
        history, kept = _learn(settings, folder)
    except KeyboardInterrupt:
        if folder is None:
            raise
        raise KeyboardInterrupt(f"go on with: python -m sw.federated --resume {folder}") from None
    print(_summary(history))
    print(f"\nkept: round {kept}\nrun folder: {folder}")
    return 0


def _learn(settings: Settings, folder: Path) -> tuple[list[dict[str, Any]], int]:
    """Do all rounds that are left; return what there is to say of each, and which is kept."""
    # After FLWR_TELEMETRY_ENABLED is set.
    from .client_app import app
    from .server_app import serve
    from .simulation import Simulation

    history: list[dict[str, Any]] = []
    with tqdm(total=settings.rounds, unit=" rounds", disable=None) as bar:
        def tick(entry: dict[str, Any]) -> None:
            history.append(entry)
            bar.set_postfix_str(f"{entry['accuracy']:.2f} %, "
                                f"{entry['bytes_down'] + entry['bytes_up']:,} bytes")
            bar.update(entry["round"] - bar.n)
        kept = serve(Simulation(app, settings), settings, folder, tick)
    return history, kept


if __name__ == "__main__":
    sys.exit(main())
