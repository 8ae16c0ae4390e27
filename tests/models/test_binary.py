"""SD-BNN's ways to binarise: what they add, and that bits and thresholds hold all of it."""

import pytest
import torch

from sw.golden import bits
from sw.models.binarizer import SD, Binarizer
from sw.models.binary import (
    BinaryConv2d,
    BinaryLinear,
    Signs,
    binarize,
    clip,
    set_progress,
    sharpness,
)
from sw.models.classifier import BinaryClassifier, BinaryCNN
from sw.models.exact import ExportError, check_equal, export
from sw.training.task import classify

N_IN = 23


def disturbed(binarizer, hidden=(17, 9)):
    """A classifier in which no learnt number is what it began with."""
    torch.manual_seed(1)
    model = BinaryClassifier(N_IN, hidden, 3, binarizer)
    for parameter in model.parameters():
        parameter.data += torch.randn_like(parameter)
    for norm in model.norms:
        norm.running_mean += 3 * torch.randn_like(norm.running_mean)
        norm.running_var *= 1 + 20 * torch.rand_like(norm.running_var)
    return model.eval()


@pytest.mark.parametrize("binarizer", [
    Binarizer(), Binarizer(ede=True), Binarizer(wsd=True), Binarizer(asd="static"), SD], ids=str)
@pytest.mark.parametrize("hidden", [(), (17,), (17, 9)], ids=str)
def test_the_network_equals_the_model(binarizer, hidden):
    model = disturbed(binarizer, hidden)
    signs = 2.0 * torch.randint(2, (500, N_IN)) - 1
    check_equal(export(model), classify(model, signs), bits.to_bits(signs.int().numpy()))


@pytest.mark.parametrize("name, binarizer", [
    ("static shift", Binarizer(asd="static")), ("weights", Binarizer(wsd=True))])
def test_what_is_added_reaches_the_network(name, binarizer):
    model = disturbed(binarizer)
    before = export(model)
    for signs in model.signs:
        if binarizer.asd:
            signs.shift.data += 9
    for linear in model.linears:
        if binarizer.wsd:
            # Between no shift and the largest one lies this weight's zero.
            linear.weight.data[:, 0] = -0.007 * linear.weight.data.mean(1)
            linear.alpha.data += 9
    after = export(model)
    assert any((one.weights != other.weights).any() or (one.thresholds != other.thresholds).any()
               for one, other in zip(before.layers, after.layers))


def test_dynamic_shifts_are_not_for_hardware():
    said = (r"^Dynamic activation self-distribution adds a real number to each input of each "
            r"sample, which is no threshold: train with the static form, "
            r"Binarizer\(asd='static'\)$")
    with pytest.raises(ExportError, match=said):
        export(disturbed(Binarizer(asd="dynamic")))


def test_an_unknown_shift_is_refused():
    with pytest.raises(ValueError, match=r"^Activation self-distribution must be static or "
                                         r"dynamic, not 'adaptive'$"):
        Signs(3, Binarizer(asd="adaptive"))


@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_all_parts_of_a_model_know_its_progress(progress):
    model = BinaryCNN(2, [5, 4], 3, SD)
    set_progress(model, progress)
    x = torch.linspace(-1.5, 1.5, 7, requires_grad=True)
    t = sharpness(progress)
    binarize(x, t).sum().backward()
    expected = max(1 / t, 1) * t * (1 - torch.tanh(t * x.detach()) ** 2)
    assert torch.allclose(x.grad, expected)
    assert {module.sharpness for module in model.modules() if hasattr(module, "sharpness")} == {t}


@pytest.mark.parametrize("make", [
    lambda: BinaryLinear(5, 4, SD), lambda: BinaryConv2d(3, 4, SD, stride=1)])
def test_weights_are_clipped(make):
    layer = make()
    layer.weight.data *= 9
    clip(layer)
    assert float(layer.weight.detach().abs().max()) == 1


@pytest.mark.parametrize("stride, size", [(1, 7), (2, 4)])
def test_a_convolution_equals_its_definition(stride, size):
    torch.manual_seed(2)
    conv = BinaryConv2d(3, 4, SD, stride=stride)
    x = torch.randn(2, 3, 7, 7).sign()
    out = conv(x)
    windows = torch.nn.functional.unfold(x, 3, padding=1, stride=stride)
    flat = conv.latent().detach().flatten(1).sign()
    assert torch.equal(out.detach(), (flat @ windows).reshape(2, 4, size, size))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
def test_a_gradient_passes_up_to_one_and_not_beyond(dtype):
    ones = torch.tensor([1.0, -1.0, 0.0, -0.0], dtype=dtype)
    beyond = torch.nextafter(ones[:2], 2 * ones[:2])
    x = torch.cat([ones, beyond]).requires_grad_()
    signs = binarize(x)
    signs.backward(torch.full_like(x, 3))
    assert signs.tolist() == [1, -1, 1, 1, 1, -1] and x.grad.tolist() == [3, 3, 3, 3, 0, 0]
