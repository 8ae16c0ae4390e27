"""What a run of ``python -m sw.mixbin`` is asked for. Needs no torch."""

from dataclasses import dataclass, field
from pathlib import Path

from ..training.asked.config import Description
from ..training.asked.effort import RunError
from .mask import LAYERS, Mask, Shape

__all__ = ["CRITERIA", "DIRECTIONS", "PRESETS", "Job", "Settings"]

DIRECTIONS = ("shrink", "grow")
CRITERIA = ("ratio", "loss")
PRESETS = {
    "full": (),
    "published": ("hidden", "readout"),               # HyBNN: the encoder in full precision.
    "encfc-binary": ("code", "hidden", "readout"),    # All that is fully connected.
    "binary": LAYERS,
}


@dataclass(frozen=True)
class Settings:
    """How to search.

    Attributes
    ----------
    direction : str
        ``shrink`` learns with floats what then becomes binary, and is the better one at budgets
        that keep much; ``grow`` is shorter where the budget is small.
    criterion : str
        ``ratio``: harm for each operation saved; a budget of operations is best spent so. ``loss``:
        harm alone, for who thinks that all layers should get their share.
    budget : float
        The cost to come to.
    step : float
        How much of the cost changes in a round: smaller is slower and follows more closely how
        harms change once other groups are binary.
    trial : int
        Images in a trial's training; without any the signs of weights are as training with floats
        left them, and wide layers look worse than they are.
    fine_tuning : int
        Images that the stack is trained on after each round.
    """

    direction: str = "shrink"
    criterion: str = "ratio"
    budget: float = 0.15
    divisor: int = 64
    step: float = 0.1
    trial: int = 0
    fine_tuning: int = 5000


@dataclass(frozen=True)
class Job:
    """What decides the outcome of a run.

    Attributes
    ----------
    mask : str
        Name of a preset or file of a mask that is trained as it is; empty to search for one.
    keep : tuple of str
        Layers that the search leaves binary.
    images : int
        To search with; the last training takes all.
    epochs : int
        Of the last training.
    anew : bool
        The last training begins with the encoder, not with what the search left.
    """

    data: str = "digits"
    data_dir: str | None = None
    mask: str = ""
    settings: Settings = field(default_factory=Settings)
    groups: int = 8
    keep: tuple[str, ...] = ()
    images: int = 10_000
    epochs: int = 4
    anew: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        settings = self.settings
        if settings.direction not in DIRECTIONS or settings.criterion not in CRITERIA:
            raise RunError(f"A search must be one of {', '.join(DIRECTIONS)} by one of "
                           f"{', '.join(CRITERIA)}")
        if not 0 < settings.budget <= 1 or not 0 < settings.step <= 1 or settings.divisor < 1:
            raise RunError("Budget and step must be above 0 and at most 1, and the divisor 1 or "
                           f"more, not {settings.budget:g}, {settings.step:g} and "
                           f"{settings.divisor}")
        if min(self.groups, self.images, self.epochs, settings.fine_tuning) < 1 \
                or settings.trial < 0:
            raise RunError("Groups, images, epochs and fine-tuning must be 1 or more")
        if not 0 <= self.seed < 2 ** 32:
            raise RunError(f"The seed must be 0 to {2 ** 32 - 1}, not {self.seed}")
        if unknown := set(self.keep) - set(LAYERS):
            raise RunError(f"There are the layers {', '.join(LAYERS)}, no {min(unknown)!r}")

    def description(self) -> Description:
        """Return what the run says of itself."""
        return Description(self.data, self.data_dir, "ten", "sign", self.seed, self.epochs)

    def chosen(self) -> Mask | None:
        """Return the mask that was named, if one was."""
        if not self.mask:
            return None
        if self.mask in PRESETS:
            return Mask.of(Shape(), PRESETS[self.mask])
        return Mask.load(Path(self.mask))
