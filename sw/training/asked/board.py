"""What a network is predicted to take of a board: ``hw.build`` says it, in a process of its own.

Training knows no hardware. What crosses is a file, here too. Needs no torch.
"""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ...golden.network import random_network
from ...golden.stages import Signature
from .effort import RunError

__all__ = ["Room", "ask"]

ROOT = Path(__file__).parents[3]    # Where sw and hw lie beside each other.
PATIENCE = 300.0    # Seconds; an answer takes three.
TAKEN = re.compile(r"^ *> +(\d+) +([\d,]+) +([\d,]+) +([\d,]+)  (.+)$", re.M)


@dataclass(frozen=True)
class Room:
    """What the fastest engine of a network that fits takes, with link and clock."""

    logic_cells: int
    block_rams: int
    rate: int    # Inferences a second, of the engine.
    plan: str    # See hw.plan.plans.


def ask(board: str, signature: Signature) -> Room | None:
    """Return what a network of this shape is predicted to take of a board; None: it does not fit.

    Raises
    ------
    RunError
        There is no such board, or what makes hardware is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.safetensors"
        random_network(signature).save(file)
        try:
            asked = subprocess.run(
                [sys.executable, "-m", "hw.build", "--dry-run", "--board", board, "--network",
                 str(file)], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise RunError(f"hw.build must say within {PATIENCE:g} s what {signature} takes, and "
                           "did not: leave --board out") from None
    if found := TAKEN.search(asked.stdout):
        *numbers, plan = found.groups()
        _, rate, cells, rams = (int(number.replace(",", "")) for number in numbers)
        return Room(cells, rams, rate, plan)
    said = asked.stderr.strip().removeprefix("error: ")
    if f" does not fit {board}: " in said:
        return None
    raise RunError(said or f"hw.build said nothing of {board}: leave --board out")
