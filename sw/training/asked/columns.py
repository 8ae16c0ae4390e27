"""What a run of ``python -m sw.train --table`` is asked for. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path

from ...golden.network import MAX_WIDTH
from ...models.binarizer import BINARIZERS
from .config import Description, check_name, check_seed
from .effort import MOST, RunError

__all__ = ["HIDDEN", "TableConfig", "epochs_for", "levels_for"]

HIDDEN = (64,)
BITS = 256    # Of a row, where nobody says how many levels there are: an icestick has room for it.
BATCH = 32
STEPS = 1500
MAX_LEVELS = 255


def epochs_for(n_rows: int) -> int:
    """Return how long to train on so many rows: some 1,500 steps, and no less than 20 epochs.

    >>> epochs_for(120), epochs_for(100_000)
    (500, 20)
    """
    return max(20, STEPS // max(1, n_rows // BATCH))


def levels_for(n_columns: int) -> int:
    """Return how many thresholds a column of numbers has: 16, or fewer where columns are many.

    >>> [levels_for(n_columns) for n_columns in (4, 30, 1000)]
    [16, 8, 4]
    """
    return max(4, min(16, BITS // max(1, n_columns)))


@dataclass(frozen=True)
class TableConfig:
    """What decides the outcome of a run that learns the rows of a table."""

    table: str                 # The file.
    label: str                 # Its column with the classes.
    levels: int                # Thresholds of a column of numbers, at the most.
    hidden: tuple[int, ...]
    binarizer: str
    seed: int                  # Which rows are tested on goes by it, too.
    device: str
    epochs: int
    batch: int
    fingerprint: str           # SHA-256 of what the file holds.

    def __post_init__(self) -> None:
        check_name("binarizer", self.binarizer, [*BINARIZERS])
        check_seed(self.seed)
        if not self.hidden or not all(1 <= width <= MAX_WIDTH for width in self.hidden):
            raise RunError(f"Hidden widths must be 1 to {MAX_WIDTH}, not {list(self.hidden)}")
        for what, value, most in (("number of levels", self.levels, MAX_LEVELS),
                                  ("number of epochs", self.epochs, MOST),
                                  ("batch", self.batch, MOST)):
            if not 1 <= value <= most:
                raise RunError(f"The {what} must be 1 to {most}, not {value}")

    @property
    def name(self) -> str:
        """What a folder that is made for the run is called after."""
        return Path(self.table).stem

    def description(self) -> Description:
        """Return what the run says of itself."""
        return Description(self.name, None, "all", self.binarizer, self.seed, self.epochs)
