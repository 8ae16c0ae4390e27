"""Binary networks as people write them in plain PyTorch: forms, and what becomes of them.

A form is a network of one sample's shape. ``TAKEN`` ones must be equal to their graphs; the others
are refused, with what :data:`REFUSED` says.
"""

import warnings

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["REFUSED", "SHAPE", "TAKEN", "export"]

SHAPE, HIDDEN, CLASSES = (1, 4, 5), 9, 4


def where(x):
    return torch.where(x >= 0, 1.0, -1.0)


def straight(binary, clipped=lambda x: x):
    """Return the idiom whose gradient is that of ``clipped``; float32 rounds what it gives."""
    return lambda x: (binary(x) - clipped(x)).detach() + clipped(x)


def react(x):
    """Return the sign of Bi-Real Net and ReActNet, with the gradient of a piecewise polynomial."""
    below = (x < -1).float()
    y = -below + (x * x + 2 * x) * (1 - below)
    negative, small = (x < 0).float(), (x < 1).float()
    y = (y * negative + (2 * x - x * x) * (1 - negative)) * small + 1 - small
    return torch.sign(x).detach() - y.detach() + y


def scaled(w):
    """Return the weights of Bi-Real Net and ReActNet: signs times their mean size."""
    size = w.abs().mean(dim=tuple(range(1, w.ndim)), keepdim=True).detach()
    return straight(lambda w: size * torch.sign(w), lambda w: w.clamp(-1, 1))(w)


class Do(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Weights(nn.Module):
    """A linear layer or convolution whose weights a function binarises, as the graph runs."""

    def __init__(self, shape, binarise=where, alpha=None, **options):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape))
        self.alpha = nn.Parameter(torch.rand(shape[0]) + 0.5) if alpha else None
        self.binarise, self.options = binarise, options

    def forward(self, x):
        weight = self.binarise(self.weight)
        y = (F.linear if weight.ndim == 2 else F.conv2d)(x, weight, **self.options)
        return y if self.alpha is None else y * self.alpha


def norm(n, **options):
    """Return a batch norm as training leaves it, with scales of both signs."""
    made = (nn.BatchNorm2d if options.pop("maps", False) else nn.BatchNorm1d)(n, **options)
    made.running_mean, made.running_var = torch.randn(n) * 2, torch.rand(n) * 9 + 0.5
    if made.affine:
        made.weight.data, made.bias.data = torch.randn(n), torch.randn(n)
    return made


class Norm(nn.Module):
    """A batch norm as people write it by hand; ``divide`` takes a difference and a variance."""

    def __init__(self, divide):
        super().__init__()
        self.norm, self.divide = norm(HIDDEN), divide

    def forward(self, x):
        it = self.norm
        return self.divide(x - it.running_mean, it.running_var + 1e-4) * it.weight + it.bias


class RPReLU(nn.Module):
    """The activation of ReActNet before its sign."""

    def __init__(self):
        super().__init__()
        self.before, self.behind = (nn.Parameter(torch.randn(HIDDEN)) for _ in range(2))
        self.prelu = nn.PReLU(HIDDEN)

    def forward(self, x):
        return self.prelu(x - self.before) + self.behind


def dense(activation=where, weights=where, read=lambda x: where(x - 0.5), end=None, alpha=None,
          between=None, classes=CLASSES, bias=None):
    """Return a perceptron with one hidden layer, some part of which is another."""
    options = {} if bias is None else {"bias": torch.tensor(bias)}
    return nn.Sequential(
        Do(read), nn.Flatten(), Weights((HIDDEN, 20), weights, alpha),
        between or norm(HIDDEN), Do(activation), Weights((classes, HIDDEN), **options),
        *([end] if end else []))


