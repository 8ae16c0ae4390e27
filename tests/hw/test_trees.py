# amaranth: UnusedElaboratable=no
"""The engine of trees equals golden, and so does the accelerator."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hw.trees import STEP, TreeAccelerator, TreeEngine
from sw.experiments import boosting
from sw.golden import frame
from sw.golden.trees import Trees
from tests.serial import SETTLES, run
from tests.streams import run as exchange


def trees_for(n_in, shape, least=-8, most=7, seed=0):
    """Return random trees: classes, trees of each, depth."""
    rng = np.random.default_rng(seed)
    shape = (*shape[:2], 1 << shape[2])
    features = rng.integers(0, n_in, shape, np.uint16)
    features[..., 0] = 0
    return Trees(n_in, features, rng.integers(least, most + 1, shape, np.int8))


def inputs_for(trees, n):
    inputs = np.random.default_rng(1).integers(0, 2, (n, trees.n_in), np.uint8)
    inputs[:2] = [[0], [1]]
    return inputs


# Bits of an input; classes, trees of each and their depth; least and greatest number at an end.
CASES = {
    "whole bytes": (24, (3, 2, 2), -8, 7), "bytes that are filled up": (13, (3, 2, 3), -8, 7),
    "one bit": (1, (2, 1, 1), -1, 0), "one class": (9, (1, 2, 2), -8, 7),
    "one tree a class": (16, (3, 1, 3), -128, 127), "ties": (9, (5, 2, 1), 0, 0),
    "few numbers": (40, (2, 3, 1), -1, 1), "all below zero": (20, (2, 3, 2), -128, -120),
    "all above zero": (20, (2, 3, 2), 120, 127),
}


@pytest.mark.parametrize("name", CASES)
def test_engine_equals_golden(name):
    trees = trees_for(*CASES[name][:2], *CASES[name][2:])
    inputs = inputs_for(trees, 6)
    engine = TreeEngine(trees)
    steps = [step for each in inputs for step in (each, SETTLES, "accept")]
    classes, accepts, times, _ = run(engine, steps, len(inputs))
    assert classes == trees.classify(inputs).tolist()
    assert times[0] - accepts[0] == engine.cycles + 2
    assert engine.cycles == STEP * trees.leaves[..., 0].size * (trees.depth + 1)


def test_images_that_wait_follow_at_once():
    trees = trees_for(16, (3, 2, 2))
    engine = TreeEngine(trees)
    one, two, three = inputs_for(trees, 5)[2:]
    steps = [one, SETTLES, "accept", two, SETTLES, "accept", three, "abort", three, SETTLES,
             "accept"]
    classes, _, times, _ = run(engine, steps, 3)
    assert classes == trees.classify(np.array([one, two, three])).tolist()
    assert times[1] - times[0] == engine.cycles


def test_accelerator_equals_golden():
    trees = trees_for(19, (4, 2, 2))
    dut = TreeAccelerator(trees)
    numbered = list(zip(range(123, 128), inputs_for(trees, 5)))    # Some must be escaped.
    sent = b"".join(frame.request(*each) for each in numbered)
    expected = b"".join(frame.answer(number, int(trees.classify(each[None])[0]))
                        for number, each in numbered)
    assert bytes(exchange(dut, dut.rx, dut.tx, sent, len(expected))) == expected


def test_engine_equals_scikit_learn():
    """Its own walk through its own trees, each number in the steps that were chosen."""
    digits = load_digits()
    x = (digits.data > 7).astype(np.uint8)
    model, seen = boosting.boost(x[:400], digits.target[:400], depth=2, nodes=80)
    trees = boosting.rounded(model, seen, x[:400], digits.target[:400])
    chosen = x[400:800, seen].astype(float)
    values = np.array([[each.predict(chosen, np.zeros((0, 8), np.uint32),
                                     np.zeros(len(seen), np.uint32), 1) for each in classes]
                       for classes in model._predictors])
    values[0] += model._baseline_prediction.reshape(-1, 1)
    found = [np.clip(np.rint(values / step), -8, 7).sum(axis=0).T for step in boosting.STEPS]
    scores = trees.scores(trees.ends(x[400:800]))
    assert sum(np.array_equal(scores, each) for each in found) == 1
    classes = scores.argmax(axis=1)
    assert (classes == digits.target[400:800]).mean() > 0.5
    some = np.unique(classes, return_index=True)[1][:6]
    steps = [step for each in x[400:800][some] for step in (each, SETTLES, "accept")]
    assert run(TreeEngine(trees), steps, len(some))[0] == classes[some].tolist()
