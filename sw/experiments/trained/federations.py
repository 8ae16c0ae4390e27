"""HyBNN's Figure 7 with what is really sent: clients that learn together, in two codecs."""

import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...models.classifier import BinaryClassifier
from ...models.encoding import CodeSet
from ...training import task
from ...training.asked.effort import LARGE, RunError
from ...training.task import Recipe
from ..effort import HIDDEN, TASKS, Study
from ..tabulated.measure import Measure, Results, mean
from . import heads

if TYPE_CHECKING:    # What is learnt alone needs no Flower.
    from ...federated.federation import Federation

__all__ = ["ARMS", "IN_PAPER", "SITES", "after_each_round", "bytes_a_round", "centralised", "learn",
           "unlike"]

# What differs from sw.federated's settings: three clients, all of them asked, in equal parts.
ARMS: dict[str, dict[str, Any]] = {
    "float32": {"codec": "float32"},
    "onebit": {},
    "float32, skewed": {"codec": "float32", "split": "dirichlet"},
    "onebit, skewed": {"split": "dirichlet"},
    "onebit, unequal": {"split": "unequal"},
}
IN_PAPER = ("float32", "onebit")    # Its Figure 7.

# Clients that are unlike: what differs from sw.federated's settings, and the classes to tell apart.
SITES: dict[str, tuple[dict[str, Any], list[int]]] = {
    **{f"alpha {alpha:g}": ({"split": "dirichlet", "alpha": alpha}, [2, 3])
       for alpha in (1.0, 0.3, 0.1)},
    "two classes": ({"split": "classes", "clients": 10}, list(range(10)))}


def centralised(study: Study, name: str) -> dict[str, Any]:
    """Learn each task on all codes, an epoch where the others have a round."""
    codes, curves = study.codes(name), []
    loss, rate = task.METHODS[BinaryClassifier]
    for pair in TASKS:
        chosen, curve = codes.select(pair), list[float]()
        study.fit(f"together {pair}",
                  partial(BinaryClassifier, chosen.n_bits, [HIDDEN], chosen.n_classes), loss,
                  Recipe(study.plan.rounds, LARGE.classifier_batch, rate), chosen.epoch,
                  partial(heads.note, curve, chosen))
        curves.append(curve)
    return {"curves": curves}


def after_each_round(results: Results, arm: str) -> list[Measure]:
    """Return each seed's mean over the tasks, round by round."""
    by_seed = [mean(result["curves"]) for result in results[f"together {arm}"]]
    return [Measure(list(accuracies)) for accuracies in zip(*by_seed, strict=True)]


def bytes_a_round(results: Results, arm: str) -> float:
    """Return the mean over rounds, tasks and seeds of what all clients send and get."""
    return statistics.mean(float(number) for result in results[f"together {arm}"]
                           for row in result["bytes"] for number in row)


def learn(study: Study, name: str, arm: str) -> dict[str, Any]:
    """Learn each task together: per cent after each round, and the bytes of all its messages."""
    histories = [_learn(study, study.codes(name), pair, ARMS[arm]).history for pair in TASKS]
    return {"curves": [[entry["accuracy"] for entry in history] for history in histories],
            "bytes": [[entry["bytes_down"] + entry["bytes_up"] for entry in history]
                      for history in histories]}


def unlike(study: Study, name: str, sites: str, codec: str) -> dict[str, Any]:
    """Learn among clients that are unlike: per cent of the test images in the round that is kept,
    in the last, and after each."""
    changes, classes = SITES[sites]
    federation = _learn(study, study.codes(name), classes, {"codec": codec, **changes})
    curve = [entry["accuracy"] for entry in federation.history]
    return {"kept": curve[federation.kept - 1], "last": curve[-1], "curve": curve}


def _learn(study: Study, codes: CodeSet, classes: list[int], changes: dict[str, Any]
           ) -> "Federation":
    # Here, so that what is learnt alone needs no Flower.
    try:
        from ...federated import site_codes as images
        from ...federated.client_app import app
        from ...federated.federation import Federation
        from ...federated.server_app import federate
        from ...federated.settings import Settings
        from ...federated.simulation import Simulation
    except ImportError as error:
        raise RunError(f"To learn together needs {error.name}: pip install '.[fed]'") from None

    asked = "v".join(map(str, classes)) if len(classes) == 2 else "ten"
    settings = Settings(data="mnist", task=asked, hidden=str(HIDDEN), rounds=study.plan.rounds,
                        seed=study.seed, **changes)
    images.know(settings, codes.select(classes))
    with tempfile.TemporaryDirectory() as folder:
        federation = Federation(settings, images.shape_of(settings), Path(folder) / "state")
        federate(Simulation(app, settings), federation, lambda entry: None)
    return federation
