"""SD-BNN's networks: a block by its formulas, and shifts that no longer follow the image."""

import pytest
import torch
from torch.nn import functional as F

from sw.models import sdbnn
from sw.models.binarizer import SD, SIGN
from sw.models.binary import MOST, set_progress, sharpness


def rounded(x, t):
    """Round to signs; the gradient is that of what autograd knows to differentiate."""
    smooth = x.clamp(-1, 1) if t is None else max(1 / t, 1) * torch.tanh(t * x)
    return smooth + (torch.where(x < 0, -1.0, 1.0) - smooth).detach()


def written_out(block, x, t):
    """The published block, in one expression a line."""
    (signs, conv), norm = block.conv, block.norm
    moved, weight = x, conv.weight
    if t is not None:
        hidden = F.relu(x.mean((2, 3)) @ signs.move.squeeze.weight.T)
        moved = x + torch.sigmoid(hidden @ signs.move.spread.weight.T)[:, :, None, None]
        weight = weight + (torch.sigmoid(conv.alpha) * 0.01
                           * weight.mean((1, 2, 3)).detach())[:, None, None, None]
    sums = F.conv2d(rounded(moved, t), rounded(weight, t), stride=block.stride, padding=1)
    mean, variance = sums.mean((0, 2, 3)), sums.var((0, 2, 3), unbiased=False)
    scaled = (sums - mean[:, None, None]) / (variance + norm.eps).sqrt()[:, None, None]
    scaled = scaled * norm.weight[:, None, None] + norm.bias[:, None, None]
    added = x if block.stride == 1 else torch.cat(
        [torch.zeros_like(x[:, :2, ::2, ::2]), x[:, :, ::2, ::2],
         torch.zeros_like(x[:, :2, ::2, ::2])], 1)
    return (scaled + added).clamp(-1, 1)


@pytest.mark.parametrize("binarizer, progress", [(SIGN, 0.5), (SD, 0.0), (SD, 0.5), (SD, 1.0)],
                         ids=["sign", "sd-begin", "sd-half", "sd-end"])
@pytest.mark.parametrize("n_out", [4, 8], ids=["same", "halved"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last],
                         ids=["channels-first", "channels-last"])
def test_a_block_equals_its_formulas(binarizer, progress, n_out, layout):
    torch.manual_seed(3)
    block = sdbnn._Bridged(4, n_out, binarizer).double()
    for parameter in block.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    block.to(memory_format=layout)
    set_progress(block, progress)
    x = torch.randn(5, 4, 6, 6, dtype=torch.float64).contiguous(memory_format=layout)
    x, known = x.requires_grad_(), dict(block.named_parameters())
    t = sharpness(progress) if binarizer.ede else None
    into = torch.randn(5, n_out, *[6 if n_out == 4 else 3] * 2, dtype=torch.float64)
    (one, *grads), (other, *expected) = (
        [out, *torch.autograd.grad(out, [x, *known.values()], into)]
        for out in (block(x), written_out(block, x, t)))
    torch.testing.assert_close([one, *grads], [other, *expected], rtol=1e-9, atol=1e-11)


def test_sharpness_ends_as_published():
    assert sharpness(1.0, 1e-3) == pytest.approx(MOST)


@pytest.fixture
def model():
    torch.manual_seed(4)
    network = torch.nn.Sequential(sdbnn._Convolution(3, 17, SD),
                                  sdbnn._Convolution(17, 4, SD, stride=2)).eval()
    for parameter in network.parameters():
        parameter.data += torch.randn_like(parameter)
    return network


@pytest.mark.parametrize("n", [1, 7, 20])
def test_a_held_shift_is_the_mean_of_the_images(monkeypatch, model, n):
    monkeypatch.setattr(sdbnn, "BATCH", 7)
    images = torch.randint(256, (n, 3, 8, 8), dtype=torch.uint8)
    x = sdbnn.normalise(images)
    with torch.no_grad():
        before = model(x)
        static = sdbnn.with_static_shifts(model, images)
        for one, other in zip(model, static, strict=True):
            mean = one[0].move.shift(x).mean(0)
            assert torch.allclose(other[0].moved(x), x + mean[:, None, None], atol=1e-5)
            x = one(x)
        assert torch.equal(model(sdbnn.normalise(images)), before)    # It is a copy.
    # An image alone is its own mean, but for rounding that no sign depends on here.
    assert n > 1 or torch.equal(static(sdbnn.normalise(images)), before)


def test_one_shift_holds_for_every_image(model):
    images = torch.randint(256, (20, 3, 8, 8), dtype=torch.uint8)
    static = sdbnn.with_static_shifts(model, images)
    x = torch.rand(2, 3, 8, 8)
    added = static[0][0].moved(x) - x
    assert torch.allclose(added, added[:1, :, :1, :1].expand_as(x), atol=1e-6)


def test_without_shifts_nothing_is_held():
    model = sdbnn._Convolution(3, 4, SIGN)
    images = torch.randint(256, (3, 3, 8, 8), dtype=torch.uint8)
    x = sdbnn.normalise(images)
    assert torch.equal(sdbnn.with_static_shifts(model, images)(x), model(x))
