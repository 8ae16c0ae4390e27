"""HyBNN's Figure 7 without a network: the latent weights of three clients, averaged in-process.

Who sends what, and in how many bits, is left to the federation proper.
"""

import copy
from typing import Any

import torch

from .. import task
from ..classifier import BinaryClassifier
from ..codes import CodeSet
from ..run import LARGE
from ..task import Recipe, Training
from .study import HIDDEN, TASKS, Study

__all__ = ["CLIENTS", "federated"]

CLIENTS = 3


def federated(study: Study, name: str) -> dict[str, Any]:
    """Learn each task on three clients' codes: per cent of the test images after each round."""
    codes = study.codes(name)
    curves = [_average(study, codes.select(pair), f"federated {pair}") for pair in TASKS]
    return {"curves": curves, "last": [curve[-1] for curve in curves]}


def _average(study: Study, codes: CodeSet, phase: str) -> list[float]:
    """Average all parameters after each client's epoch on its third of the images.

    Everyone keeps an optimiser; only the model goes back and forth.
    """
    loss, rate = task.METHODS[BinaryClassifier]
    recipe = Recipe(study.plan.rounds, LARGE.classifier_batch, rate)
    task.reseed(study.seed, phase)
    shared = BinaryClassifier(codes.n_bits, [HIDDEN], 2)
    clients = [Training(copy.deepcopy(shared), loss, recipe, f"{phase}, client {number}",
                        study.seed) for number in range(CLIENTS)]
    signs, labels = codes.epoch(0)
    thirds = torch.randperm(len(labels)).tensor_split(CLIENTS)
    curve = []
    for _ in range(study.plan.rounds):
        for client, rows in zip(clients, thirds, strict=True):
            client.model.load_state_dict(shared.state_dict())
            client.run_epoch([signs[rows], labels[rows]], lambda: None)
        states = [client.model.state_dict() for client in clients]
        shared.load_state_dict({key: torch.stack([state[key] for state in states]).float().mean(0)
                                for key in shared.state_dict()})
        curve.append(task.test(shared, *codes.test()))
    return curve
