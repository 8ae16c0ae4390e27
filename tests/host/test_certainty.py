"""Margins between scores: from which on a network is sure, and what is said of it."""

import numpy as np
import pytest

from sw.golden import forward
from sw.golden.network import random_network
from sw.host.certainty import Certainty, Uncertain, enough, margins


def test_margins_are_those_of_golden():
    network = random_network((20, 9, 5))
    codes = np.random.default_rng(0).integers(0, 2, (40, 20), np.uint8)
    scores = np.array([forward.trace(network, code)[-1] for code in codes])
    best = [sorted(each.tolist(), reverse=True)[:2] for each in scores]
    assert margins(scores).tolist() == [first - second for first, second in best]
    assert margins(scores).min() == 0 < margins(scores).max()


@pytest.mark.parametrize("found, right, share, margin", [
    ([5, 5, 5], [1, 1, 1], 0, 5), ([0, 1, 2], [0, 0, 0], 0.9, 3), ([0, 1, 2], [0, 1, 1], 0, 1),
    ([0, 0, 3], [1, 0, 1], 0.34, 0), ([0, 0, 3], [1, 0, 1], 0.33, 3), ([4], [0], 0, 5),
    ([1, 2, 3, 4], [1, 0, 1, 1], 0.25, 1)],
    ids=["all", "none", "half", "exactly", "too many", "one", "not the first"])
def test_the_least_margin_is_taken(found, right, share, margin):
    assert enough(np.array(found), np.array(right, bool), share) == margin


def test_what_is_said_is_of_codes_that_had_no_part():
    network = random_network((20, 9, 5))
    codes = np.random.default_rng(1).integers(0, 2, (400, 20), np.uint8)
    scores = np.array([forward.trace(network, code)[-1] for code in codes])
    labels = scores.argmax(1)
    labels[margins(scores) < 2] = 9    # Wrong.
    labels[1::20] = 9                  # And some of the other half.
    sure = margins(scores[1::2]) >= 2
    assert Certainty.of(network, codes, labels, 0.0) == Certainty(
        2, 200, sure.sum(), (scores.argmax(1) == labels)[1::2][sure].sum())
    assert str(Certainty(3, 7, 0, 0)) == ("not sure below a margin of 3: of 7 test codes 0.0 % are "
                                          "answered")


def test_one_code_tells_nothing():
    with pytest.raises(Uncertain, match=r"^--reject needs two test codes at the least, not 1$"):
        Certainty.of(random_network((4, 2)), np.zeros((1, 4), np.uint8), np.zeros(1, int), 0.1)
