import numpy as np
import pytest
import torch
from torch import nn

from sw.golden import bits
from sw.golden import forward as golden
from sw.golden.network import random_network
from sw.models.binary import BinaryLinear, Signs, binarize
from sw.models.classifier import BinaryClassifier, BinaryReadout, predict
from sw.models.exact import (
    ExportError,
    check_equal,
    export,
    export_layer,
    export_readout,
    weight_bits,
)

N_IN = 16

# Scale, bias, running mean, running variance of a neuron.
NEURONS = {
    "positive": (1.0, 0.0, 0.0, 1.0),
    "positive, moved": (0.3, 0.5, 3.0, 2.0),
    "negative": (-1.0, 0.0, 4.0, 1.0),
    "negative, moved": (-0.3, 0.5, -2.0, 0.5),
    "zero, always": (0.0, 1.0, 0.0, 1.0),
    "zero, never": (0.0, -1.0, 0.0, 1.0),
    "zero, on the edge": (0.0, 0.0, 5.0, 1.0),
    "minus zero": (-0.0, -0.0, 5.0, 1.0),
    "tie at a sum": (1.0, 0.0, 2.0, 1.0),
    "negative, tie at a sum": (-1.0, 0.0, 2.0, 1.0),
    "tie at the least sum": (1.0, 0.0, -16.0, 1.0),
    "tie at the greatest sum": (1.0, 0.0, 16.0, 1.0),
    "negative, tie at the greatest sum": (-1.0, 0.0, 16.0, 1.0),
    "always": (1.0, 99.0, 0.0, 1.0),
    "never": (1.0, -99.0, 0.0, 1.0),
    "negative, always": (-1.0, 99.0, 0.0, 1.0),
    "negative, never": (-1.0, -99.0, 0.0, 1.0),
    "tiny": (1e-38, 0.0, 1.0, 1.0),
    "denormal": (1e-44, 0.0, 1.0, 1e9),
    "negative, tiny": (-1e-38, 0.0, 1.0, 1.0),
    "huge": (1e38, 1e38, 1.0, 1.0),
    "negative, huge": (-1e38, -1e38, 1.0, 1.0),
    "variance zero": (1.0, 0.1, 1.0, 0.0),
    "variance huge": (1.0, -1e-20, 1.0, 1e38),
    "rounding at the edge": (0.1, 0.1, 1.0 / 3.0, 0.7),
}


def norm_of(neurons):
    """Make a batch norm in evaluation mode from rows like those of NEURONS."""
    norm = nn.BatchNorm1d(len(neurons)).eval()
    columns = torch.tensor(neurons).T
    norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var = columns
    return norm


def signs_with(linear, n):
    """Draw signs, and add the rows that match each neuron in full and not at all."""
    rows = binarize(linear.weight).detach()
    return torch.cat([binarize(torch.randn(n, linear.weight.shape[1])), rows, -rows])


def test_layer_equals_module_for_every_kind_of_neuron():
    torch.manual_seed(0)
    linear, norm = BinaryLinear(N_IN, len(NEURONS)), norm_of(list(NEURONS.values()))
    layer = export_layer(linear, norm, Signs(1))
    x = signs_with(linear, 500)
    y = binarize(norm(linear(x))).detach()
    given = np.array([golden.hidden(layer, row) for row in bits.to_bits(x.numpy())])
    wrong = (given != bits.to_bits(y.numpy())).any(axis=0)
    assert [name for name, bad in zip(NEURONS, wrong, strict=True) if bad] == []


@pytest.mark.parametrize("name, threshold", [
    ("zero, always", 0), ("zero, never", N_IN + 1), ("zero, on the edge", 0), ("always", 0),
    ("never", N_IN + 1), ("negative, always", 0), ("negative, never", N_IN + 1),
    ("tie at a sum", 9), ("tie at the least sum", 0), ("tie at the greatest sum", N_IN),
    ("negative, tie at a sum", 7), ("negative, tie at the greatest sum", 0),
])
def test_threshold_is_the_least_count_that_fires(name, threshold):
    layer = export_layer(BinaryLinear(N_IN, 1), norm_of([NEURONS[name]]), Signs(1))
    assert layer.thresholds.tolist() == [threshold]


@pytest.mark.parametrize("name, turned", [
    ("positive", False), ("negative", True), ("negative, tie at a sum", True),
    # What never changes its mind keeps its weights: a model has one network, byte for byte.
    *((name, False) for name in ("always", "never", "negative, always", "negative, never",
                                 "zero, always", "negative, tie at the greatest sum"))])
