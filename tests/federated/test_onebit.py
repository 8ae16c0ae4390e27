import numpy as np
import pytest
import torch

from sw.federated import onebit
from sw.federated.codec import CodecError
from sw.federated.onebit import Client, model_of
from sw.federated.settings import Settings
from sw.federated.steps import Latent, beginning
from sw.golden.network import OutputLayer, random_network
from sw.models.exact import export

SHAPE = (24, 16, 3)


def latent_of(network):
    """Return latent weights that are rounded to a network."""
    return Latent(tuple(layer.weights - np.float32(0.5) for layer in network.layers),
                  tuple(layer.thresholds for layer in network.layers), network.readout)


@pytest.mark.parametrize("shape", [(24, 16, 3), (20, 9, 11, 4), (1, 1, 2)], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_the_model_exports_to_the_network(shape, seed):
    network = random_network(shape, seed)
    found = export(model_of(latent_of(network)))
    for one, other in zip(found.layers, network.layers, strict=True):
        assert one.weights.tolist() == other.weights.tolist()
        assert one.thresholds.tolist() == other.thresholds.tolist()
    assert found.readout.offsets.tolist() == network.readout.offsets.tolist()


def test_a_latent_zero_is_one_bit():
    latent = Latent((np.float32([[0, -0.0, -1e-30]]),), (np.array([2]),),
                    OutputLayer(np.ones((2, 1), np.uint8), np.array([0, 0])))
    assert latent.network().layers[0].weights.tolist() == [[1, 1, 0]]
    assert model_of(latent).linears[0].signs().tolist() == [[1, 1, -1]]


@pytest.mark.parametrize("knows, told, first, said", [
    (1, 0, 1, None), (1, 2, 3, None), (2, 2, 3, None), (3, 2, 3, None), (3, 0, 3, None),
    (1, 1, 3, "It knows what round 1 begins with, and is told the steps of rounds 2 to 2"),
    (4, 2, 3, "It knows what round 4 begins with, and is told the steps of rounds 1 to 2"),
    (1, 3, 3, "It knows what round 1 begins with, and is told the steps of rounds 0 to 2")],
    ids=["the first", "all", "some", "none new", "none", "a gap", "the past", "too many"])
def test_a_client_takes_the_steps_that_it_does_not_know(knows, told, first, said):
    step, _ = onebit.rounded([np.ones((16, 24), np.float32) / 8], [np.full(16, 12)])
    one = Client(Settings(), SHAPE, 0, None)
    one.told((step,) * (knows - 1), knows)
    if said:
        with pytest.raises(CodecError) as refused:
            one.told((step,) * told, first)
        assert str(refused.value) == said
        return
    one.told((step,) * told, first)
    wanted = beginning(SHAPE, 0).after((step,) * (first - 1))
    assert one.latent.weights[0].tolist() == wanted.weights[0].tolist()


def test_what_a_client_keeps_is_what_it_was():
    torch.manual_seed(0)
    rows = [torch.randn(50, 24).sign(), torch.arange(50) % 3]
    one = Client(Settings(), SHAPE, 7, None)
    first = one.learn(rows)
    again = Client(Settings(), SHAPE, 7, one.memory())
    for each in (one, again):
        each.told(first, 2)
    assert all(np.array_equal(*pair) for pair in
               zip(one.learn(rows)[0].ups, again.learn(rows)[0].ups))


@pytest.mark.parametrize("signs, thresholds", [
    ([[1, 1], [1, 1]], [3, 3]), ([[-1, -1]], [1, 1]), ([[1, -1]], [2, 2]),
    ([[1, 1], [-1, -1], [-1, -1]], [1, 1])], ids=["all", "none", "a half", "a third"])
def test_thresholds_are_above_the_mean_count(signs, thresholds):
    latent = Latent((np.ones((2, 2), np.float32),), (np.array([1, 1]),),
                    OutputLayer(np.ones((2, 2), np.uint8), np.array([0, 0])))
    found, = onebit._thresholds(latent, torch.tensor(signs).float())
    assert found.tolist() == thresholds


@pytest.mark.parametrize("n, size", [(1, 32), (16, 32), (640, 32), (659, 32), (660, 33),
                                     (2000, 100)])
def test_a_round_has_as_many_batches_whatever_there_is(n, size):
    batches = onebit._batches([torch.arange(n), torch.arange(n)])
    assert [len(batch[0]) for batch in batches] == [size] * 20
    seen = torch.cat([batch[0] for batch in batches]).bincount(minlength=n)
    assert seen.min() >= (20 * size) // n and seen.max() - seen.min() <= 1
