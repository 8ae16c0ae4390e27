"""Binary networks without our encoder: on thresholded pixels, and HyBNN's binary CNN.

HyBNN's sign of a pixel from 0 to 1 is always +1, so that its baseline sees the same picture each
time; that is its 50 %. A threshold of 0.5 is the fair reading.
"""

import time
from functools import partial
from typing import Any

from torch import Tensor

from ...models import encoding
from ...models.binarizer import SIGN, Binarizer
from ...models.classifier import BinaryClassifier, BinaryCNN
from ...models.encoding import CodeSet
from ...models.shape import WIDTH
from ...training import task
from ...training.asked.effort import LARGE
from ...training.task import Recipe
from ..effort import HIDDEN, TASKS, Study
from .heads import WIDE

__all__ = ["READINGS", "cnn", "fit_cnn", "pixels", "read"]

READINGS = {"naive": 0.0, "fair": 0.5}    # From which value on a pixel is +1.
N_PIXELS = 28 * 28


def read(study: Study, reading: str, name: str = "mnist") -> CodeSet:
    """Return the pixels of a data set as signs."""
    return encoding.encode(partial(encoding.threshold_pixels, at=READINGS[reading]), N_PIXELS,
                        study.data(name), n_copies=1)


def pixels(study: Study, reading: str) -> dict[str, Any]:
    """Learn the five tasks, and all ten classes on fair pixels, with the binary network."""
    seen = read(study, reading)
    result: dict[str, Any] = {"five": [], "ten": {}}
    for pair in TASKS:
        chosen = seen.select(pair)
        model = study.fit_head(f"{reading} {pair}", chosen, HIDDEN, BinaryClassifier)
        result["five"].append(task.test(model, *chosen.test()))
    for hidden in (HIDDEN, WIDE) if reading == "fair" else ():
        model = study.fit_head(f"{reading} ten", seen, hidden, BinaryClassifier)
        result["ten"][str(hidden)] = task.test(model, *seen.test())
    return result


def cnn(study: Study, reading: str) -> dict[str, Any]:
    """Learn the five tasks, and all ten classes on fair pixels, with a binary CNN."""
    seen = read(study, reading)
    result: dict[str, Any] = {"five": [], "seconds": []}
    for pair in TASKS:
        begun = time.process_time()
        result["five"].append(fit_cnn(study, f"cnn {reading} {pair}", seen.select(pair)))
        result["seconds"].append(time.process_time() - begun)
    if reading == "fair":
        result["ten"] = fit_cnn(study, f"cnn {reading} ten", seen)
    return result


def fit_cnn(study: Study, phase: str, seen: CodeSet, binarizer: Binarizer = SIGN) -> float:
    """Train HyBNN's baseline, three convolutions, then 200, 128 and a score for each class.

    The paper leaves the widths open; these are half the encoder's.
    """
    loss, rate = task.METHODS[BinaryCNN]
    make = partial(BinaryCNN, WIDTH // 2, [200, HIDDEN], seen.n_classes, binarizer)

    def images(rows: list[Tensor]) -> list[Tensor]:
        return [rows[0].unflatten(1, (1, 28, 28)), rows[1]]

    model = study.fit(phase, make, loss,
                      Recipe(study.plan.cnn_epochs, LARGE.classifier_batch, rate),
                      lambda epoch: images(seen.epoch(epoch)))
    return task.test(model, *images(seen.test()))
