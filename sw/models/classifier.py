"""The binary network that becomes hardware, and what it is compared with."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from .binarizer import SIGN, Binarizer
from .binary import BinaryConv2d, BinaryLinear, Signs


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.round()

    @staticmethod
    def backward(ctx: object, *grads: Tensor) -> Tensor:
        return grads[0]


def round_through(x: Tensor) -> Tensor:
    """Round each element; the gradient passes unchanged."""
    rounded: Tensor = _Round.apply(x)  # type: ignore[no-untyped-call]  # As in binary.
    return rounded


class BinaryReadout(nn.Module):
    """A score for each class: the sum of a :class:`BinaryLinear` and twice an integer offset.

    Twice, because a sum is twice a count: hardware adds the offset itself to the count. Training
    moves the real numbers in ``offset``, which are rounded before use.

    Shapes
    ------
    x : ``(batch, n_in)``, -1 or +1
    output : ``(batch, n_classes)``, integers
    """

    def __init__(self, n_in: int, n_classes: int, binarizer: Binarizer = SIGN) -> None:
        super().__init__()
        self.linear = BinaryLinear(n_in, n_classes, binarizer)
        self.offset = nn.Parameter(torch.zeros(n_classes))

    def offsets(self) -> Tensor:
        """Integers to add to the counts, ``(n_classes,)``."""
        return round_through(self.offset)

    def forward(self, x: Tensor) -> Tensor:
        sums: Tensor = self.linear(x)
        return sums + 2 * self.offsets()


class BinaryClassifier(nn.Module):
    """Fully connected binary network: inputs, weights and what is between layers are -1 or +1.

    A hidden layer is a :class:`BinaryLinear`, a batch norm, and :class:`Signs`, which together are
    one threshold on a count. The scores are integers.

    Attributes
    ----------
    shape : tuple of int
        Widths from input to classes.

    Shapes
    ------
    x : ``(batch, n_in)``, -1 or +1
    scores : ``(batch, n_classes)``
    """

    def __init__(self, n_in: int, hidden: Sequence[int], n_classes: int,
                 binarizer: Binarizer = SIGN) -> None:
        super().__init__()
        self.shape = (n_in, *hidden, n_classes)
        self.linears = nn.ModuleList(BinaryLinear(*ends, binarizer)
                                     for ends in pairwise(self.shape[:-1]))
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in hidden)
        self.signs = nn.ModuleList(Signs(width, binarizer) for width in hidden)
        self.readout = BinaryReadout(self.shape[-2], n_classes, binarizer)

    def forward(self, x: Tensor) -> Tensor:
        for linear, norm, signs in zip(self.linears, self.norms, self.signs, strict=True):
            x = signs(norm(linear(x)))
        scores: Tensor = self.readout(x)
        return scores


class FullPrecisionTwin(nn.Sequential):
    """The same widths with real weights, batch norm and ReLU: what binarising costs.

    Shapes
    ------
    x : ``(batch, n_in)``
    scores : ``(batch, n_classes)``
    """

    def __init__(self, n_in: int, hidden: Sequence[int], n_classes: int) -> None:
        layers: list[nn.Module] = []
        for above, below in pairwise((n_in, *hidden)):
            layers += [nn.Linear(above, below), nn.BatchNorm1d(below), nn.ReLU()]
        super().__init__(*layers, nn.Linear((n_in, *hidden)[-1], n_classes))


class BinaryCNN(nn.Module):
    """HyBNN's baseline: the encoder's convolutions, all binary, and a binary network on top.

    Shapes
    ------
    signs : ``(batch, 1, 28, 28)``, -1 or +1
    scores : ``(batch, n_classes)``
    """

    def __init__(self, width: int, hidden: Sequence[int], n_classes: int,
                 binarizer: Binarizer = SIGN) -> None:
        super().__init__()
        self.stages = nn.Sequential(*(
            _BinaryStage(*ends, binarizer)
            for ends in pairwise((1, width, 2 * width, 4 * width))))    # (batch, 4 width, 4, 4)
        self.head = BinaryClassifier(64 * width, hidden, n_classes, binarizer)

    @property
    def readout(self) -> BinaryReadout:
        """The last layer."""
        return self.head.readout

    def forward(self, signs: Tensor) -> Tensor:
        scores: Tensor = self.head(self.stages(signs).flatten(1))
        return scores


class _BinaryStage(nn.Module):
    def __init__(self, n_in: int, n_out: int, binarizer: Binarizer) -> None:
        super().__init__()
        self.conv, self.norm = BinaryConv2d(n_in, n_out, binarizer), nn.BatchNorm2d(n_out)
        self.signs = Signs(n_out, binarizer)

    def forward(self, signs: Tensor) -> Tensor:
        output: Tensor = self.signs(self.norm(self.conv(signs)))
        return output


def predict(scores: Tensor) -> Tensor:
    """Choose the class with the highest score, the lowest index of those that tie.

    ``(batch, n_classes)`` -> ``(batch,)``. :func:`torch.argmax` leaves open which of equal
    elements it returns.

    >>> predict(torch.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])).tolist()
    [1, 0]
    """
    n_classes = scores.shape[1]
    highest = scores == scores.max(dim=1, keepdim=True).values
    return torch.where(highest, torch.arange(n_classes, device=scores.device), n_classes).amin(1)
