from dataclasses import replace

import numpy as np
import pytest
import torch

from sw.federated.client_app import CLIENTS
from sw.federated.codec import Update, decode, layout
from sw.federated.federation import Federation, believable
from sw.federated.rounds import average, first, median
from sw.federated.settings import Settings
from sw.federated.splits import SPLITS, split
from sw.golden import bits
from sw.golden import forward as golden
from sw.models.exact import export
from sw.training import task
from sw.training.asked.effort import SMALL, RunError

SHAPE = (24, 16, 3)


def flat(state):
    """Return all numbers of a state."""
    return [float(number) for part in state.values() for number in part.ravel()]


def learnable(n=900, seed=0):
    """Make signs of three classes, each near a code of its own, and their labels."""
    torch.manual_seed(seed)
    labels = torch.arange(n) % 3
    centers = torch.where(torch.rand(3, 24) < 0.5, 1.0, -1.0)
    return torch.where(torch.rand(n, 24) < 0.15, -centers[labels], centers[labels]), labels


def client(number, codec="float32", rounds=6, memory=None):
    settings = Settings(codec=codec, rounds=rounds)
    return CLIENTS[codec](settings, SHAPE, number, memory)


def three():
    def trained(one):
        one.told(first(SHAPE, 0), 1)
        return one.learn(learnable())
    return [trained(client(number)) for number in range(3)]


def test_one_of_one_kind_is_that_kind():
    one = three()[0]
    assert np.allclose(flat(average([one] * 3, [1, 5, 2])), flat(one), rtol=1e-6)


def test_a_liar_is_bounded_by_the_median_and_not_by_the_mean():
    honest = three()
    liar = {name: -1000 * tensor.abs() for name, tensor in honest[2].items()}
    ballots = np.array([flat(state) for state in honest[:2]])
    found = [np.array(flat(state)) for state in
             (median([*honest[:2], liar]), average([*honest[:2], liar], [1, 1, 1]))]
    assert [bool(((ballots.min(0) <= one) & (one <= ballots.max(0))).all()) for one in found] == [
        True, False]


@pytest.mark.parametrize("codec", CLIENTS)
@pytest.mark.parametrize("name, alpha", [("iid", 1), ("unequal", 1), ("dirichlet", 0.5),
                                         ("dirichlet", 0.1), ("classes", 1)])
def test_clients_learn_together(tmp_path, monkeypatch, codec, name, alpha):
    monkeypatch.setattr(Settings, "effort", replace(SMALL, classifier_batch=32))
    signs, labels = learnable()
    parts = split(name, labels, 3, alpha, 1, classes=2)
    federation = Federation(Settings(codec=codec, rounds=8), SHAPE, tmp_path / "state")
    memories = [None] * 3
    while federation.round <= 8:
        updates = {}
        for number, rows in enumerate(parts):
            one = client(number, codec, 8, memories[number])
            data = federation.question(number, federation.round)
            one.told(decode(data, codec, SHAPE, federation.round).content, federation.round)
            content = one.learn([signs[rows], labels[rows]])
            updates[number] = Update(federation.round, len(rows), content)
            memories[number] = one.memory()
        federation.close(updates, asked=[0, 1, 2])
    model = federation.model(federation.content)
    packed = bits.to_bits(signs.numpy().astype(np.int8))
    assert np.array_equal(golden.classify_all(export(model), packed),
                          task.classify(model, signs).numpy())
    assert task.test(model, signs, labels) > (90 if codec == "onebit" or alpha == 1 else 50)


def test_a_client_sends_the_floats_of_its_model():
    assert {name: tensor.shape for name, tensor in first(SHAPE, 0).items()} == layout(SHAPE)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("clients", [1, 3, 10])
@pytest.mark.parametrize("name", SPLITS)
def test_each_row_is_someones(name, clients, seed):
    labels = learnable()[1]
    parts = split(name, labels, clients, 0.3, seed, classes=3)
    assert len(parts) == clients and min(map(len, parts)) >= 16
    assert sorted(torch.cat(parts).tolist()) == list(range(900))
    again = split(name, labels, clients, 0.3, seed, classes=3)
    assert all(torch.equal(*pair) for pair in zip(parts, again))


@pytest.mark.parametrize("clients, classes, owned", [
    (10, 2, [2] * 10), (10, 1, [1] * 10), (5, 2, [2] * 5), (3, 4, [4] * 3), (2, 10, [10] * 2),
    (20, 2, [2] * 20)])
def test_a_split_by_classes_is_around_a_ring(clients, classes, owned):
    labels = torch.arange(2000) % 10
    parts = split("classes", labels, clients, 1.0, 3, classes)
    assert [len(labels[part].unique()) for part in parts] == owned
    assert sorted(torch.cat(parts).tolist()) == list(range(2000))
    holders = [sum(bool((labels[part] == label).any()) for part in parts) for label in range(10)]
    assert max(holders) - min(holders) <= 1


def test_splits_are_what_they_say():
    labels = learnable()[1]
    sizes = {name: [len(part) for part in split(name, labels, 3, 0.3, 0)] for name in SPLITS}
    assert sizes["iid"] == [300] * 3
    assert sizes["unequal"] == [158, 300, 442]
    skewed = [labels[part].bincount(minlength=3).max() / len(part)
              for part in split("dirichlet", labels, 3, 0.3, 0)]
    assert max(skewed) > 0.6


@pytest.mark.parametrize("arguments, sentence", [
    (("even", 3, 1.0), "Unknown split 'even'; known are: iid, dirichlet, unequal, classes"),
    (("iid", 0, 1.0), "900 images are enough for 1 to 56 clients, not for 0"),
    (("iid", 57, 1.0), "900 images are enough for 1 to 56 clients, not for 57"),
    (("dirichlet", 3, 0.0), "Alpha must be above 0, not 0.0"),
    (("dirichlet", 30, 1e-3),
     "With an alpha of 0.001 some of 30 clients get fewer than 16 images"),
    (("classes", 2, 1.0, 1), "2 clients of 1 classes each do not share 3 classes: a client must "
     "have 1 to 3, and each class somebody"),
    (("classes", 3, 1.0, 0), "3 clients of 0 classes each do not share 3 classes: a client must "
     "have 1 to 3, and each class somebody"),
    (("classes", 3, 1.0, 4), "3 clients of 4 classes each do not share 3 classes: a client must "
     "have 1 to 3, and each class somebody"),
])
def test_what_cannot_be_split_is_refused(arguments, sentence):
    name, clients, alpha, *classes = arguments
    with pytest.raises(RunError) as refused:
        split(name, learnable()[1], clients, alpha, 0, *classes)
    assert str(refused.value) == sentence



@pytest.mark.parametrize("claims, counts", [
    ([5], [5]), ([7, 7], [7, 7]), ([1, 2, 3], [1, 2, 2]), ([100] * 4 + [101], [100] * 5),
    ([99, 100, 100], [99, 100, 100]), ([100, 100, 2 ** 32 - 1], [100] * 3),
    ([1, 1, 1], [1, 1, 1]), ([1, 2 ** 32 - 1], [1, 2 ** 31]),    # Of two none is usual.
    ([55, 1395, 11215], [55, 1395, 1395]),               # An honest one with most of all images.
    ([100] * 4 + [2 ** 32 - 1] * 2, [100] * 6),
    ([1, 2 ** 32 - 1, 2 ** 32 - 1], [1, 2 ** 32 - 1, 2 ** 32 - 1]),    # Most of them lie.
])
def test_what_a_claim_counts(claims, counts):
    assert believable(claims) == counts
