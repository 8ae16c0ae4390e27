"""What decides the outcome of a federation, as every part of it is told."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Self

from ..golden import regular
from ..golden.network import MAX_WIDTH
from ..golden.record import is_text
from ..images.names import NAMES
from ..training.asked.config import Description
from ..training.asked.effort import Effort, RunError, effort_for
from ..training.asked.flags import read_widths

__all__ = ["CODECS", "SPLITS", "Settings"]

CODECS = ("float32", "onebit")                         # See sw.federated.codec.
SPLITS = ("iid", "dirichlet", "unequal", "classes")    # See sw.federated.splits.


@dataclass(frozen=True)
class Settings:
    """What decides the outcome, in words and numbers that Flower's run configuration holds.

    Attributes
    ----------
    out : str
        The run's folder, where the server is.
    encoder : str
        The encoder's file, the same content on every machine.
    data, data_dir, task, seed
        As in :class:`sw.training.asked.config.Config`; ``data_dir`` may be empty.
    hidden : str
        Widths, such as ``128-64``.
    clients, fraction
        The server waits for so many clients, and asks this part of them in each round.
    split, alpha, classes
        See :func:`sw.federated.splits.split`.
    robust : bool
        Each client counts once, however many images it claims, and floats are not averaged: the
        median is taken.
    timeout : float
        Seconds after which a round goes on without those who have not answered.
    """

    out: str = ""
    encoder: str = ""
    data: str = "digits"
    data_dir: str = ""
    task: str = "ten"
    hidden: str = "128"
    clients: int = 3
    fraction: float = 1.0
    rounds: int = 20
    codec: str = "onebit"
    split: str = "iid"
    alpha: float = 0.3
    classes: int = 2
    robust: bool = False
    seed: int = 0
    timeout: float = 600.0

    def __post_init__(self) -> None:
        known: list[tuple[str, str, tuple[str, ...]]] = [
            ("data set", self.data, NAMES), ("codec", self.codec, CODECS),
            ("split", self.split, SPLITS)]
        for what, value, names in known:
            if value not in names:
                raise RunError(f"Unknown {what} {value!r}; known are: {', '.join(names)}")
        if not 1 <= self.rounds <= MAX_WIDTH:    # Two bytes in a message.
            raise RunError(f"Rounds must be 1 to {MAX_WIDTH}, not {self.rounds}")
        if not 0 <= self.seed < 2 ** 32:
            raise RunError(f"The seed must be 0 to {2 ** 32 - 1}, not {self.seed}")
        if not (0 < self.alpha < math.inf and 0 < self.timeout < math.inf):
            raise RunError(f"Alpha and the timeout must be above 0, not {self.alpha:g} and "
                           f"{self.timeout:g}")
        if wrong := [each for each in (self.out, self.encoder, self.data_dir) if not is_text(each)]:
            raise RunError(f"No file can be called {wrong[0]!r}")
        if self.clients < 1 or not 0 < self.fraction <= 1:
            raise RunError(f"There must be a client, and a fraction above 0 and up to 1, not "
                           f"{self.clients} and {self.fraction:g}")

    @classmethod
    def of(cls, config: Mapping[str, object]) -> Self:
        """Read what :meth:`config` gave, or a part of it."""
        kinds = {field.name: type(field.default) for field in fields(cls)}
        values = {key.replace("-", "_"): value for key, value in config.items()}
        if unknown := sorted(values.keys() - kinds.keys()):
            raise RunError(f"Unknown setting {unknown[0]!r}")
        wrong = sorted(name for name, value in values.items()
                       if not (type(value) is kinds[name]
                               or (type(value) is int and kinds[name] is float)))
        if wrong:
            raise RunError(f"{wrong[0]} must be of type {kinds[wrong[0]].__name__}, "
                           f"not {values[wrong[0]]!r}")
        return cls(**values)  # type: ignore[arg-type]  # Compared with the fields above.

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what a run was begun with."""
        try:
            return cls.of(regular.read_json(folder / "federation.json"))
        except (ValueError, AttributeError, RecursionError):
            raise RunError(f"{folder / 'federation.json'} does not hold the settings of a "
                           f"federation") from None

    def config(self) -> dict[str, str | int | float | bool]:
        """Return it as Flower has it: names with hyphens."""
        return {name.replace("_", "-"): value for name, value in asdict(self).items()}

    @property
    def effort(self) -> Effort:
        """How long to train, by the number of images."""
        return effort_for(self.data)

    def description(self) -> Description:
        """Return what the run says of itself."""
        return Description(self.data, self.data_dir or None, self.task, "sign", self.seed,
                           self.rounds)

    def within(self, folder: Path) -> Self:
        """Return the same settings for a run in a folder, in which its encoder lies."""
        return replace(self, out=str(folder), encoder=str(folder / "encoder.safetensors"))

    def widths(self) -> tuple[int, ...]:
        """Return the widths of the hidden layers."""
        widths = read_widths(self.hidden)
        if widths is None or not 1 <= min(widths) <= max(widths) <= MAX_WIDTH:
            raise RunError(f"Hidden widths must be like 128 or 128-64, not {self.hidden!r}")
        return widths
