"""Ask the simulated accelerator for the class of every test code: ``python -m sim.verify``.

Requests go into the generated Verilog and answers come out of it; each must have the sequence
number of its request and the class that golden says.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from hw import folding, verilog
from hw.accelerator import Accelerator
from hw.command import INTERRUPTED, Parser
from hw.toolchain import ToolFailed, ToolNotFound
from sim import simulator
from sim.simulator import Model, SimulationFailed, SimulatorNotFound
from sw.golden import bits, forward, frame, runs
from sw.golden.bits import Bits
from sw.golden.codes import CodesFileError, load_codes
from sw.golden.network import Network, NetworkFileError, atomic_write

PER_PROCESS = 100    # Codes for which it is worth to start another simulation.


class VerifyError(Exception):
    """There is nothing to verify; the message says why in one sentence."""


@dataclass(frozen=True)
class Report:
    """What ``verify.json`` holds.

    Attributes
    ----------
    codes, equal : int
        How many were asked for, and how many answers were as golden says.
    seconds, inferences_per_second : float
        Of simulation, without the build.
    """

    simulator: str
    codes: int
    equal: int
    seconds: float
    inferences_per_second: float
    network_sha256: str


@dataclass(frozen=True)
class Share:
    """Codes for one process to simulate, and the folder it works in."""

    codes: Bits
    folder: Path

    def run(self, model: Model) -> None:
        """Ask ``model`` for the class of every code; what fails on the way is not answered."""
        self.folder.mkdir()
        requests = self.folder / "requests"
        requests.write_bytes(b"".join(frame.request(number % 256, code)
                                      for number, code in enumerate(self.codes)))
        try:
            model.run("sim.bench_verify", self.folder, REQUESTS=str(requests),
                      ANSWERS=str(self._answers), N_ANSWERS=str(len(self.codes)))
        except SimulationFailed:
            if not self._answers.exists():    # It did not even begin.
                raise

    def count(self) -> int:
        """Count the answers so far."""
        return self._answers.stat().st_size // 2 if self._answers.exists() else 0

    def classes(self) -> list[int | None]:
        """Give the class of each code; None where no answer came in its turn."""
        data = self._answers.read_bytes()
        answers = [*zip(data[0::2], data[1::2]), *[(None, None)] * len(self.codes)]
        return [klass if sequence == number % 256 else None
                for number, (sequence, klass) in zip(range(len(self.codes)), answers)]

    @property
    def _answers(self) -> Path:
        return self.folder / "answers"


def build(network: Network, simulator_name: str) -> Model:
    """Convert and compile the accelerator of ``network``."""
    chosen = simulator.find(simulator_name)
    accelerator = Accelerator(network, folding.default(network.shape))
    return chosen.build(verilog.convert(accelerator, "accelerator"), "accelerator")


def simulate(model: Model, codes: Bits, progress: Callable[[int], object]) -> list[int | None]:
    """Ask ``model`` for the class of every code; give None where no answer came in its turn.

    ``progress`` is told how many answers came since it was told last.
    """
    n_shares = min(os.cpu_count() or 1, -(-len(codes) // PER_PROCESS))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(n_shares) as pool:
        shares = [Share(share, Path(folder, str(number)))
                  for number, share in enumerate(np.array_split(codes, n_shares))]
        running = [pool.submit(share.run, model) for share in shares]
        seen, done = 0, False
        while not done:
            done = all(each.done() for each in running)
            count = sum(share.count() for share in shares)
            progress(count - seen)
            seen = count
            time.sleep(0 if done else 0.05)
        for each in running:
            each.result()    # Raises what was raised there.
        return [klass for share in shares for klass in share.classes()]


def first_unequal(network: Network, codes: Bits, classes: Sequence[int | None]) -> str | None:
    """Describe the first code whose class is not golden's."""
    for number, (code, klass) in enumerate(zip(codes, classes)):
        expected = forward.classify(network, code)
        if klass != expected:
            seen = "does not answer" if klass is None else f"says {klass}"
            return (f"code {number}, {bits.to_bytes(code).hex()}: golden says {expected}, the "
                    f"accelerator {seen}; golden's scores are {_scores(network, code).tolist()}")
    return None


def _scores(network: Network, x: Bits) -> bits.Integers:
    for layer in network.layers:
        x = forward.hidden(layer, x)
    return forward.scores(network.readout, x)


def load(argument: Path, limit: int | None) -> tuple[Network, Bits]:
    """Read a network and the codes to ask for."""
    network = Network.load(runs.network_file(argument))
    path = runs.codes_file(argument)
    codes, _ = load_codes(path)
    if codes.shape[1] != network.n_in:
        raise VerifyError(f"{path} has codes of {codes.shape[1]} bits, but the network takes "
                          f"{network.n_in}")
    if limit is not None and limit < 1:
        raise VerifyError(f"The limit must be 1 or more, not {limit}")
    if not len(codes):
        raise VerifyError(f"{path} has no codes")
    return network, codes[:limit]


def verify(argument: Path, simulator_name: str, limit: int | None) -> bool:
    """Build, simulate, compare, print and write the report; tell whether all are equal."""
    network, codes = load(argument, limit)
    begun = time.monotonic()
    model = build(network, simulator_name)
    print(f"{network} built for {simulator_name} in {time.monotonic() - begun:.1f} s")

    begun = time.monotonic()
    with tqdm(total=len(codes), unit=" codes", disable=None) as bar:
        classes = simulate(model, codes, bar.update)
    seconds = time.monotonic() - begun

    equal = int((forward.classify_all(network, codes) == np.array(classes, object)).sum())
    print(f"{equal:,} of {len(codes):,} bit-exact: {len(codes) / seconds:,.0f} inferences/s, "
          f"simulated in {seconds:.1f} s")
    if unequal := first_unequal(network, codes, classes):
        print(unequal)
    sha256 = hashlib.sha256(runs.network_file(argument).read_bytes()).hexdigest()
    _write(argument, Report(simulator_name, len(codes), equal, round(seconds, 2),
                            round(len(codes) / seconds, 1), sha256))
    return equal == len(codes)


def _write(argument: Path, report: Report) -> None:
    """Write the report into the run's folder, if it is one."""
    folder = runs.network_file(argument).parent
    if runs.is_finished(folder):
        atomic_write(folder / "verify.json",
                     (json.dumps(asdict(report), indent=2) + "\n").encode())


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m sim.verify", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", metavar="RUN_OR_FILE", type=Path,
        help="folder of a run, or network file with codes beside it (default: newest run in runs/)")
    parser.add_argument("--simulator", choices=simulator.NAMES, default="verilator",
        help="what runs the Verilog (default: %(default)s)")
    parser.add_argument("--limit", metavar="N", type=int,
        help="verify the first N codes only (default: all)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: all equal; 1: not; 2: it could not be found out."""
    args = parse_args(argv)
    try:
        return 0 if verify(args.network or runs.newest(), args.simulator, args.limit) else 1
    except (VerifyError, NetworkFileError, CodesFileError, SimulatorNotFound, SimulationFailed,
            ToolFailed, ToolNotFound, LookupError, ValueError, OSError) as error:
        print(f"error: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("error: interrupted, nothing was verified", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
