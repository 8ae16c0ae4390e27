"""Asks a simulated design for the class of many codes, in one process for each core."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sim.simulator import DEADLINE, Model, SimulationFailed
from sw.golden import frame
from sw.golden.bits import Bits
from sw.golden.frame import N_SEQUENCES

__all__ = ["Classes", "Subject"]

PATIENCE = 0.3    # Seconds for a bit of a code.

Classes = list[int | None]    # None where no answer came in its turn.


@dataclass(frozen=True)
class Subject:
    """A simulated design, and how it is asked.

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

    def classify(self, codes: Bits, progress: Callable[[int], object],
                 waves: Path | None = None) -> Classes:
        """Ask for the class of every code.

        ``progress`` is told how many answers came since it was told last. A model with waves
        writes those of the first process to the file ``waves``, to which it adds a suffix.
        """
        n_shares = min(os.cpu_count() or 1, -(-len(codes) // self.per_process))
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(n_shares) as pool:
            shares = [_Share(self, share, Path(folder, str(number)))
                      for number, share in enumerate(np.array_split(codes, n_shares))]
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
class _Share:
    """Codes for one process to simulate, and the folder it works in."""

    subject: Subject
    codes: Bits
    folder: Path

    def run(self) -> None:
        """Ask for the class of every code; what fails on the way is not answered."""
        self.folder.mkdir()
        requests = self.folder / "requests"
        requests.write_bytes(b"".join(frame.request(number % N_SEQUENCES, code)
                                      for number, code in enumerate(self.codes)))
        # A netlist in Icarus takes some ten seconds for a request of 200 bits.
        deadline = DEADLINE + PATIENCE * self.codes.size
        try:
            self.subject.model.run(
                self.subject.bench, self.folder, deadline, REQUESTS=str(requests),
                ANSWERS=str(self._answers), N_ANSWERS=str(len(self.codes)),
                **self.subject.settings)
        except SimulationFailed:
            if not self._answers.exists():    # It did not even begin.
                raise

    def count(self) -> int:
        """Count the answers so far."""
        return self._answers.stat().st_size // 2 if self._answers.exists() else 0

    def classes(self) -> Classes:
        """Give the class of each code."""
        data = self._answers.read_bytes()
        answers = [*zip(data[0::2], data[1::2]), *[(None, None)] * len(self.codes)]
        return [klass if sequence == number % N_SEQUENCES else None
                for number, (sequence, klass) in zip(range(len(self.codes)), answers)]

    @property
    def _answers(self) -> Path:
        return self.folder / "answers"
