"""Binary networks on codes: HyBNN's five tasks, all ten classes, and their full-precision twins."""

import time
from functools import partial
from typing import Any

from ...golden import bits
from ...models.classifier import BinaryClassifier, FullPrecisionTwin
from ...models.encoding import CodeSet
from ...models.exact import check_equal, export
from ...training import task
from ..effort import HIDDEN, TASKS, Study

__all__ = ["WIDE", "exact", "five", "note", "ten"]

WIDE = 512
FIVE = ("ours", "letters", "published", "coins", "signs")    # On which the five tasks are learnt.
BOTH = ("ours", "fashion")                                   # On which the wide head is, too.


def five(study: Study, name: str) -> dict[str, Any]:
    """Learn each of the five tasks alone on the codes of encoder ``name``.

    ``binary`` and ``twin`` are per cent of the test images, ``curves`` those after each epoch.
    """
    codes = study.codes(name)
    result: dict[str, Any] = {"binary": [], "twin": [], "curves": [], "seconds": []}
    for pair in TASKS:
        chosen = codes.select(pair)
        curve: list[float] = []
        begun = time.process_time()
        model = study.fit_head(f"{name} {pair}", chosen, HIDDEN, BinaryClassifier,
                               partial(note, curve, chosen))
        result["seconds"].append(time.process_time() - begun)
        result["binary"].append(exact(model, chosen))
        result["curves"].append(curve)
        if name == "ours":
            twin = study.fit_head(f"{name} {pair}", chosen, HIDDEN, FullPrecisionTwin)
            result["twin"].append(task.test(twin, *chosen.test()))
    return result


def ten(study: Study, name: str) -> dict[str, Any]:
    """Learn all ten classes on the codes of encoder ``name``: per cent, by hidden width."""
    codes = study.codes(name)
    widths = (HIDDEN, WIDE) if name in BOTH else (HIDDEN,)
    result: dict[str, Any] = {"binary": {}, "twin": {}}
    for hidden in widths:
        model = study.fit_head(f"{name} ten", codes, hidden, BinaryClassifier)
        result["binary"][str(hidden)] = exact(model, codes)
        if name == "ours":
            twin = study.fit_head(f"{name} ten", codes, hidden, FullPrecisionTwin)
            result["twin"][str(hidden)] = task.test(twin, *codes.test())
    return result


def note(curve: list[float], codes: CodeSet, model: BinaryClassifier) -> None:
    """Add the per cent of the test images that a model gets right to a curve."""
    curve.append(task.test(model, *codes.test()))


def exact(model: BinaryClassifier, codes: CodeSet) -> float:
    """Return the accuracy of a model, once its network of bits and integers is known to agree."""
    signs, labels = codes.test()
    classes = task.classify(model, signs)
    check_equal(export(model), classes, bits.unpack(codes.test_codes, codes.n_bits))
    return task.accuracy(classes, labels)
