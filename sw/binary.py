"""Arithmetic with numbers that are -1 or +1, and gradients that pretend otherwise."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _Binarize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        x, = ctx.saved_tensors
        return torch.where(x.abs() <= 1, grads[0], 0.0)


def binarize(x: Tensor) -> Tensor:
    """Round each element to -1 or +1; zero becomes +1.

    Going backward, the gradient passes unchanged where ``|x| <= 1`` and stops elsewhere.

    >>> x = torch.tensor([-2.0, -0.5, 0.0, 0.5], requires_grad=True)
    >>> y = binarize(x)
    >>> y.tolist()
    [-1.0, -1.0, 1.0, 1.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [0.0, 1.0, 1.0, 1.0]
    """
    signs: Tensor = _Binarize.apply(x)  # type: ignore[no-untyped-call]  # torch leaves it untyped.
    return signs


class BinaryLinear(nn.Module):
    """Fully connected layer whose weights are -1 and +1, without a bias.

    With inputs of -1 and +1 the output is an integer: the sum ``2 * count - n_in``, where ``count``
    is the number of inputs that match the weights. Training moves the real numbers in ``weight``,
    of which only the sign is used.

    Shapes
    ------
    x : ``(batch, n_in)``
    output : ``(batch, n_out)``
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in).uniform_(-1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, binarize(self.weight))


class BinaryConv2d(nn.Module):
    """Convolution of 3 x 3 at stride 2 whose weights are -1 and +1, without a bias.

    Around the image lies one row of zeros. Training is that of :class:`BinaryLinear`.

    Shapes
    ------
    x : ``(batch, n_in, height, width)``
    output : ``(batch, n_out, ceil(height / 2), ceil(width / 2))``
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in, 3, 3).uniform_(-1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, binarize(self.weight), stride=2, padding=1)


@torch.no_grad()
def clip(model: nn.Module) -> None:
    """Keep each latent weight of a model within -1 and +1, where its gradient passes."""
    for module in model.modules():
        if isinstance(module, BinaryLinear | BinaryConv2d):
            module.weight.clamp_(-1, 1)
