from itertools import combinations

import numpy as np
import pytest

from sw.federated.steps import FAR, Step, agree, beginning, rounded, words
from sw.training.asked.effort import RunError

SHAPE = (24, 16, 5, 3)
ENDS = [(16, 24), (5, 16)]


def wishes(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return [(scale * rng.normal(size=ends)).astype(np.float32) for ends in ENDS]


def thresholds(value=12):
    return [np.full(ends[0], value) for ends in ENDS]


def nothing():
    return [np.zeros(ends, np.float32) for ends in ENDS]


@pytest.mark.parametrize("seed", range(3))
def test_all_begin_alike_and_near_zero(seed):
    ones, others = beginning(SHAPE, seed), beginning(SHAPE, seed + 1)
    again = beginning(SHAPE, seed)
    assert [each.tolist() for each in ones.weights] == [each.tolist() for each in again.weights]
    assert all((one != other).any() for one, other in zip(ones.weights, others.weights))
    assert max(np.abs(weights).max() for weights in ones.weights) <= 0.3
    assert str(ones.network()) == "24-16-5-3"


def test_what_a_step_leaves_is_said_later():
    """What was said in some rounds and what is left are what was wished, weight by weight."""
    wanted, unsaid = wishes(0), nothing()
    moved = nothing()
    for _ in range(40):
        step, unsaid = rounded([wish + left for wish, left in zip(wanted, unsaid)], thresholds())
        moved = [before + move for before, move in zip(moved, step.moves())]
    for wish, move, left in zip(wanted, moved, unsaid):
        assert np.allclose(move + left, 40 * wish, atol=1e-3)


@pytest.mark.parametrize("wish, up, size", [
    ([[1, -3]], [[1, 0]], 2), ([[0, 0]], [[1, 1]], 0), ([[0, -2]], [[1, 0]], 1),
    ([[2, 2]], [[1, 1]], 2)], ids=["both", "nothing", "one", "all"])
def test_a_step_is_as_long_as_the_mean_wish(wish, up, size):
    step, left = rounded([np.array(wish, np.float32)], [])
    assert (step.ups[0].tolist(), step.sizes) == (up, (size,))
    assert (step.moves()[0] + left[0]).tolist() == wish


def test_latent_weights_stay_between_their_ends():
    latent = beginning(SHAPE, 0)
    far = Step(tuple(np.ones(ends, np.uint8) for ends in ENDS), (2.0, 0.5), tuple(thresholds(7)))
    after = latent.after([far, latent.stay(), far])
    assert after.weights[0].min() == after.weights[0].max() == after.weights[1].max() == 1
    assert after.thresholds[0].tolist() == [7] * 16
    assert latent.after([]) is latent


def said(seed, scale=1.0, threshold=12):
    return rounded(wishes(seed, scale), thresholds(threshold))[0]


def test_clients_agree_on_their_mean():
    steps, counts = [said(seed) for seed in range(3)], [1, 2, 3]
    agreed, left = agree(steps, counts, nothing())
    sizes = [min(step.sizes[0], sorted(each.sizes[0] for each in steps)[1]) for step in steps]
    mean = sum(count / 6 * size * (2.0 * step.ups[0] - 1)
               for count, size, step in zip(counts, sizes, steps))
    assert np.allclose(agreed.moves()[0] + left[0], mean, atol=1e-6)
    again, _ = agree([said(9)] * 3, counts, left)
    assert np.allclose(again.sizes[0], np.abs(said(9).moves()[0] + left[0]).mean(), atol=1e-6)


def test_one_of_one_kind_is_that_kind():
    agreed, left = agree([said(0)] * 3, [1, 5, 2], nothing())
    assert np.allclose(agreed.sizes, said(0).sizes) and np.allclose(left[0], 0, atol=1e-6)
    assert agreed.ups[0].tolist() == said(0).ups[0].tolist()


@pytest.mark.parametrize("far, threshold", [(FAR, 15), (0, 12)], ids=["mean", "robust"])
def test_a_liar_is_bounded(far, threshold):
    """By the median of what a step is long, and in its thresholds."""
    liar = said(3, 1e6, 24)
    agreed, left = agree([said(1), said(2), liar], [1, 1, 1], nothing(), far)
    assert np.abs(agreed.moves()[0] + left[0]).max() <= max(said(1).sizes[0], said(2).sizes[0])
    # A third of the way to 24, which is further than twice the root of 24 inputs from 12.
    assert agreed.thresholds[0].tolist() == [threshold] * 16


@pytest.mark.parametrize("counts, expected", [([1, 1], 13), ([3, 1], 12), ([1, 3], 13)])
def test_thresholds_are_weighed(counts, expected):
    agreed, _ = agree([said(0, threshold=12), said(1, threshold=13)], counts, nothing())
    assert agreed.thresholds[0].tolist() == [expected] * 16


@pytest.mark.parametrize("n_classes, width, least", [
    (1, 1, 0), (2, 1, 1), (4, 2, 1), (2, 128, 70), (10, 128, 48), (10, 8, 2), (26, 16, 2)])
@pytest.mark.parametrize("seed", range(4))
def test_code_words_differ(n_classes, width, least, seed):
    found = words(n_classes, width, seed)
    assert found.shape == (n_classes, width)
    assert min(((one != other).sum() for one, other in combinations(found, 2)),
               default=0) >= least


@pytest.mark.parametrize("n_classes, width", [(3, 1), (10, 3), (26, 4)])
def test_too_few_code_words_are_refused(n_classes, width):
    with pytest.raises(RunError, match=rf"^A last hidden layer of {width} has no code words far "
                                       rf"enough apart for {n_classes} classes: make it wider"):
        words(n_classes, width, 0)


def test_no_step_is_longer_than_the_latent_weights_are_apart():
    step, left = rounded(wishes(0, 50), thresholds())
    assert step.sizes == (2.0, 2.0)
    assert np.allclose(step.moves()[0] + left[0], wishes(0, 50)[0])
    agreed, _ = agree([step] * 3, [1, 1, 1], wishes(1, 50))
    assert agreed.sizes == (2.0, 2.0)
