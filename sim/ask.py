"""Asks a simulated design for the class of many codes, in one process for each core."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sim.simulator import DEADLINE, Model
from sw.golden import fast, frame
from sw.golden.bits import Bits
from sw.golden.frame import N_SEQUENCES
from sw.golden.network import Network

__all__ = ["DRIVER", "Classes", "Driven", "Subject", "Unequal", "first_other"]

PATIENCE = 0.3    # Seconds for a bit of a code.
N_ANSWER = 6      # Bytes of an answer's frame, at the least.
DRIVER = Path(__file__).with_name("driver.cpp")

Classes = list[int | None]    # None where no answer came in its turn.


def first_other(network: Network, given: Bits, classes: Sequence[int | None]) -> int | None:
    """Return the first input ``(n, n_in)`` whose class is not golden's, or is missing; ``n`` if
    there are more classes than inputs, and None where all is golden's."""
    expected = fast.classify_all(network, given).tolist()
    for at in range(max(len(classes), len(expected))):
        if [*classes[at:at + 1]] != expected[at:at + 1]:
            return at
    return None


class Unequal(Exception):
    """Two sides of a rung differ; the message says where. ``index`` is the code's, if it is one."""

    def __init__(self, message: str, index: int | None = None):
        super().__init__(message)
        self.index = index


@dataclass(frozen=True)
class Subject:
    """A simulated design, and how cocotb asks it.

    Attributes
    ----------
    bench : str
        Module that drives it: reads the file ``REQUESTS``, writes the file ``ANSWERS``.
    per_process : int
        Codes for which it is worth to start another simulation.
    settings : dict
        Environment variables for the bench.
    """

    model: Model
    bench: str
    per_process: int
    settings: dict[str, str] = field(default_factory=dict)

    def shares(self, codes: Bits) -> list[Bits]:
        """Divide codes into those for one process each."""
        n_shares = min(os.cpu_count() or 1, -(-len(codes) // self.per_process))
        return np.array_split(codes, n_shares)

    def ask(self, share: "_Share", deadline: float) -> None:
        """Simulate until every code of a share is answered."""
        self.model.run(self.bench, share.folder, deadline, REQUESTS=str(share.requests),
                       ANSWERS=str(share.answers), N_ANSWERS=str(len(share.codes)),
                       **self.settings)

    def count(self, n_bytes: int) -> int:
        """Say how many answers a file of so many bytes has."""
        return n_bytes // 2

    def contents(self, data: bytes) -> list[bytes]:
        """Return the sequence number and the class of each answer in a file."""
        return [data[at:at + 2] for at in range(0, len(data) - 1, 2)]

    def classify(self, codes: Bits, progress: Callable[[int], object],
                 waves: Path | None = None) -> Classes:
        """Ask for the class of every code.

        ``progress`` is told how many answers came since it was told last. A model with waves
        writes those of the first process to the file ``waves``, to which it adds a suffix.
        """
        with (tempfile.TemporaryDirectory() as folder,
              ThreadPoolExecutor(os.cpu_count() or 1) as pool):
            shares = [_Share(self, share, Path(folder, str(number)))
                      for number, share in enumerate(self.shares(codes))]
            running = [pool.submit(share.run) for share in shares]
            seen, done = 0, False
            while not done:
                done = all(each.done() for each in running)
                count = sum(share.count() for share in shares)
                progress(count - seen)
                seen = count
                time.sleep(0 if done else 0.05)
            for each in running:
                each.result()    # Raises what was raised there.
            if waves:
                made = shares[0].folder / self.model.waves_file
                shutil.copyfile(made, waves.with_name(waves.name + made.suffix))
            return [klass for share in shares for klass in share.classes()]


@dataclass(frozen=True)
class Driven(Subject):
    """A Verilated accelerator that :data:`DRIVER` asks, several hundred times as fast.

    Attributes
    ----------
    silence : int
        Cycles without a byte after which nothing comes any more.
    """

    silence: int = 0

    def shares(self, codes: Bits) -> list[Bits]:
        """Divide codes; into the same whatever computer this is, as pauses begin anew in each."""
        return [codes[at:at + self.per_process] for at in range(0, len(codes), self.per_process)]

    def ask(self, share: "_Share", deadline: float) -> None:
        """Simulate until nothing comes any more."""
        limit = (len(share.codes) + 2) * self.silence
        waves = [self.model.waves_file] if self.model.waves else []
        self.model.drive([str(share.requests), str(share.answers), str(self.silence), str(limit),
                          *waves], share.folder, deadline)

    def count(self, n_bytes: int) -> int:
        return n_bytes // N_ANSWER

    def contents(self, data: bytes) -> list[bytes]:
        return list(frame.Unwrapper(frame.fcs16).feed(data))


@dataclass(frozen=True)
class _Share:
    """Codes for one process to simulate, and the folder it works in."""

    subject: Subject
    codes: Bits
    folder: Path

    def run(self) -> None:
        """Ask for the class of every code; a design that does not answer is no failure."""
        self.folder.mkdir()
        self.requests.write_bytes(b"".join(frame.request(number % N_SEQUENCES, code)
                                           for number, code in enumerate(self.codes)))
        # A netlist in Icarus takes some ten seconds for a request of 200 bits.
        deadline = DEADLINE + PATIENCE * self.codes.size
        self.subject.ask(self, deadline)

    def count(self) -> int:
        """Count the answers so far; a share may have more than it asked for."""
        if not self.answers.exists():
            return 0
        return min(len(self.codes), self.subject.count(self.answers.stat().st_size))

    def classes(self) -> Classes:
        """Return the class of each code; raise :exc:`Unequal` where more came than were asked."""
        contents = self.subject.contents(self.answers.read_bytes())
        if len(contents) > len(self.codes):
            raise Unequal(f"there are {len(contents)} answers to {len(self.codes)} requests")
        answers = [*contents, *[b""] * (len(self.codes) - len(contents))]
        return [content[1] if len(content) == 2 and content[0] == number % N_SEQUENCES else None
                for number, content in enumerate(answers)]

    @property
    def requests(self) -> Path:
        return self.folder / "requests"

    @property
    def answers(self) -> Path:
        return self.folder / "answers"