def maps(activation=where, border=-1.0, pool="before", signs=1, weights=where):
    """Return a network of two convolutions, and a pool before or behind the first sign.

    Before it, scales of all channels have the sign ``signs``.
    """
    middle = norm(6, maps=True)
    if pool == "before":
        middle.weight.data = middle.weight.data.abs() * signs
    padded = [nn.ConstantPad2d(1, border)] if border else []
    options = {} if border else {"padding": 1}
    pools = [nn.MaxPool2d(2)]
    first, last = (pools, []) if pool == "before" else ([], pools)
    return nn.Sequential(
        Do(lambda x: where(x - 0.5)), Weights((6, 1, 2, 2)), *first, middle, Do(activation), *last,
        *padded,
        Weights((5, 6, 3, 3), weights, **options), norm(5, maps=True), Do(activation), nn.Flatten(),
        Weights((CLASSES, 10)))


class Residual(nn.Module):
    """A layer that adds what it takes to what it gives."""

    def __init__(self):
        super().__init__()
        self.weights = Weights((HIDDEN, HIDDEN))

    def forward(self, x):
        return x + self.weights(where(x))


TAKEN = {
    "where >=": lambda: dense(where),
    "where >": lambda: dense(lambda x: torch.where(x > 0, 1.0, -1.0)),
    "where <": lambda: dense(lambda x: torch.where(x < 0, -1.0, 1.0)),
    "where, of tensors": lambda: dense(
        lambda x: torch.where(x >= 0, torch.ones_like(x), -torch.ones_like(x))),
    "> as float": lambda: dense(lambda x: (x > 0).float() * 2 - 1),
    ">= as float": lambda: dense(lambda x: (x >= 0).float() * 2 - 1),
    "ge": lambda: dense(lambda x: 2 * torch.ge(x, 0).to(x.dtype) - 1),
    "one less two times <": lambda: dense(lambda x: 1 - 2 * (x < 0).float()),
    "not below": lambda: dense(lambda x: torch.logical_not(x < 0).float() * 2 - 1),
    "a bool times a float": lambda: dense(lambda x: (x >= 0) * 2.0 - 1.0),
    "sign behind a batch norm": lambda: dense(torch.sign),
    "sign of a shifted sign": lambda: dense(lambda x: torch.sign(torch.sign(x) + 0.5)),
    "straight through": lambda: dense(lambda x: (torch.sign(x) - x).detach() + x,
                                      between=Do(lambda x: x + 0.5)),
    "straight through, clipped": lambda: dense(
        lambda x: (where(x) - torch.clamp(x, -1, 1)).detach() + torch.clamp(x, -1, 1),
        between=Do(lambda x: x + 0.5)),
    "straight through, behind a norm": lambda: dense(straight(torch.sign)),
    "straight through, clipped, behind a norm": lambda: dense(
        straight(where, lambda x: x.clamp(-1, 1))),
    "straight through, the other way round": lambda: dense(
        lambda x: x + (where(x) - x).detach()),
    "ReActNet's sign": lambda: dense(react),
    "ReActNet's sign of maps": lambda: maps(react, pool="behind"),
    "ReActNet's activation": lambda: dense(between=RPReLU()),
    "zero set to 1": lambda: dense(
        lambda x: torch.where(x == 0, torch.ones_like(x), torch.sign(x)), between=nn.Identity()),
    "zero filled with 1": lambda: dense(
        lambda x: x.sign().masked_fill(x == 0, 1), between=nn.Identity()),
    "sign plus whether it is zero": lambda: dense(
        lambda x: x.sign() + (x == 0).float(), between=nn.Identity()),
    "sign of a sum plus a little": lambda: dense(
        lambda x: torch.sign(x + 1e-6), between=nn.Identity()),
    "a sign without its lower half": lambda: dense(lambda x: torch.sign(x).clamp(min=0)),
    "whole numbers": lambda: dense(lambda x: ((x >= 0).int() * 2 - 1).float()),
    "softsign": lambda: dense(lambda x: where(F.softsign(x))),
    "a size of what is positive": lambda: dense(
        lambda x: where(x.abs() - 20.5), between=Do(lambda x: x + 21)),
    "the greater of two": lambda: dense(lambda x: where(torch.maximum(x, torch.tensor(-2.0)))),
    "ceil": lambda: dense(lambda x: torch.ceil(torch.sigmoid(x) - 0.5)),
    "hardtanh": lambda: dense(lambda x: where(F.hardtanh(x))),
    "clamp": lambda: dense(lambda x: where(x.clamp(-1, 1))),
    "tanh": lambda: dense(lambda x: where(torch.tanh(x))),
    "sigmoid > 0.5": lambda: dense(lambda x: (torch.sigmoid(x) > 0.5).float() * 2 - 1),
    "round of a sigmoid": lambda: dense(lambda x: torch.round(torch.sigmoid(x)) * 2 - 1),
    "leaky relu": lambda: dense(lambda x: where(F.leaky_relu(x, 0.1))),
    "prelu": lambda: dense(nn.Sequential(nn.PReLU(HIDDEN), Do(where))),
    "relu": lambda: dense(lambda x: (F.relu(x) > 0).float()),
    "relu6": lambda: dense(lambda x: (F.relu6(x) > 0).float()),
    "hardsigmoid": lambda: dense(lambda x: (F.hardsigmoid(x) > 0.5).float()),
    "0 and 1": lambda: dense(lambda x: (x > 0).float()),
    "a batch norm without scales": lambda: dense(between=norm(HIDDEN, affine=False)),
    "a norm by a root": lambda: dense(between=Norm(lambda x, v: x / torch.sqrt(v))),
    "a norm by an inverse root": lambda: dense(between=Norm(lambda x, v: x * torch.rsqrt(v))),
    "a norm by a power": lambda: dense(between=Norm(lambda x, v: x / v.pow(0.5))),
    "a scale and a shift": lambda: dense(between=Do(lambda x: x * 0.37 - 0.11)),
    "dropout": lambda: dense(nn.Sequential(Do(where), nn.Dropout(0.5))),
    "a square": lambda: dense(lambda x: where(x * x - 30), between=Do(lambda x: x + 21)),
    "sign of weights": lambda: dense(weights=torch.sign),
    "> of weights": lambda: dense(weights=lambda w: (w > 0).float() * 2 - 1),
    "clipped weights": lambda: dense(weights=lambda w: where(w.clamp(-1, 1))),
    "weights, straight through": lambda: dense(weights=straight(where)),
    "ReActNet's weights": lambda: dense(weights=scaled),
    "ReActNet's weights of maps": lambda: maps(pool="behind", weights=scaled),
    "weights less their mean": lambda: dense(
        weights=lambda w: where(w - w.mean(dim=1, keepdim=True))),
    "one scale for all weights": lambda: dense(weights=lambda w: where(w) * w.abs().mean()),
    "scales behind the sums": lambda: dense(alpha=True),
    "XNOR-Net's scales": lambda: dense(
        weights=lambda w: where(w) * w.abs().mean(dim=1, keepdim=True)),
    "XNOR-Net's scales of maps": lambda: maps(
        pool="behind", weights=lambda w: where(w) * w.abs().mean(dim=[1, 2, 3], keepdim=True)),
    "a bias": lambda: dense(bias=[2.0, -4.0, 0.0, 6.0]),
    "a mean and a deviation, then a sign": lambda: dense(read=lambda x: where((x - 0.13) / 0.31)),
    "pixels of 8 bits": lambda: dense(read=lambda x: torch.round(x.clamp(0, 1) * 255)),
    "pixels of 8 bits, less a mean": lambda: dense(
        read=lambda x: torch.round(x.clamp(0, 1) * 256 - 128.4).clamp(-128, 127) / 128),
    "pixels of 4 bits": lambda: dense(read=lambda x: torch.floor(x.clamp(0, 0.99) * 16)),
    "a softmax": lambda: dense(end=nn.Softmax(dim=1)),
    "a log softmax": lambda: dense(end=nn.LogSoftmax(dim=1)),
    "an argmax": lambda: dense(end=Do(lambda x: x.argmax(dim=1))),
    "the highest": lambda: dense(end=Do(lambda x: x.topk(1, 1)[1])),
    "a sigmoid of each score": lambda: dense(end=nn.Sigmoid()),
    "a tanh of each score": lambda: dense(end=Do(lambda x: torch.tanh(x * 0.1))),
    "a temperature": lambda: dense(end=Do(lambda x: F.softmax(x / 3.7, dim=1))),
    "one score": lambda: dense(classes=1),
    "one probability": lambda: dense(classes=1, end=nn.Sigmoid()),
    "one score above": lambda: dense(classes=1, end=Do(lambda x: x > 0)),
    "one scale behind the scores": lambda: dense(end=Do(lambda x: x * 0.37)),
    "a pool before the sign": lambda: maps(),
    "a pool behind the sign": lambda: maps(pool="behind"),
    "a border of zeros around 0 and 1": lambda: maps(
        border=0, pool="behind", activation=lambda x: (x >= 0).float()),
    "a dense stage as a convolution": lambda: nn.Sequential(
        Do(lambda x: where(x - 0.5)), Weights((HIDDEN, 1, 4, 5)), norm(HIDDEN, maps=True),
        Do(where), Weights((CLASSES, HIDDEN, 1, 1)), nn.Flatten()),
    "maps made flat with the channel last": lambda: nn.Sequential(
        Do(lambda x: where(x - 0.5)), Weights((6, 1, 2, 2)), norm(6, maps=True), Do(where),
        Do(lambda x: x.permute(0, 2, 3, 1).flatten(1)), Weights((CLASSES, 72))),
    "a pool before a negative scale, in a border of 1": lambda: maps(signs=-1, border=1.0),
}

