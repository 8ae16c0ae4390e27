from functools import partial

import pytest
import torch

from sw.models.classifier import BinaryClassifier
from sw.models.encoding import pack_signs, unpack_signs
from sw.training import task
from sw.training.task import Recipe, Training


def training(seed=0, epochs=6):
    task.reseed(seed, "initial weights")
    recipe = Recipe(epochs, 10, 1e-2)
    return Training(BinaryClassifier(12, (8,), 2), task.binary_loss, recipe, "x", seed)


@pytest.fixture
def rows():
    """Signs whose class says of which there are more."""
    torch.manual_seed(0)
    signs = unpack_signs(pack_signs(torch.randn(45, 12)), 12)
    return [signs, (signs.sum(dim=1) > 0).long()]


def run(training, rows, until):
    while training.epoch < until:
        training.run_epoch(rows, lambda: None)
    return training


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.model.state_dict().values(),
                                                 b.model.state_dict().values(), strict=True))


def test_resumed_training_equals_uninterrupted(rows):
    whole = run(training(), rows, 6)
    state = run(training(), rows, 2).state()
    torch.manual_seed(99)    # Whatever happened in between.
    resumed = training()
    resumed.restore(state)
    assert same(run(resumed, rows, 6), whole)
    assert not same(run(training(seed=1), rows, 6), whole)


def test_a_state_does_not_change_with_its_training(rows):
    begun = run(training(), rows, 1)
    state = begun.state()
    weights = state["model"]["readout.linear.weight"].clone()
    run(begun, rows, 2)
    assert torch.equal(state["model"]["readout.linear.weight"], weights)


def test_training_learns(rows):
    model = run(training(epochs=60), rows, 60).model
    assert task.accuracy(task.classify(model, rows[0]), rows[1]) > 75    # Always one class: 53.


def test_rate_falls_to_zero(rows):
    rates = []
    learner = training()
    for _ in range(6):
        learner.run_epoch(rows, lambda: rates.append(learner.optimizer.param_groups[0]["lr"]))
    assert rates == sorted(rates, reverse=True) and rates[0] == 1e-2 and rates[-1] < 1e-3


def test_the_rate_rises_first_where_it_is_asked_to():
    recipe = Recipe(10, 10, 0.5, rise=0.3)
    rates = [recipe.rate_at(number / 100) for number in range(101)]
    assert rates[0] == 0.02 and rates[30] == max(rates) == 0.5 and rates[-1] == 0
    assert rates[:31] == sorted(rates[:31]) and rates[30:] == sorted(rates[30:], reverse=True)
    assert rates[15] == pytest.approx(0.26) and rates[65] == pytest.approx(0.25)


def test_moments_come_back_in_the_order_of_memory_of_their_parameters(rows):
    def begin():
        torch.manual_seed(0)
        model = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        recipe = Recipe(2, 10, 1e-2, partial(torch.optim.SGD, momentum=0.9))
        return Training(model, lambda model, x: model(x).square().mean(), recipe, "x", 0)

    images, first, second = [torch.rand(20, 3, 5, 5)], begin(), begin()
    run(first, images, 1)
    state = first.state()
    for moment in state["optimizer"].values():    # As a checkpoint has them.
        moment["momentum_buffer"] = moment["momentum_buffer"].contiguous()
    second.restore(state)
    one, other = ([each["momentum_buffer"] for each in training.optimizer.state.values()]
                  for training in (first, second))
    assert [each.stride() for each in one] == [each.stride() for each in other]
    assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


@pytest.mark.parametrize("n_rows, n", [(1, 1), (9, 1), (10, 1), (19, 1), (20, 2), (45, 4)])
def test_no_batch_is_smaller_than_asked_for(n_rows, n):
    assert task.n_batches([torch.zeros(n_rows)], Recipe(1, 10, 1.0)) == n


def test_every_row_is_seen_once_an_epoch_in_another_order():
    seen = []

    def loss(model, numbers):
        seen.extend(numbers.tolist())
        return model(torch.ones(2, 12)).sum()

    learner = Training(BinaryClassifier(12, (8,), 2), loss, Recipe(2, 10, 1e-2), "x", 0)
    run(learner, [torch.arange(45)], 2)
    assert sorted(seen[:45]) == sorted(seen[45:]) == list(range(45))
    assert seen[:45] != seen[45:]


def test_an_epoch_trains_whatever_mode_it_finds(rows):
    learner = training()
    learner.model.eval()
    assert run(learner, rows, 1).model.training
