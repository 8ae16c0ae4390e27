"""The five tasks learnt one after the other by one network, on the codes of a frozen encoder.

Two scenarios of split MNIST (Hsu et al. 2018): ``domain``, where one of two outputs says which of a
pair it is, and ``class``, with an output for each digit. The third, ``task``, tells the network the
pair: the outputs of ``class`` are compared within it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...models.classifier import BinaryClassifier, predict
from ...models.encoding import CodeSet
from ...training import task
from ...training.asked.effort import LARGE
from ...training.task import Recipe
from ..effort import HIDDEN, TASKS, Study
from .mixture import BernoulliMixture, components_within

__all__ = ["MEMORY", "METHODS", "PAIRS", "consecutive"]

MEMORY = 25_000    # Bytes, for all ten classes.
METHODS = ("naive", "exact", "generative")
# By encoder. That of letters has seen no digit of a task yet to come.
PAIRS = (*(("ours", method) for method in METHODS), ("letters", "generative"))

Replay = Callable[[int], Tensor]    # How many codes to give; signs (n, n_bits).


def consecutive(study: Study, name: str, method: str) -> dict[str, Any]:
    """Learn the tasks in turn on the codes of encoder ``name``: mean per cent after the last."""
    codes = study.codes(name)
    result: dict[str, Any] = {"bytes": 0}
    for scenario, n_outputs in ("domain", 2), ("class", 10):
        torch.manual_seed(study.seed)
        model = BinaryClassifier(codes.n_bits, [HIDDEN], n_outputs)
        memory: dict[int, Replay] = {}
        for number, pair in enumerate(TASKS):
            _learn(study, model, codes, pair, memory, f"{method} {scenario} {number}")
            if method != "naive":
                sizes = []
                for digit in pair:
                    memory[digit], size = _remember(_of(codes, digit), method)
                    sizes.append(size)
                result["bytes"] += sum(sizes) if scenario == "class" else 0
        result[scenario] = _score(model, codes, within_pair=False)
    result["task"] = _score(model, codes, within_pair=True)
    return result


def _of(codes: CodeSet, digit: int) -> Tensor:
    """Return the training codes of a digit as signs."""
    signs, labels = codes.epoch(0)
    return signs[labels == digit]


def _remember(signs: Tensor, method: str) -> tuple[Replay, int]:
    """Keep a tenth of the memory for a class: a way to replay it, and the bytes that it takes."""
    if method == "exact":
        kept = signs[torch.randperm(len(signs))[:MEMORY // 10 // (signs.shape[1] // 8)]]
        return lambda n: kept[torch.randint(len(kept), (n,))], kept.numel() // 8
    mixture = BernoulliMixture.fit(signs, components_within(MEMORY // 10, signs.shape[1]))
    return mixture.draw, mixture.n_bytes


def _learn(study: Study, model: BinaryClassifier, codes: CodeSet, pair: list[int],
           memory: dict[int, Replay], phase: str) -> None:
    """Train on the codes of a pair, mixed with as many of each class in memory."""
    n_outputs = model.shape[-1]
    new = {digit: _of(codes, digit) for digit in pair}
    n = max(map(len, new.values()))

    def rows(_: int) -> list[Tensor]:
        parts = new | {digit: replay(n) for digit, replay in memory.items()}
        labels = [torch.full((len(part),), digit % n_outputs) for digit, part in parts.items()]
        return [torch.cat(list(parts.values())), torch.cat(labels)]

    loss, rate = task.METHODS[BinaryClassifier]
    study.fit(phase, lambda: model, loss,
              Recipe(study.plan.consecutive_epochs, LARGE.classifier_batch, rate), rows)


@torch.no_grad()
def _score(model: BinaryClassifier, codes: CodeSet, within_pair: bool) -> float:
    """Return the mean accuracy over the tasks, in per cent of the test images of each."""
    signs, labels = codes.test()
    accuracies = []
    for pair in TASKS:
        of_pair = (labels == pair[0]) | (labels == pair[1])
        scores, own = model.eval()(signs[of_pair]), labels[of_pair] % model.shape[-1]
        if within_pair:
            scores, own = scores[:, pair], own - pair[0]
        accuracies.append(task.accuracy(predict(scores), own))
    return sum(accuracies) / len(accuracies)
