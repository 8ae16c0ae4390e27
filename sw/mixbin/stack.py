"""The whole stack as one network, any part of which can be made binary at any time."""

import math
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..models.autoencoder import Encoder
from ..models.binary import binarize
from ..models.checkpoint import save_model
from ..models.classifier import BinaryClassifier, BinaryReadout, round_through
from ..models.onchip import Block, OnChip
from ..models.shape import KERNEL
from ..training.task import SMOOTHING
from .mask import LAYERS, Mask, MaskError

__all__ = ["MixedLayer", "Stack", "loss"]

FORMAT = "hybnn-stack-1"


class MixedLayer(nn.Module):
    """A convolution of 3 x 3 with stride 2, or a fully connected layer, some of it binary.

    The real numbers in ``weight`` are used as they are, or only their signs: which of the two can
    change while they are trained. They need no other rate for that. Adam's steps are of one size,
    and weights of a real layer are small: they cross zero as soon as the latent weights of
    :class:`~sw.models.binary.BinaryLinear`, which are greater, do with its greater rate.

    Parameters
    ----------
    shape : tuple of int
        Of the weights: ``(n_out, n_in)`` or ``(n_out, n_in, 3, 3)``.
    pixels : bool
        The inputs are pixels less 0.5. Else they are what a batch norm gives.

    Shapes
    ------
    x : ``(batch, n_in, ...)``
        A binary channel takes the sign of it; a real one takes the pixel, or a leaky ReLU.
    output : ``(batch, n_out, ...)``
        Dropped channels are zero.
    """

    def __init__(self, shape: tuple[int, ...], *, pixels: bool = False) -> None:
        super().__init__()
        self.pixels = pixels
        self.weight = nn.Parameter(torch.empty(*shape))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))    # As PyTorch's own layers.
        self.choose([False] * shape[0], drops=False)

    def choose(self, binary: list[bool], drops: bool) -> None:
        """Choose which output channels are binary, or dropped."""
        chosen = torch.tensor(binary, device=self.weight.device)
        self.drops = drops
        self.rows = (~chosen).nonzero()[:, 0], chosen.nonzero()[:, 0]
        self.order = torch.cat(self.rows).argsort()

    def forward(self, x: Tensor) -> Tensor:
        full, binary = (self.weight[rows] for rows in self.rows)
        outputs = []
        if len(full):
            outputs.append(_weigh(x + 0.5 if self.pixels else F.leaky_relu(x, 0.01), full))
        if len(binary) and not self.drops:
            outputs.append(_weigh(binarize(x), binarize(binary), border=-1))
        elif len(binary):
            outputs.append(outputs[0].new_zeros(len(x), len(binary), *outputs[0].shape[2:]))
        if len(outputs) == 1:
            return outputs[0]
        # Channels lie side by side in memory; so they do afterwards.
        return torch.cat(outputs, 1).movedim(1, -1)[..., self.order].movedim(-1, 1)


def _weigh(x: Tensor, weight: Tensor, border: float = 0) -> Tensor:
    if weight.dim() == 2:
        return F.linear(x, weight)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), value=border), weight, stride=2)