JOINS = "it joins two paths, as a residual sum does: what comes out has several bits"
REFUSED = {
    "sign of a sum": (lambda: dense(torch.sign, between=nn.Identity()), "sign(0) is 0"),
    "hardtanh alone": (lambda: dense(F.hardtanh), "more than two values"),
    "relu alone": (lambda: dense(F.relu), "more than two values"),
    "real weights": (lambda: dense(weights=lambda w: w), "not of one size"),
    "ternary weights": (lambda: dense(weights=lambda w: torch.round(w.clamp(-1, 1))),
                        "not of one size"),
    "a real input": (lambda: dense(read=lambda x: x), "as a real number"),
    "an input of 12 bits": (lambda: dense(read=lambda x: torch.round(x.clamp(0, 1) * 4095)),
                            "quantise it to 8 bits at the most"),
    "two thresholds": (lambda: dense(lambda x: where(x.abs() - 1)), "is not a threshold"),
    "a norm over neurons": (lambda: dense(between=nn.LayerNorm(HIDDEN)),
                            "it joins neurons of one layer"),
    "scales of classes": (lambda: dense(end=Do(lambda x: x * torch.tensor([1.0, 2, 3, 4]))),
                          "their scores have other scales"),
    "a residual sum": (lambda: dense(nn.Sequential(Residual(), Do(where))), JOINS),
    "a pool before a negative scale": (lambda: maps(signs=-1), "so that this border must be 1"),
    "a border of 1 around pools": (lambda: maps(border=1.0, pool="behind"),
                                   "so that this border must be -1"),
    "a border of zeros around signs": (lambda: maps(border=0, pool="behind"),
                                       "its border of 0 is neither of the values of its input"),
}


def export(make, path, seed=0):
    """Write a form as PyTorch's older exporter does, for a batch of one."""
    torch.manual_seed(seed)
    model = make().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.rand(1, *SHAPE),), str(path), dynamo=False,
                          opset_version=13)
    return path
