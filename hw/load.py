"""Load another network into a board that runs already: ``python -m hw.load BUILD --port PORT``.

The bitstream must be one that ``python -m hw.build --reloadable`` made; what is loaded is lost with
the power.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import serial
from tqdm import tqdm

from hw.built import Built, BuiltError
from hw.engine import memories
from hw.folding import Folding
from hw.loader import Layout
from sw.golden import frame, runs
from sw.golden.command import INTERRUPTED, Parser, fail
from sw.golden.network import Network, NetworkFileError

__all__ = ["LoadError", "load", "main", "requests"]

PATIENCE = 1.0  # Seconds without an answer after which requests are sent again.
ATTEMPTS = 5
N_SEQUENCES = 256 - frame.N_SEQUENCES    # Those of load requests.
AT_ONCE = N_SEQUENCES // 2               # Requests on their way, so that none is mistaken.


class LoadError(Exception):
    """A network cannot be loaded; the message says why and what to do."""


def requests(network: Network, plan: Folding) -> list[bytes]:
    """Make the frames that load a network, with sequence numbers that count up, round and round."""
    layout = Layout(memories(network, plan))
    return [frame.load(number % N_SEQUENCES, address, words, network.n_in)
            for number, (address, words) in enumerate(layout.loads(network.n_in))]


def load(port: serial.Serial, network: Network, plan: Folding) -> int:
    """Load a network through an open port; return the number of frames that were sent twice.

    Raises
    ------
    LoadError
        The board does not answer.
    """
    frames = requests(network, plan)
    repeated = 0
    with tqdm(total=len(frames), unit="frame", disable=None, leave=False) as bar:
        for begin in range(0, len(frames), AT_ONCE):
            missing = dict(enumerate(frames[begin:begin + AT_ONCE], begin))
            for attempt in range(ATTEMPTS):
                repeated += len(missing) if attempt else 0
                before = len(missing)
                _exchange(port, missing)
                bar.update(before - len(missing))
                if not missing:
                    break
            else:
                raise LoadError(f"The board at {port.port} does not answer load requests: it must "
                                "have been built with --reloadable and for this network's shape, "
                                "and have been programmed")
    return repeated


def _exchange(port: serial.Serial, missing: dict[int, bytes]) -> None:
    """Send the requests that are missing and drop from them what is answered."""
    unwrapper = frame.Unwrapper(frame.fcs16)
    port.timeout = PATIENCE
    port.write(b"".join(missing.values()))
    while missing and (received := port.read(max(1, port.in_waiting))):
        for sequence in _answered(unwrapper.feed(received)):
            for number in [each for each in missing if each % N_SEQUENCES == sequence]:
                del missing[number]


def _answered(contents: Iterable[bytes]) -> Iterable[int]:
    for content in contents:
        answer = frame.parse_answer(content)
        if answer and answer[0] >= frame.N_SEQUENCES and answer[1] == 0:
            yield answer[0] - frame.N_SEQUENCES


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m hw.load", description=__doc__)
    parser.add_argument("build", metavar="BUILD", type=Path,
                        help="folder that python -m hw.build --reloadable made the bitstream in")
    parser.add_argument("--network", metavar="FILE", type=Path,
                        help="network file or run folder to load (default: the newest run)")
    parser.add_argument("--port", metavar="PORT", required=True,
                        help="serial port of the board, such as /dev/ttyUSB1")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        network = Network.load(runs.network_file(args.network))
        built = Built.load(args.build)
        if not built.report["reloadable"]:
            raise LoadError(f"{args.build} holds a bitstream that cannot be loaded: build it with "
                            "python -m hw.build --reloadable")
        if network.shape != built.network.shape:
            raise LoadError(f"{args.build} is for {built.network} networks, not {network}: build "
                            "one for this shape with python -m hw.build --reloadable")
        with serial.Serial(args.port, built.board.baud) as port:
            begun = time.monotonic()
            repeated = load(port, network, built.plan)
    except (BuiltError, LoadError, runs.NoRun, NetworkFileError, OSError) as error:
        return fail(error)
    except KeyboardInterrupt:
        print("error: interrupted, the board holds a part of the network: run it again",
              file=sys.stderr)
        return INTERRUPTED
    print(f"loaded {network} into the board at {args.port} in "
          f"{1e3 * (time.monotonic() - begun):.0f} ms, {repeated} frames sent twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
