"""Arithmetic with numbers that are -1 or +1, and gradients that pretend otherwise.

Two ways to binarise. ``sign`` takes the sign and lets the gradient through where it can matter.
``sd`` is SD-BNN's (arXiv 2103.02394; its formulas are from its published program): what is
binarised is first moved a little, weights by weight self-distribution, activations by activation
self-distribution, and the gradient is IR-Net's error decay estimator (EDE). There are no scale
factors in either.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .binarizer import LEAST, SIGN, Binarizer

__all__ = [
    "BinaryConv2d",
    "BinaryLinear",
    "BinaryWeights",
    "DynamicShift",
    "Signs",
    "binarize",
    "clip",
    "set_progress",
    "sharpness",
]

MOST = 10.0                 # Sharpness at the end, as in SD-BNN's VGG-Small.
SHARE = 0.01                # Of the mean of a neuron's weights, at the most; SD-BNN's.
REDUCTION = 16              # Width of a dynamic shift's bottleneck; SD-BNN's for CIFAR.


class _Binarize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, sharpness: float | None) -> Tensor:
        ctx.save_for_backward(x)
        ctx.sharpness = sharpness
        # With one new tensor: a fifth of the time of torch.where of two numbers.
        return torch.ge(x, 0, out=torch.empty_like(x)).mul_(2).sub_(1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        x, = ctx.saved_tensors
        t = ctx.sharpness
        if t is None:
            beyond = 1 + torch.finfo(x.dtype).eps    # It stops there, and 1 itself passes.
            return torch.ops.aten.hardtanh_backward(grads[0], x, -beyond, beyond), None
        tanh = (x * t).tanh_()    # No other new tensor.
        slope = tanh.mul_(tanh).neg_().add_(1).mul_(t)
        return slope.mul_(grads[0] * (1 / t) if t < 1 else grads[0]), None


def binarize(x: Tensor, sharpness: float | None = None) -> Tensor:
    """Round each element to -1 or +1; zero becomes +1.

    Going backward, the gradient passes unchanged where ``|x| <= 1`` and stops elsewhere. With a
    ``sharpness`` t it is multiplied by ``max(1/t, 1) t (1 - tanh(t x)^2)`` instead (EDE): at first
    nearly 1 everywhere, at last a spike around 0.

    >>> x = torch.tensor([-2.0, -0.5, 0.0, 0.5], requires_grad=True)
    >>> y = binarize(x)
    >>> y.tolist()
    [-1.0, -1.0, 1.0, 1.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [0.0, 1.0, 1.0, 1.0]
    >>> x.grad = None
    >>> binarize(x, 0.001).sum().backward()
    >>> [round(slope, 3) for slope in x.grad.tolist()]
    [1.0, 1.0, 1.0, 1.0]
    >>> x.grad = None
    >>> binarize(x, 10.0).sum().backward()
    >>> [round(slope, 3) for slope in x.grad.tolist()]
    [0.0, 0.002, 10.0, 0.002]
    """
    signs: Tensor = _Binarize.apply(x, sharpness)  # type: ignore[no-untyped-call]  # Untyped there.
    return signs


def sharpness(progress: float, least: float = LEAST) -> float:
    """Return EDE's t: from ``least`` to ``MOST`` in equal ratios, as ``progress`` goes from 0 to 1.

    >>> [round(sharpness(progress), 3) for progress in (0.0, 0.5, 1.0)]
    [0.1, 1.0, 10.0]
    """
    return float(least * (MOST / least) ** progress)


class _Binarizing(nn.Module):
    """A module that binarises; its sharpness is told from outside, see :func:`set_progress`."""

    def __init__(self, binarizer: Binarizer) -> None:
        super().__init__()
        self.binarizer = binarizer
        self.sharpness = sharpness(0.0, binarizer.least) if binarizer.ede else None

    def binarize(self, x: Tensor) -> Tensor:
        return binarize(x, self.sharpness)


def set_progress(model: nn.Module, progress: float) -> None:
    """Tell a model how much of its training is done, from 0 to 1."""
    for module in model.modules():
        if isinstance(module, _Binarizing) and module.binarizer.ede:
            module.sharpness = sharpness(progress, module.binarizer.least)


class BinaryWeights(_Binarizing):
    """Real numbers ``weight``, of which only the signs are used."""

    def __init__(self, shape: Sequence[int], binarizer: Binarizer) -> None:
        super().__init__(binarizer)
        self.weight = nn.Parameter(torch.empty(*shape).uniform_(-1, 1))
        if binarizer.wsd:
            self.alpha = nn.Parameter(torch.zeros(shape[0]))

    def latent(self) -> Tensor:
        """Return the real numbers whose signs are the weights.

        >>> layer = BinaryLinear(4, 1, Binarizer(wsd=True))
        >>> _ = layer.weight.data.copy_(torch.tensor([[-0.003, 1.0, 1.0, 1.003]]))
        >>> [round(number, 5) for number in layer.latent()[0].tolist()]   # + 0.5 * 0.01 * 0.75
        [0.00075, 1.00375, 1.00375, 1.00675]
        >>> layer.latent().sum().backward()
        >>> layer.weight.grad.tolist(), round(float(layer.alpha.grad), 5)   # 4 * 0.25 * 0.0075
        ([[1.0, 1.0, 1.0, 1.0]], 0.0075)
        """
        if not self.binarizer.wsd:
            return self.weight
        mean = self.weight.detach().flatten(1).mean(1)
        shift = torch.sigmoid(self.alpha) * SHARE * mean
        return self.weight + shift.reshape(-1, *[1] * (self.weight.dim() - 1))

    def signs(self) -> Tensor:
        """Return the weights, -1 or +1."""
        return self.binarize(self.latent())


class BinaryLinear(BinaryWeights):
    """Fully connected layer whose weights are -1 and +1, without a bias.

    With inputs of -1 and +1 the output is an integer: the sum ``2 * count - n_in``, where ``count``
    is the number of inputs that match the weights. Training moves the real numbers in ``weight``,
    of which only the sign is used.

    Shapes
    ------
    x : ``(batch, n_in)``
    output : ``(batch, n_out)``
    """

    def __init__(self, n_in: int, n_out: int, binarizer: Binarizer = SIGN) -> None:
        super().__init__((n_out, n_in), binarizer)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.signs())


class BinaryConv2d(BinaryWeights):
    """Convolution of 3 x 3 whose weights are -1 and +1, without a bias.

    Around the image lies one row of zeros. Training is that of :class:`BinaryLinear`.

    Shapes
    ------
    x : ``(batch, n_in, height, width)``
    output : ``(batch, n_out, ceil(height / stride), ceil(width / stride))``
    """

    def __init__(self, n_in: int, n_out: int, binarizer: Binarizer = SIGN, *,
                 stride: int = 2) -> None:
        super().__init__((n_out, n_in, 3, 3), binarizer)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.signs(), stride=self.stride, padding=1)


class Signs(_Binarizing):
    """The signs of activations, moved before by activation self-distribution, if there is one.

    Parameters
    ----------
    n : int
        Channels, the second dimension of ``x``.

    Shapes
    ------
    x : ``(batch, n, ...)``
    output : the same, -1 or +1
    """

    def __init__(self, n: int, binarizer: Binarizer = SIGN) -> None:
        super().__init__(binarizer)
        if binarizer.asd == "static":
            self.shift = nn.Parameter(torch.zeros(n))
        elif binarizer.asd == "dynamic":
            self.move = DynamicShift(n)
        elif binarizer.asd:
            raise ValueError(f"Activation self-distribution must be static or dynamic, not "
                             f"{binarizer.asd!r}")

    def moved(self, x: Tensor) -> Tensor:
        """Return the real numbers whose signs are taken.

        >>> signs = Signs(2, Binarizer(asd="static"))
        >>> x = torch.tensor([[-0.6, -0.4]], requires_grad=True)
        >>> signs(x).tolist()                                        # sigmoid(0) is a half.
        [[-1.0, 1.0]]
        >>> signs(x).sum().backward()
        >>> x.grad.tolist(), signs.shift.grad.tolist()               # Its slope, a quarter.
        ([[1.0, 1.0]], [0.25, 0.25])
        """
        if self.binarizer.asd == "static":
            return x + torch.sigmoid(self.shift).reshape(-1, *[1] * (x.dim() - 2))
        if self.binarizer.asd == "dynamic":
            moved: Tensor = self.move(x)
            return moved
        return x

    def hold(self, shift: Tensor) -> None:
        """Move by the same from now on, whatever the sample: by ``shift``, ``(n,)``, 0 to 1."""
        self.binarizer = replace(self.binarizer, asd="static")
        self.shift = nn.Parameter(torch.logit(shift, 1e-6))    # Nothing infinite.
        del self.move

    def forward(self, x: Tensor) -> Tensor:
        return self.binarize(self.moved(x))


class DynamicShift(nn.Module):
    """Dynamic activation self-distribution: ``a + sigmoid(W2 relu(W1 mean(a)))``.

    The mean is that of each channel, over the image. What is added lies between 0 and 1 and is
    another for each sample, so it takes real numbers at inference. On numbers that are -1 or +1 it
    can flip no sign.

    Shapes
    ------
    a : ``(batch, n, ...)``
    output : the same

    >>> with torch.no_grad():
    ...     signs = 2.0 * torch.randint(2, (50, 32)) - 1
    ...     bool((binarize(DynamicShift(32)(signs)) == signs).all())
    True
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        width = math.ceil(n / REDUCTION)
        self.squeeze = nn.Linear(n, width, bias=False)
        self.spread = nn.Linear(width, n, bias=False)

    def shift(self, a: Tensor) -> Tensor:
        """Return what is added to each sample's channels: ``(batch, n, ...) -> (batch, n)``."""
        means = a.flatten(2).mean(2) if a.dim() > 2 else a
        shift: Tensor = self.spread(F.relu(self.squeeze(means))).sigmoid()
        return shift

    def forward(self, a: Tensor) -> Tensor:
        shift = self.shift(a)
        return a + shift.reshape(*shift.shape, *[1] * (a.dim() - 2))


@torch.no_grad()
def clip(model: nn.Module) -> None:
    """Keep each latent weight of a model within -1 and +1, where its gradient passes."""
    for module in model.modules():
        if isinstance(module, BinaryWeights):
            module.weight.clamp_(-1, 1)
