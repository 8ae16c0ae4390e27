import pytest
import torch

from sw.models.binary import BinaryConv2d, BinaryLinear, binarize, clip
from sw.models.classifier import (
    BinaryClassifier,
    BinaryCNN,
    BinaryReadout,
    FullPrecisionTwin,
    predict,
)


@pytest.mark.parametrize("scores, klass", [
    ([0.0, 0.0, 0.0], 0), ([-5.0, 3.0, 3.0], 1), ([1.0, 2.0, 3.0], 2), ([3.0, 2.0, 3.0], 0),
])
def test_lowest_index_wins_a_tie(scores, klass):
    assert predict(torch.tensor([scores])).tolist() == [klass]


def test_many_ties_go_to_the_lowest_index():
    assert predict(torch.zeros(1000, 26)).unique().tolist() == [0]


@pytest.mark.parametrize("hidden", [(), (8,), (8, 4)])
def test_scores_are_integers_of_one_parity(hidden):
    model = BinaryClassifier(16, hidden, 3)
    model.readout.offset.data = torch.tensor([0.4, -1.7, 2.5])
    scores = model.eval()(binarize(torch.randn(50, 16))).detach()
    assert torch.equal(scores % 2, torch.zeros(50, 3))


def test_offset_counts_like_a_match():
    readout = BinaryReadout(8, 2)
    readout.linear.weight.data = torch.ones(2, 8)
    readout.offset.data = torch.tensor([0.0, 1.4])
    assert readout(torch.ones(1, 8)).tolist() == [[8.0, 10.0]]


def test_offset_learns_through_its_rounding():
    readout = BinaryReadout(8, 2)
    readout(torch.ones(1, 8))[0, 1].backward()
    assert readout.offset.grad.tolist() == [0.0, 2.0]


def test_clip_keeps_latent_weights_where_gradients_pass():
    model = BinaryCNN(2, (4,), 2)
    latent = [module.weight for module in model.modules()
              if isinstance(module, BinaryLinear | BinaryConv2d)]
    for weight in latent:
        weight.data.fill_(-3.0)
    clip(model)
    assert [weight.unique().tolist() for weight in latent] == [[-1.0]] * 5


def test_binary_cnn_gives_integers_to_pictures_of_signs():
    model = BinaryCNN(2, (8,), 3)
    scores = model.eval()(binarize(torch.randn(5, 1, 28, 28))).detach()
    assert scores.shape == (5, 3) and torch.equal(scores % 2, torch.zeros(5, 3))
    assert [tuple(stage.conv.weight.shape[:2]) for stage in model.stages
            ] == [(2, 1), (4, 2), (8, 4)]


def test_twin_has_the_widths_of_the_binary_network():
    twin = FullPrecisionTwin(200, (128, 64), 10)
    assert [tuple(p.shape) for name, p in twin.named_parameters() if p.dim() == 2
            ] == [(128, 200), (64, 128), (10, 64)]