def test_only_what_fires_at_few_matches_is_turned(name, turned):
    linear = BinaryLinear(N_IN, 1)
    layer = export_layer(linear, norm_of([NEURONS[name]]), Signs(1))
    assert (layer.weights ^ weight_bits(linear)).tolist() == [[int(turned)] * N_IN]


@pytest.mark.parametrize("neuron", [
    (np.nan, 0.0, 0.0, 1.0), (1.0, np.inf, 0.0, 1.0), (1.0, 0.0, -np.inf, 1.0),
    (1.0, 0.0, 0.0, np.nan),
])
def test_numbers_that_are_not_finite_are_refused(neuron):
    with pytest.raises(ExportError, match=r"^The numbers of a batch norm must be finite$"):
        export_layer(BinaryLinear(N_IN, 1), norm_of([neuron]), Signs(1))


def test_a_variance_below_zero_is_refused():
    with pytest.raises(ExportError, match=r"^Neuron 1 gives NaN$"):
        export_layer(BinaryLinear(N_IN, 2), norm_of([(1.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, -1.0)]),
                     Signs(2))


def test_training_mode_is_refused():
    with pytest.raises(ExportError, match=r"^Call eval\(\) before export: batch norm is still in "
                                          r"training mode$"):
        export_layer(BinaryLinear(N_IN, 1), nn.BatchNorm1d(1), Signs(1))


def test_weights_that_are_not_finite_are_refused():
    linear = BinaryLinear(N_IN, 1)
    linear.weight.data[0, 3] = np.nan
    with pytest.raises(ExportError, match=r"^Weights must be finite$"):
        export_layer(linear, nn.BatchNorm1d(1).eval(), Signs(1))


class Between(nn.BatchNorm1d):
    """Not a batch norm at all: fires for sums in the middle only."""

    def forward(self, x):
        return 4 - x.abs()


def test_a_neuron_that_is_no_threshold_is_refused():
    with pytest.raises(ExportError, match=r"^Neuron 0 is not a threshold on its count$"):
        export_layer(BinaryLinear(N_IN, 1), Between(1).eval(), Signs(1))


@pytest.mark.parametrize("learnt, offsets", [
    ([0.0, 0.0], [0, 0]), ([-2.4, 1.6], [0, 4]), ([0.5, 1.5], [0, 2]), ([9.0, 7.0], [2, 0]),
    ([0.0, 65_535.0], [0, 65_535]),
])
def test_the_least_offset_becomes_zero(learnt, offsets):
    readout = BinaryReadout(N_IN, 2)
    readout.offset.data = torch.tensor(learnt)
    assert export_readout(readout).offsets.tolist() == offsets


@pytest.mark.parametrize("learnt, message", [
    ([0.0, 65_536.0], r"^Offsets must lie within 65535 of each other, not 65536$"),
    ([0.0, np.nan], r"^Offsets must be finite, not nan$"),
])
def test_offsets_that_do_not_fit_are_refused(learnt, message):
    readout = BinaryReadout(N_IN, 2)
    readout.offset.data = torch.tensor(learnt)
    with pytest.raises(ExportError, match=message):
        export_readout(readout)


@pytest.mark.parametrize("hidden", [(), (1,), (9,), (33, 7)])
def test_network_has_the_scores_of_the_model(hidden):
    torch.manual_seed(1)
    model = BinaryClassifier(N_IN, hidden, 5)
    model.readout.offset.data = torch.tensor([0.2, -3.4, 1.5, 2.0, 0.0])
    model.readout.linear.weight.data[:, 0] = torch.tensor([0.0, -0.0, 0.0, -1e-45, 1e-45])
    model(binarize(torch.randn(64, N_IN)))    # Moves the running mean and variance.
    network = export(model.eval())
    x = binarize(torch.randn(300, N_IN))
    scores = model(x).detach()

    assert network.shape == model.shape
    for row, expected in zip(bits.to_bits(x.numpy()), scores, strict=True):
        for layer in network.layers:
            row = golden.hidden(layer, row)
        # Two scores of torch are one count; offsets begin at 0 in the network only.
        apart = 2 * golden.scores(network.readout, row) - expected.numpy()
        assert (apart == apart[0]).all()
    check_equal(network, predict(scores), bits.to_bits(x.numpy()))


def test_a_network_that_differs_is_refused():
    network = random_network((N_IN, 8, 3))
    codes = np.random.default_rng(0).integers(0, 2, (6, N_IN), np.uint8)
    classes = torch.from_numpy(golden.classify_all(network, codes))
    classes[[1, 4]] += 1
    with pytest.raises(ExportError, match=r"^Model and network differ on 2 of 6 codes$"):
        check_equal(network, classes, codes)
