import numpy as np
import pytest
import torch

from sw.federated.codec import layout
from sw.federated.federation import believable
from sw.federated.rounds import adopt, aggregate, begin, first, give, learn, median, model_of
from sw.federated.splits import SPLITS, split
from sw.golden import bits
from sw.golden import forward as golden
from sw.golden.network import Network, random_network
from sw.models.classifier import BinaryClassifier
from sw.models.exact import export
from sw.training import task
from sw.training.asked.effort import RunError
from sw.training.task import Recipe

SHAPE = (24, 16, 3)


def flat(content):
    """Return all numbers of a network or a state."""
    if isinstance(content, Network):
        parts = [*(number for layer in content.layers
                   for number in (layer.weights, layer.thresholds)),
                 content.readout.weights, content.readout.offsets]
        return [int(number) for part in parts for number in part.ravel()]
    return [float(number) for part in content.values() for number in part.ravel()]


def learnable(n=900, seed=0):
    """Make signs of three classes, each near a code of its own, and their labels."""
    torch.manual_seed(seed)
    labels = torch.arange(n) % 3
    centers = torch.where(torch.rand(3, 24) < 0.5, 1.0, -1.0)
    return torch.where(torch.rand(n, 24) < 0.15, -centers[labels], centers[labels]), labels


@pytest.mark.parametrize("shape", [(24, 16, 3), (24, 2), (20, 9, 11, 4)], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_model_of_a_network_exports_to_it(shape, seed):
    network = random_network(shape, seed)
    assert flat(export(model_of(network, shape))) == flat(network)


def trained(client, codec="onebit", epochs=3, shape=SHAPE):
    training = begin(codec, shape, Recipe(8, 32, 3e-2), 0, client)
    signs, labels = learnable()
    for _ in range(epochs):
        training.run_epoch([signs, labels], lambda: None)
    training.model.eval()
    return training.model


@pytest.mark.parametrize("shape", [(24, 16, 3), (24, 2), (24, 9, 11, 4)], ids=str)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("old", [False, True])
def test_a_model_that_adopts_a_network_exports_to_it(shape, seed, old):
    network = random_network(shape, seed)
    model = (trained(seed, shape=shape) if old and shape[-1] > 2 else
             BinaryClassifier(shape[0], shape[1:-1], shape[-1]).eval())
    signs, _ = learnable()
    adopt(model, network, signs)
    assert flat(export(model)) == flat(network)


def test_latent_weights_keep_their_sizes_and_what_agrees_stays():
    model = trained(0)
    signs, _ = learnable()
    adopt(model, export(model), signs)    # Once for the statistics.
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    adopt(model, export(model), signs)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    adopt(model, random_network(SHAPE), signs)
    assert torch.equal(before["linears.0.weight"].abs(), model.linears[0].weight.abs())


def test_a_latent_zero_can_be_outvoted():
    model = BinaryClassifier(1, [], 2).eval()
    model.readout.linear.weight.data.zero_()
    network = random_network((1, 2))
    network.readout.weights[:] = [[0], [1]]
    adopt(model, network, torch.ones(4, 1))
    assert model.readout.linear.signs().tolist() == [[-1.0], [1.0]]


def three(codec):
    return [give(trained(client, codec), codec) for client in range(3)]


@pytest.mark.parametrize("codec", ["onebit", "float32"])
def test_one_of_one_kind_is_that_kind(codec):
    one = three(codec)[0]
    assert np.allclose(flat(aggregate([one] * 3, [1, 5, 2], one)), flat(one), rtol=1e-6)


def test_votes_are_majorities_and_medians():
    networks = [random_network(SHAPE, seed) for seed in range(5)]
    weights = [3, 1, 4, 1, 5]
    voted = aggregate(networks, weights, networks[0])
    ballots = np.repeat([flat(network) for network in networks], weights, axis=0)    # 14 rows.
    layer, before = voted.layers[0], flat(networks[0])
    n = layer.weights.size
    for place in range(n):
        ones = ballots[:, place].sum()
        assert layer.weights.ravel()[place] == (before[place] if ones == 7 else ones > 7)
    lower = np.sort(ballots[:, n:n + 16], axis=0)[6]
    assert layer.thresholds.tolist() == lower.tolist()


def lie(network):
    """Flip every sign, and say the least and the most of every threshold."""
    layer = network.layers[0]
    thresholds = np.where(np.arange(layer.n_out) % 2, 0, layer.n_in + 1)
    readout = type(network.readout)(1 - network.readout.weights, network.readout.offsets[::-1])
    return Network([type(layer)(1 - layer.weights, thresholds)], readout)


def test_a_liar_changes_nothing_on_which_the_others_agree():
    honest = three("onebit")
    voted = np.array(flat(aggregate([*honest[:2], lie(honest[2])], [1, 1, 1], honest[0])))
    ballots = np.array([flat(network) for network in honest[:2]])
    n = honest[0].n_weights + 16    # Offsets follow, which may be shifted to begin at 0.
    assert (ballots.min(0) <= voted)[:n].all() and (voted <= ballots.max(0))[:n].all()


def test_a_liar_is_bounded_by_the_median_and_not_by_the_mean():
    honest = three("float32")
    liar = {name: -1000 * tensor.abs() for name, tensor in honest[2].items()}
    ballots = np.array([flat(state) for state in honest[:2]])
    found = [np.array(flat(state)) for state in
             (median([*honest[:2], liar]), aggregate([*honest[:2], liar], [1, 1, 1], liar))]
    assert [bool(((ballots.min(0) <= one) & (one <= ballots.max(0))).all()) for one in found] == [
        True, False]


@pytest.mark.parametrize("codec", ["onebit", "float32"])
@pytest.mark.parametrize("name", SPLITS)
def test_clients_learn_together(codec, name):
    signs, labels = learnable()
    parts = split(name, labels, 3, 0.5, 0)
    content = first(codec, SHAPE, 0)
    clients = [begin(codec, SHAPE, Recipe(6, 32, 3e-2), 0, number) for number in range(3)]
    for round in range(1, 7):
        for client, rows in zip(clients, parts):
            learn(client, content, round, [signs[rows], labels[rows]])
        content = aggregate([give(client.model, codec) for client in clients],
                            [len(rows) for rows in parts], content)
    model = model_of(content, SHAPE)
    packed = bits.to_bits(signs.numpy().astype(np.int8))
    assert np.array_equal(golden.classify_all(export(model), packed),
                          task.classify(model, signs).numpy())
    assert task.test(model, signs, labels) > 90


def test_a_client_sends_the_floats_of_its_model():
    assert {name: tensor.shape for name, tensor in first("float32", SHAPE, 0).items()} == (
        layout(SHAPE))


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
    ([5], [5]), ([7, 7], [7, 7]), ([1, 2, 3], [1, 2, 3]), ([100] * 4 + [200], [100] * 4 + [199]),
    ([100] * 4 + [199], [100] * 4 + [199]),
    ([100, 100, 2 ** 32 - 1], [100, 100, 199]),          # Less than half.
    ([1, 1, 1], [1, 1, 1]), ([1, 2 ** 32 - 1], [1, 2 ** 32 - 1]),      # Of two none is usual.
    ([55, 1395, 11215], [55, 1395, 2789]),               # An honest one with most of all images.
    ([100] * 4 + [2 ** 32 - 1] * 2, [100] * 4 + [199] * 2),
    ([1, 2 ** 32 - 1, 2 ** 32 - 1], [1, 2 ** 32 - 1, 2 ** 32 - 1]),    # Most of them lie.
])
def test_what_a_claim_counts(claims, counts):
    assert believable(claims) == counts
