"""Offsets that choose the same class, against all inputs and all offsets there are."""

from itertools import product

import numpy as np
import pytest

from sw.golden.qonnx.file.graph import Refused
from sw.golden.qonnx.recognised.scores import offsets

N_IN = 6
INPUTS = np.array(list(product((0, 1), repeat=N_IN)), np.uint8)


def counts(weights):
    return (INPUTS[:, None] == weights).sum(axis=2)


def classes(tables, weights):
    """Return the first highest score, of every input."""
    return np.take_along_axis(tables, counts(weights), axis=0).argmax(axis=1)


def scores(slopes, moves):
    return np.arange(N_IN + 1)[:, None] * np.array(slopes) + np.array(moves)


CASES = {
    "one scale": (scores([1, 1, 1], [0, 0, 0]), True),
    "whole offsets": (scores([1, 1, 1], [3, 0, 1]), True),
    "offsets of one class": (scores([0.3, 0.3, 0.3], [0, 0, 0.1]), True),
    "far apart": (scores([1, 1, 1], [99.5, 0, -99.2]), True),
    "scales, one always wins": (scores([1, 2, 3], [99, 0, 0]), False),
    "other scales": (scores([1, 2, 3], [0, 0, 0]), False),
    "steps": (np.floor(scores([0.5, 0.5, 0.5], [0, 0, 0])), False),
    "constant": (np.zeros((N_IN + 1, 3)), False),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", range(8))
def test_offsets_choose_the_same_class_of_every_input(name, seed):
    tables, there_are = CASES[name]
    weights = np.random.default_rng(seed).integers(0, 2, (3, N_IN), np.uint8)
    try:
        found = offsets(tables[None], weights)
    except Refused:
        assert not there_are
        return
    assert found.min() == 0
    assert ((counts(weights) + found).argmax(axis=1) == classes(tables, weights)).all()


@pytest.mark.parametrize("seed", range(30))
def test_what_is_refused_has_no_offsets_for_all_pairs_of_classes(seed):
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 2, (3, N_IN), np.uint8)
    tables = scores([1, 1, 1], rng.uniform(-3, 3, 3))
    pairs = [(0, 1), (0, 2), (1, 2)]

    def agrees(moves):
        return all((((counts(weights) + moves)[:, pair].argmax(axis=1)
                     == np.take_along_axis(tables, counts(weights), axis=0)[:, pair].argmax(axis=1)
                     ).all()) for pair in pairs)

    candidates = [np.array(moves) for moves in product(range(-8, 9), repeat=2)]
    possible = any(agrees(np.array([0, *moves])) for moves in candidates)
    try:
        found = offsets(tables[None], weights)
        assert possible and agrees(found)
    except Refused:
        assert not possible
