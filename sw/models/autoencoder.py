"""An autoencoder whose latent code is a vector of bits.

The encoder is that of BinPlay and HyBNN (three strided convolutions with batch norm, then one
linear layer). What is added to the published method, still without labels:

* A batch norm without scale and offset before the sign, so that no bit is wasted on being constant.
* The encoder sees distorted images, and the decoder draws the undistorted one.
* The codes of two distortions of one image must agree, and differ from those of other images
  (InfoNCE, as in SimCLR). Reconstruction alone keeps bits that say where a stroke lies; these
  keep what does not change with the hand that draws it.
"""

import copy
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..golden import tensors
from ..golden.errors import UserError
from .binarizer import SIGN, Binarizer
from .binary import DynamicShift, Signs
from .checkpoint import save_model
from .distort import distort
from .processes import gather
from .shape import KERNEL, EncoderShape

FORMAT = "hybnn-encoder-1"
MAX_BYTES = 1 << 30    # Of a file; the largest that sw.pretrain makes are half as large.

TEMPERATURE = 0.2
AGREEMENT_WEIGHT = 200.0 / 784    # A pixel; against some 140 nats of 784 pixels' reconstruction.


class EncoderFileError(UserError):
    """A file is not a well-formed encoder; the message says in one sentence why."""


def _stage(n_in: int, n_out: int) -> nn.Sequential:
    # A bias would only be taken away again by the batch norm.
    return nn.Sequential(nn.Conv2d(n_in, n_out, KERNEL, stride=2, padding=1, bias=False),
                         nn.BatchNorm2d(n_out), nn.LeakyReLU(0.01))