class Stack(nn.Module):
    """Encoder and head in one: images to a logit for each class.

    After each layer but the last lies a batch norm.

    Shapes
    ------
    images : ``(batch, 1, 28, 28)``, from 0 to 1
    logits : ``(batch, classes)``
        Of a binary readout, integers over ``sqrt(2 hidden)``: the scale of
        :func:`sw.training.task.binary_loss`.
    """

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        shape, convolutions = mask.shape, mask.shape.encoder.convolutions
        self.layers = nn.ModuleList([
            *(MixedLayer((each.n_out, each.n_in, KERNEL, KERNEL), pixels=each is convolutions[0])
              for each in convolutions),
            *(MixedLayer((layer.n_out, layer.fan_in)) for layer in shape.layers()[3:])])
        self.norms = nn.ModuleList([
            *(nn.BatchNorm2d(convolution.n_out) for convolution in convolutions),
            nn.BatchNorm1d(shape.code_bits), nn.BatchNorm1d(shape.hidden)])
        self.bias = nn.Parameter(torch.zeros(shape.classes))    # In units of a logit.
        # Trains faster by a sixth on a CPU.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.choose(mask)

    def choose(self, mask: Mask) -> None:
        """Make other groups binary, or dropped; the weights stay as they are."""
        self.mask = mask
        for layer, channels in zip(self.layers, mask.channels(), strict=True):
            cast(MixedLayer, layer).choose(channels, mask.drops)

    def features(self, images: Tensor, depth: int) -> Tensor:
        """Return what comes out of the first ``depth`` layers: what the next takes the sign of.

        ``(batch, 1, 28, 28) -> (batch, n, height, width)``, from three layers on ``(batch, n)``,
        pixels of a channel side by side.
        """
        x = images.contiguous(memory_format=torch.channels_last) - 0.5
        for number in range(depth):
            x = self.norms[number](self.layers[number](x))
            if self.mask.drops:
                x = self._zero(x, number)
            if number == 2:
                x = x.flatten(1)
        return x

    def _zero(self, x: Tensor, number: int) -> Tensor:
        """Take away what the batch norm adds to channels that are dropped."""
        kept = x.new_ones(x.shape[1])
        kept[cast(MixedLayer, self.layers[number]).rows[1]] = 0
        return x * kept.reshape(-1, *[1] * (x.dim() - 2))

    def forward(self, images: Tensor) -> Tensor:
        x = self.features(images, len(self.norms))
        scores: Tensor = self.layers[-1](x)
        if not self.mask.binary[-1][0]:
            return scores + self.bias
        scale = math.sqrt(2 * self.mask.shape.hidden)
        return (scores + 2 * round_through(self.bias * scale / 2)) / scale

    def save(self, path: Path) -> None:
        """Write all numbers, and the mask in digits, whole or not at all."""
        save_model(path, self, format=FORMAT, mask=str(self.mask))

    @torch.no_grad()
    def begin_with(self, encoder: Encoder) -> None:
        """Take the weights of an encoder, whose batch norm is folded, and the norms' statistics.

        Raises
        ------
        MaskError
            The encoder is of another shape.
        """
        shape = self.mask.shape
        if encoder.shape != shape.encoder:
            raise MaskError(f"The encoder must be one of width {shape.width} that gives "
                            f"{shape.code_bits} bits, without a shift")
        for number in range(3):
            convolution, norm, _ = cast(nn.Sequential, encoder.get_submodule(f"stage{number}"))
            cast(MixedLayer, self.layers[number]).weight.copy_(cast(nn.Conv2d, convolution).weight)
            self.norms[number].load_state_dict(norm.state_dict())
        last = cast(nn.Linear, encoder.logits)
        cast(MixedLayer, self.layers[3]).weight.copy_(last.weight)
        cast(Tensor, self.norms[3].running_mean).copy_(-last.bias)

    @torch.no_grad()
    def head(self, names: list[str]) -> BinaryClassifier | OnChip:
        """Return the last layers, all of them binary, as the model that becomes a network."""
        first = LAYERS.index(names[0])
        layers = [cast(MixedLayer, layer) for layer in self.layers[first:]]
        if first < 3:
            return self._with_convolutions(layers, first)
        hidden = [len(layer.weight) for layer in layers[:-1]]
        model = BinaryClassifier(layers[0].weight.shape[1], hidden, self.mask.shape.classes)
        for linear, norm, layer, ours in zip(model.linears, model.norms, layers,
                                             self.norms[first:]):
            cast(nn.Linear, linear).weight.copy_(layer.weight)
            norm.load_state_dict(ours.state_dict())
        self._finish(model.readout, layers[-1])
        return model.eval()

    def _with_convolutions(self, layers: list[MixedLayer], first: int) -> OnChip:
        model = OnChip(self.mask.signature(first))
        for block, norm, layer in zip(model.blocks, self.norms[first:], layers):
            block = cast(Block, block)
            # A dense one is a convolution whose window is the map.
            block.weights.weight.copy_(layer.weight.reshape(block.weights.weight.shape))
            block.norm.load_state_dict(norm.state_dict())
        self._finish(model.readout, layers[-1])
        return model.eval()

    def _finish(self, readout: BinaryReadout, layer: MixedLayer) -> None:
        readout.linear.weight.copy_(layer.weight)
        scale = math.sqrt(2 * self.mask.shape.hidden)
        readout.offset.copy_((self.bias * scale / 2).round())


def loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of the logits, with the label smoothing of all our classifiers."""
    return F.cross_entropy(model(images), labels, label_smoothing=SMOOTHING)
