"""Networks that lie whole on the chip: pixels in, class out, trained as golden stages compute them.

All weights are -1 or +1, those of the first stage too, which takes pixels as integers. Between the
stages are signs, and around a map lies a border of -1. A pool takes the greatest number before the
sign is taken, which is the OR of the signs.
"""

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..golden import exact
from ..golden.network import Network
from ..golden.stages import Conv, Map, Pool, Signature, Stage
from .binarizer import SIGN, Binarizer
from .binary import BinaryWeights, Signs
from .classifier import BinaryReadout
from .exact import ExportError, check_norm, export_readout, weight_bits

__all__ = ["OnChip", "to_network", "verify"]

AT_A_TIME = 1 << 22    # Counts of neurons that are asked together.


class OnChip(nn.Module):
    """A network of the stages that a signature says.

    Parameters
    ----------
    signature : :class:`~sw.golden.stages.Signature`
    binarizer : :class:`~sw.models.binary.Binarizer`

    Shapes
    ------
    x : ``(batch, height, width, channels)``, as golden has it, of any type: pixels as integers
        from 0, or bits
    scores : ``(batch, n_classes)``, integers
    """

    def __init__(self, signature: Signature, binarizer: Binarizer = SIGN) -> None:
        super().__init__()
        self.signature = signature
        *hidden, (last, before, _) = signature.layers()
        self.blocks = nn.ModuleList(Block(stage, takes, gives.channels, binarizer)
                                    for stage, takes, gives in hidden)
        self.readout = BinaryReadout(last.fan_in(before), signature.n_classes, binarizer)

    def forward(self, x: Tensor) -> Tensor:
        y = x.permute(0, 3, 1, 2).to(self.readout.linear.weight.dtype)
        y = y if self.signature.input.bits > 1 else 2 * y - 1
        blocks = iter(self.blocks)
        activate: nn.Module = nn.Identity()    # Behind the pools, if there are any.
        for stage in self.signature.stages[:-1]:
            if isinstance(stage, Pool):
                y = F.max_pool2d(y, stage.size)
            else:
                block = cast(Block, next(blocks))
                y, activate = block(activate(y)), block.activation
        scores: Tensor = self.readout(activate(y).permute(0, 2, 3, 1).flatten(1))
        return scores


class Block(nn.Module):
    """A convolution, or a dense stage as one whose window is the map; then its batch norm.

    Its ``activation`` is applied by the network, behind the pools that follow.

    Shapes
    ------
    x : ``(batch, channels, height, width)``
    output : likewise, of what the stage gives
    """

    def __init__(self, stage: Stage, takes: Map, n_out: int, binarizer: Binarizer) -> None:
        super().__init__()
        if isinstance(stage, Conv):
            kernel, self.stride, self.border = (stage.kernel,) * 2, stage.stride, stage.border
        else:
            kernel, self.stride, self.border = (takes.height, takes.width), 1, 0
        self.bits = takes.bits
        self.weights = BinaryWeights((n_out, takes.channels, *kernel), binarizer)
        self.norm = nn.BatchNorm2d(n_out)
        self.activation = Signs(n_out, binarizer)

    def forward(self, x: Tensor) -> Tensor:
        # Bit 0: the sign -1 where there are bits, and the number 0 where there are pixels.
        x = F.pad(x, (self.border,) * 4, value=-1.0 if self.bits == 1 else 0.0)
        y: Tensor = self.norm(F.conv2d(x, self.weights.signs(), stride=self.stride))
        return y

    def weight_bits(self) -> np.ndarray:
        """Return weight bits ``(n_out, n_in)`` in golden's order: row, column, channel."""
        return weight_bits(self.weights).transpose(0, 2, 3, 1).reshape(self.norm.num_features, -1)

    @torch.no_grad()
    def fires(self) -> np.ndarray:
        """Ask what each neuron does at each count of matches: bool ``(max_count + 1, n_out)``.

        Raises
        ------
        ExportError
            It cannot be asked, see :func:`sw.models.exact.check_norm`.
        """
        check_norm(self.norm, self.activation)
        bits = self.weight_bits()
        top = (1 << self.bits) - 1
        counts = torch.arange(top * bits.shape[1] + 1, dtype=torch.float32)
        if self.bits == 1:
            sums = (2 * counts - bits.shape[1])[:, None].expand(-1, len(bits))
        else:    # A pixel x at -1 counts what it lacks of its greatest value.
            lacking = top * torch.from_numpy((bits == 0).sum(axis=1)).float()
            sums = counts[:, None] - lacking
        parts = [self._ask(part) for part in sums.split(max(1, AT_A_TIME // len(bits)))]
        return np.concatenate(parts)

    def _ask(self, sums: Tensor) -> np.ndarray:
        # Laid out as in use, an image with a row of sums for each channel.
        image = sums.T.contiguous()[None, :, None, :]
        outputs = self.activation.moved(self.norm(image))[0, :, 0]
        if outputs.isnan().any():
            raise ExportError(f"Neuron {int(outputs.isnan().any(dim=1).nonzero()[0])} gives NaN")
        return (outputs >= 0).numpy().T


def to_network(model: OnChip) -> Network:
    """Turn a model, evaluating and on the CPU, into a network that gives the same answers."""
    layers = []
    for number, block in enumerate(cast(list[Block], list(model.blocks))):
        try:
            layers.append(exact.layer_of(block.weight_bits(), block.fires(), block.bits))
        except (ExportError, exact.NotAThreshold) as error:
            raise ExportError(f"Layer {number}: {error}") from None
    return Network(layers, export_readout(model.readout), model.signature)


def verify(network: Network, model: OnChip) -> int:
    """Compare each neuron of a network, at each sum it can have, with the model's.

    Returns how many sums there are. Raises :exc:`ExportError` where they differ.
    """
    n_sums = 0
    for number, (layer, block) in enumerate(zip(network.layers, cast(list[Block],
                                                                     list(model.blocks)))):
        try:
            exact.verify(layer, block.weight_bits(), block.fires())
        except exact.NotAThreshold as error:
            raise ExportError(f"Layer {number}: {error}") from None
        n_sums += layer.n_out * (layer.max_count + 1)
    return n_sums