class Encoder(nn.Sequential):
    """Images to a logit for every code bit.

    Parameters are those of :class:`~sw.models.shape.EncoderShape`. ``moves`` can act here, before
    the sign, and on the host; on codes, whose elements are -1 and +1, it cannot.

    Shapes
    ------
    images : ``(batch, channels, side, side)``, from 0 to 1
    logits : ``(batch, n_bits)``
    """

    def __init__(self, n_bits: int, width: int, *, moves: bool = False, channels: int = 1,
                 side: int = 28) -> None:
        self.shape = EncoderShape(n_bits, width, channels, side, moves)
        stages = OrderedDict[str, nn.Module]()
        for number, convolution in enumerate(self.shape.convolutions):
            stages[f"stage{number}"] = _stage(convolution.n_in, convolution.n_out)
        stages["flatten"] = nn.Flatten()
        stages["logits"] = nn.Linear(self.shape.n_features, n_bits)
        if moves:
            stages["move"] = DynamicShift(n_bits)
        super().__init__(stages)

    @property
    def n_bits(self) -> int:
        """Length of the code."""
        return self.shape.n_bits

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image; batch norm folds into the weights."""
        linears = [layer.weight for layer in self.modules() if isinstance(layer, nn.Linear)]
        return (sum(convolution.macs for convolution in self.shape.convolutions)
                + sum(weight.numel() for weight in linears))

    def save(self, path: Path) -> None:
        """Write the encoder's file, whole or not at all."""
        save_model(path, self, format=FORMAT, shape=str(self.shape))

    @classmethod
    def load(cls, path: Path) -> "Encoder":
        """Read what :meth:`save` wrote, of at most 1 GiB; the encoder is in evaluation mode.

        Raises
        ------
        EncoderFileError
            The file is not an encoder: one sentence says what is wrong.
        OSError
            The file cannot be read.
        """
        try:
            description, arrays = tensors.read(path, {FORMAT: ["shape"]}, MAX_BYTES)
            return _assemble(str(description["shape"]),
                             {name: torch.from_numpy(array) for name, array in arrays.items()})
        except (ValueError, TypeError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise EncoderFileError(f"{path} is not an encoder file: {reason}") from None


def _assemble(shape: str, state: dict[str, Tensor]) -> Encoder:
    found = EncoderShape.parse(shape)
    with torch.device("meta"):  # No memory on the word of the metadata: the tensors bring theirs.
        encoder = Encoder(found.n_bits, found.width, moves=found.moves, channels=found.channels,
                          side=found.side)
    for name, expected in encoder.state_dict().items():
        if name in state and state[name].dtype != expected.dtype:
            raise ValueError(f"{name!r} must be {expected.dtype}, not {state[name].dtype}")
    if wrong := [name for name, tensor in state.items() if not tensor.isfinite().all()]:
        raise ValueError(f"{wrong[0]!r} must be finite")
    encoder.load_state_dict(state, assign=True)
    return encoder.eval()


class BinaryAutoencoder(nn.Module):
    """Autoencoder with a code of ``n_bits`` elements, each -1 or +1.

    Shapes
    ------
    images : ``(batch, channels, side, side)``, from 0 to 1
    code : ``(batch, n_bits)``, -1 or +1
    pixels : ``(batch, channels, side, side)``, logits of the reconstruction
    logits : ``(batch, n_bits)``, of mean 0 and variance 1 while training
    """

    def __init__(self, n_bits: int, width: int, binarizer: Binarizer = SIGN, *, channels: int = 1,
                 side: int = 28) -> None:
        super().__init__()
        self.encoder = Encoder(n_bits, width, channels=channels, side=side)
        self.norm = nn.BatchNorm1d(n_bits, affine=False)
        self.signs = Signs(n_bits, replace(binarizer, asd="dynamic" if binarizer.asd else ""))
        self.decoder = decoder(n_bits, channels, side)
        # Trains faster by a sixth on a CPU.
        self.encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def encode(self, images: Tensor) -> Tensor:
        """Images to logits, whose signs are the code."""
        return self.signs.moved(self.norm(self.encoder(images)))

    def decode(self, logits: Tensor) -> Tensor:
        """Logits to pixels, by way of the code."""
        pixels: Tensor = self.decoder(self.signs.binarize(logits))
        return pixels

    def forward(self, images: Tensor) -> Tensor:
        """Images to pixels."""
        return self.decode(self.encode(images))

    @torch.no_grad()
    def fold(self) -> Encoder:
        """Return the encoder with the batch norm inside its last layer, for use in evaluation."""
        encoder = copy.deepcopy(self.encoder)
        if self.signs.binarizer.asd:
            encoder.shape = replace(encoder.shape, moves=True)
            encoder.add_module("move", copy.deepcopy(self.signs.move))
        encoder.eval()
        # As a file gives it: another memory layout may take a kernel that rounds another way.
        encoder.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        mean, variance = cast(Tensor, self.norm.running_mean), cast(Tensor, self.norm.running_var)
        scale = (variance + self.norm.eps).rsqrt()
        last = cast(nn.Linear, encoder.logits)
        last.weight *= scale[:, None]
        last.bias.sub_(mean).mul_(scale)
        return encoder


def decoder(n_bits: int, channels: int = 1, side: int = 28) -> nn.Sequential:
    """Signs ``(batch, n_bits)`` to logits of pixels ``(batch, channels, side, side)``."""
    return nn.Sequential(nn.Linear(n_bits, 300), nn.LeakyReLU(0.01),       # (batch, 300)
                         nn.Linear(300, channels * side * side),           # (batch, 784)
                         nn.Unflatten(1, (channels, side, side)))


def distance(pixels: Tensor, images: Tensor) -> Tensor:
    """Cross entropy between images and the logits ``pixels``, in nats per image."""
    return F.binary_cross_entropy_with_logits(pixels, images, reduction="sum") / len(images)


def disagreement(ones: Tensor, others: Tensor) -> Tensor:
    """InfoNCE of logits ``(batch, n_bits)``: how hard it is to find an image by its other view.

    Row ``i`` of both is of one image. The likeness of two codes is the mean over the bits of
    the product of their soft signs; the softmax over the batch, that is over the images of all
    processes, is taken at ``TEMPERATURE``.

    >>> logits = 9.0 * torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1]])
    >>> round(float(disagreement(logits, logits)), 3), round(float(disagreement(logits, -logits)))
    (0.013, 6)
    """
    ones, others = gather(ones), gather(others)
    likeness = ones.tanh() @ others.tanh().T / (ones.shape[1] * TEMPERATURE)
    own = torch.arange(len(ones), device=ones.device)
    return (F.cross_entropy(likeness, own) + F.cross_entropy(likeness.T, own)) / 2


def plain_loss(model: BinaryAutoencoder, images: Tensor) -> Tensor:
    """Loss per image of the reconstruction alone."""
    return distance(model(images), images)


def handwriting_loss(model: BinaryAutoencoder, images: Tensor) -> Tensor:
    """Loss per image of one reconstruction and of the agreement between two distortions.

    A distorted character is another hand's. A distorted shirt may be a dress: on Fashion-MNIST this
    costs some 7 per cent of accuracy, and :func:`plain_loss` serves.
    """
    ones, others = model.encode(distort(images, views=2)).chunk(2)
    return (distance(model.decode(ones), images)
            + AGREEMENT_WEIGHT * images[0].numel() * disagreement(ones, others))
