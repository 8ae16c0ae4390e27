"""SD-BNN's own networks for CIFAR-10 (arXiv 2103.02394).

The first convolution, the last layer and, in ResNet-18, the convolutions of shortcuts are in full
precision. Before each binary convolution activations are moved by dynamic activation
self-distribution, another shift for each image: as they are, these networks do not become hardware.
Layers are those of the published program, which does not say all of it in the paper.
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .binarizer import Binarizer
from .binary import BinaryConv2d, Signs

__all__ = ["NETWORKS", "ResNet18", "ResNet20", "VGGSmall", "loss", "normalise",
           "with_static_shifts"]

# Of CIFAR-10's training images, for each colour.
MEANS = (0.4914, 0.4822, 0.4465)
DEVIATIONS = (0.2023, 0.1994, 0.2010)
BATCH = 1000    # Images at a time, where none is trained on.
SHIFT = 4    # Pixels, the most in each direction, as in all of the field.


class _Convolution(nn.Sequential):
    """The signs of moved activations, convolved with binary weights."""

    def __init__(self, n_in: int, n_out: int, binarizer: Binarizer, stride: int = 1) -> None:
        moved = replace(binarizer, asd="dynamic" if binarizer.asd else "")
        super().__init__(Signs(n_in, moved), BinaryConv2d(n_in, n_out, binarizer, stride=stride))


class VGGSmall(nn.Sequential):
    """Six convolutions, the first in full precision, and a linear layer.

    Shapes
    ------
    images : ``(batch, 3, 32, 32)``, see :func:`normalise`
    scores : ``(batch, 10)``
    """

    def __init__(self, binarizer: Binarizer) -> None:
        layers: list[nn.Module] = [_first(128), nn.BatchNorm2d(128), nn.Hardtanh()]
        for number, ends in enumerate(pairwise((128, 128, 256, 256, 512, 512))):
            layers.append(_Convolution(*ends, binarizer))
            if number % 2 == 0:
                layers.append(nn.MaxPool2d(2))    # Of sums, before the batch norm.
            layers += [nn.BatchNorm2d(ends[1]), nn.Hardtanh()]
        super().__init__(*layers, nn.Flatten(), nn.Linear(512 * 4 * 4, 10))
        _begin(self)


class ResNet20(nn.Sequential):
    """Eighteen binary convolutions of 16, 32 and 64 channels, each with a shortcut without weights.

    Shapes
    ------
    images : ``(batch, 3, 32, 32)``, see :func:`normalise`
    scores : ``(batch, 10)``
    """

    def __init__(self, binarizer: Binarizer) -> None:
        widths = [16] * 7 + [32] * 6 + [64] * 6
        super().__init__(_first(16), nn.BatchNorm2d(16), nn.Hardtanh(),
                         *(_Bridged(*ends, binarizer) for ends in pairwise(widths)), *_last(64))
        _begin(self)


class ResNet18(nn.Sequential):
    """Sixteen binary convolutions of 64 to 512 channels, with a shortcut around every two.

    Shapes
    ------
    images : ``(batch, 3, 32, 32)``, see :func:`normalise`
    scores : ``(batch, 10)``
    """

    def __init__(self, binarizer: Binarizer) -> None:
        widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
        super().__init__(_first(64), nn.BatchNorm2d(64), nn.Hardtanh(),
                         *(_Block(*ends, binarizer) for ends in pairwise(widths)), *_last(512))
        _begin(self)


class _Bridged(nn.Module):
    """A binary convolution with a shortcut; where the channels double, the image halves."""

    def __init__(self, n_in: int, n_out: int, binarizer: Binarizer) -> None:
        super().__init__()
        self.stride, self.missing = n_out // n_in, n_out - n_in
        self.conv = _Convolution(n_in, n_out, binarizer, self.stride)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        kept = x[:, :, ::self.stride, ::self.stride]
        shortcut = F.pad(kept, (0, 0, 0, 0, self.missing // 2, self.missing // 2))
        # In place: nothing of a batch norm's output is needed to go backward.
        return F.hardtanh_(self.norm(self.conv(x)).add_(shortcut))


class _Block(nn.Module):
    """Two binary convolutions with a shortcut, whose own convolution is in full precision."""

    def __init__(self, n_in: int, n_out: int, binarizer: Binarizer) -> None:
        super().__init__()
        stride = n_out // n_in
        self.layers = nn.Sequential(
            _Convolution(n_in, n_out, binarizer, stride), nn.BatchNorm2d(n_out), nn.Hardtanh(),
            _Convolution(n_out, n_out, binarizer), nn.BatchNorm2d(n_out))
        self.shortcut = nn.Identity() if n_in == n_out else nn.Sequential(
            nn.Conv2d(n_in, n_out, 1, stride=stride, bias=False), nn.BatchNorm2d(n_out))

    def forward(self, x: Tensor) -> Tensor:
        return F.hardtanh(self.layers(x) + self.shortcut(x))


def _first(n_out: int) -> nn.Conv2d:
    return nn.Conv2d(3, n_out, 3, padding=1, bias=False)


def _last(n_in: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(n_in), nn.Linear(n_in, 10)]


def _begin(model: nn.Module) -> None:
    """Draw the weights from He's normal distribution: so small that stochastic descent turns signs.

    Those of :class:`BinaryConv2d` itself, up to 1, are for Adam.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | BinaryConv2d):
            nn.init.kaiming_normal_(module.weight)


