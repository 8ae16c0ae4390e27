"""More forms of plain PyTorch: as published code has them, and as people write around limits.

Like those of :mod:`tests.torch_forms`, which has the pieces. ``NEWER`` are those that only the
newer exporter writes.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from tests.torch_forms import CLASSES, HIDDEN, Do, Weights, dense, maps, norm, where

__all__ = ["NEWER", "REFUSED", "TAKEN"]


def assigned(x):
    """Return the signs of DingKe's pytorch_workplace."""
    made = torch.zeros_like(x)
    made[x >= 0] = 1
    made[x < 0] = -1
    return made


def zero_assigned(x):
    made = torch.sign(x)
    made[made == 0] = 1
    return made


class Sign(torch.autograd.Function):
    """The sign as most write it: with a gradient of its own."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        x, = ctx.saved_tensors
        return gradient * (x.abs() <= 1)


def xnor_net(w):
    """Return the weights of XNOR-Net-PyTorch: less a mean, clipped, signs times a mean size."""
    w = (w - w.mean(1, keepdim=True)).clamp(-1.0, 1.0)
    size = w.norm(1, 1, keepdim=True) if w.ndim == 2 else w.norm(1, 3, keepdim=True).sum(
        2, keepdim=True).sum(1, keepdim=True)
    return w.sign().mul(size.div(w[0].nelement()).expand(w.size()))


def ir_net(w):
    """Return the weights of IR-Net: standardised signs times a power of two."""
    w = w - w.flatten(1).mean(-1, keepdim=True)
    w = w / w.flatten(1).std(-1, keepdim=True)
    sizes = w.abs().flatten(1).mean(-1)
    return torch.sign(w) * torch.pow(torch.tensor([2.0]), (
        torch.log(sizes) / math.log(2)).round())[:, None]


def standardised(w):
    mean, variance = w.mean(1, keepdim=True), w.var(1, keepdim=True, unbiased=False)
    return where((w - mean) / torch.sqrt(variance + 1e-5))


class Kept(nn.Module):
    """A layer whose weights are kept as signs or bits of another type."""

    def __init__(self, kind, product=F.linear):
        super().__init__()
        bits = torch.randn(HIDDEN, 20) > 0
        self.register_buffer("weight", (bits if kind == torch.bool else bits * 2 - 1).to(kind))
        self.product = product

    def forward(self, x):
        weight = self.weight.to(x.dtype)
        return self.product(x, weight * 2 - 1 if self.weight.dtype == torch.bool else weight)


def read(*modules):
    """Return a network that reads signs, and then has these modules or functions."""
    return nn.Sequential(Do(lambda x: where(x - 0.5)), *(
        each if isinstance(each, nn.Module) else Do(each) for each in modules))


def rest(first=None, flat=None, end=None):
    """Return a perceptron whose first layer, flattening or end is another."""
    return read(flat or nn.Flatten(), first or Weights((HIDDEN, 20)), norm(HIDDEN), where,
                Weights((CLASSES, HIDDEN)), *([end] if end else []))


def of_maps(*modules, size=72):
    """Return a convolution, these modules and functions, and a layer of classes."""
    return read(Weights((6, 1, 2, 2)), *modules, nn.Flatten(), Weights((CLASSES, size)))


TAKEN = {
    "numbers assigned": lambda: dense(assigned),
    "1 assigned where sign is 0": lambda: dense(zero_assigned, between=nn.Identity()),
    "a function with its gradient": lambda: dense(Sign.apply, Sign.apply),
    "one of two comparisons": lambda: dense(lambda x: ((x > 0) | (x == 0)).float() * 2 - 1),
    "both of two comparisons": lambda: dense(lambda x: ((x >= 0) & (x >= -1)).float()),
    "filled twice": lambda: dense(
        lambda x: x.masked_fill(x >= 0, 1.0).masked_fill(x < 0, -1.0)),
    "DoReFa's bit": lambda: dense(lambda x: torch.round(torch.clamp(x, 0, 1))),
    "elu": lambda: dense(lambda x: where(F.elu(x))),
    "celu": lambda: dense(lambda x: where(F.celu(x, 0.7))),
    "selu": lambda: dense(lambda x: where(F.selu(x))),
    "softplus": lambda: dense(lambda x: where(F.softplus(x) - 1)),
    "erf": lambda: dense(lambda x: where(torch.erf(x))),
    "atan": lambda: dense(lambda x: where(torch.atan(x))),
    "exp": lambda: dense(lambda x: where(torch.exp(x * 0.1 + 0.013) - 1)),
    "logsigmoid": lambda: dense(lambda x: where(F.logsigmoid(x) + 0.7)),
    "gelu of small sums": lambda: dense(lambda x: where(F.gelu(x * 0.1))),
    "hardswish": lambda: dense(lambda x: where(F.hardswish(x) - 0.2)),
    "a cube": lambda: dense(lambda x: where(x ** 3)),
    "XNOR-Net-PyTorch's weights": lambda: dense(weights=xnor_net),
    "XNOR-Net-PyTorch's weights of maps": lambda: maps(pool="behind", weights=xnor_net),
    "IR-Net's weights": lambda: dense(weights=ir_net),
    "standardised weights": lambda: dense(weights=standardised),
    "weights of tanh": lambda: dense(weights=lambda w: where(torch.tanh(w))),
    "weights of int8": lambda: rest(Kept(torch.int8)),
    "weights of bool": lambda: rest(Kept(torch.bool)),
    "an einsum": lambda: rest(Kept(torch.float32, lambda x, w: torch.einsum("bi,oi->bo", x, w))),
    "a matmul": lambda: rest(Kept(torch.float32, lambda x, w: x @ w.t())),
    "a relu behind the sums": lambda: dense(between=nn.Sequential(nn.ReLU(), norm(HIDDEN))),
    "flattened by its size": lambda: rest(flat=lambda x: x.view(x.size(0), -1)),
    "turned before": lambda: rest(flat=lambda x: x.transpose(2, 3).flatten(1)),
    "the greatest's number": lambda: rest(end=lambda x: x.max(dim=1)[1]),
    "the log of a softmax": lambda: rest(end=lambda x: torch.log(F.softmax(x, dim=1))),
    "one score, squeezed": lambda: dense(classes=1, end=Do(lambda x: x.squeeze(1))),
    "the first score": lambda: dense(classes=1, end=Do(lambda x: x[:, 0])),
    "BinaryNet.pytorch's order": lambda: of_maps(
        nn.MaxPool2d(2), norm(6, maps=True), nn.Hardtanh(), where, size=12),
    "an average of maps": lambda: read(
        Weights((6, 1, 4, 4)), norm(6, maps=True), where, nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), Weights((CLASSES, 6))),
    "an average of one": lambda: read(
        Weights((6, 1, 4, 5)), norm(6, maps=True), where, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        Weights((CLASSES, 6))),
}

NEWER = {
    "heaviside": lambda: dense(lambda x: torch.heaviside(x, torch.tensor([1.0])) * 2 - 1),
    "the bit of the sign": lambda: dense(lambda x: torch.where(torch.signbit(x), -1.0, 1.0)),
    "trunc": lambda: dense(lambda x: torch.trunc(torch.clamp(x + 1, 0, 1)) * 2 - 1),
}

REFUSED = {
    "an average pool": (lambda: of_maps(nn.AvgPool2d(2), norm(6, maps=True), where, size=12),
                        "several bits"),
    "an average of 12 places": (lambda: of_maps(norm(6, maps=True), where,
                                                nn.AdaptiveAvgPool2d(1), size=6), "rounds"),
    "an average of maps of scores": (lambda: read(
        Weights((6, 1, 2, 2)), norm(6, maps=True), where, Weights((CLASSES, 6, 1, 1)),
        nn.AdaptiveAvgPool2d(1), nn.Flatten()), "its output is a mean of maps"),
    "a norm of each map": (lambda: of_maps(nn.InstanceNorm2d(6), where), "use a batch norm"),
    "a pool that overlaps": (lambda: of_maps(norm(6, maps=True), where, nn.MaxPool2d(2, 1),
                                             size=36),
                             "pools are squares next to each other"),
    "a window with gaps": (lambda: read(Weights((6, 1, 2, 2), dilation=2), norm(6, maps=True),
                                        where, nn.Flatten(), Weights((CLASSES, 36))),
                           "windows are without gaps"),
    "a convolution of each map": (lambda: of_maps(
        norm(6, maps=True), where, Weights((6, 1, 2, 2), groups=6), norm(6, maps=True), where,
        size=36), "it has groups"),
    "a norm behind the scores": (lambda: dense(end=norm(CLASSES)), "have other scales"),
    "a relu of scores": (lambda: dense(end=nn.ReLU()), "a score stays the same"),
    "a sum of sums": (lambda: rest(lambda x: F.linear(x, torch.ones(HIDDEN, 20)) + F.linear(
        -x, torch.ones(HIDDEN, 20))), "joins two paths"),
    "a gelu of large sums": (lambda: dense(lambda x: where(F.gelu(x)), between=nn.Identity()),
                             "each program in its own way"),
}