NETWORKS: dict[str, Callable[[Binarizer], nn.Module]] = {
    "vgg-small": VGGSmall,
    "resnet20": ResNet20,
    "resnet18": ResNet18,
}


def normalise(images: Tensor) -> Tensor:
    """Bring bytes ``(n, 3, height, width)`` to a mean of 0 and a deviation of 1 in each colour."""
    means, deviations = (torch.tensor(numbers, device=images.device).view(3, 1, 1)
                         for numbers in (MEANS, DEVIATIONS))
    return (images / 255 - means) / deviations


@torch.no_grad()
def with_static_shifts(model: nn.Module, images: Tensor) -> nn.Module:
    """Return a copy, evaluating, whose shifts are the same for all images: their means over these.

    Images are bytes. Such a shift folds into a threshold; the model itself has another for each
    image, see :class:`~sw.models.binary.DynamicShift`.
    """
    static = copy.deepcopy(model).eval()
    sums: dict[Signs, Tensor] = {}

    def add(signs: nn.Module, inputs: tuple[Tensor]) -> None:
        assert isinstance(signs, Signs)
        sums[signs] = sums.get(signs, 0) + signs.move.shift(*inputs).sum(0)

    hooks = [signs.register_forward_pre_hook(add) for signs in static.modules()
             if isinstance(signs, Signs) and signs.binarizer.asd == "dynamic"]
    for batch in images.split(BATCH):
        static(normalise(batch))
    for hook in hooks:
        hook.remove()
    for signs, total in sums.items():
        signs.hold(total / len(images))
    return static


def loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy on images, as bytes, that are shifted and mirrored at random."""
    return F.cross_entropy(model(normalise(_vary(images))), labels)


def _vary(images: Tensor) -> Tensor:
    """Shift by whole pixels, black coming in, and mirror every other image."""
    n, _, height, width = images.shape
    device = images.device
    down, right = torch.randint(2 * SHIFT + 1, (2, n, 1), device=device)
    rows = (down + torch.arange(height, device=device))[:, :, None]
    columns = right + torch.arange(width, device=device)
    columns = torch.where(torch.rand(n, 1, device=device) < 0.5, columns, columns.flip(1))
    padded = F.pad(images, (SHIFT,) * 4)
    which = torch.arange(n, device=device)[:, None, None]
    return padded[which, :, rows, columns[:, None, :]].permute(0, 3, 1, 2)
