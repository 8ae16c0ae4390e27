"""An autoencoder whose latent code is a vector of bits.

The encoder is that of BinPlay and HyBNN (three strided convolutions with batch norm, then one
linear layer) at half its widths. Between encoder and decoder every code bit is a coin: a
variational autoencoder with Bernoulli latents.
"""

import math
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .binary import binarize
from .golden import tensors

FORMAT = "hybnn-encoder-1"


class EncoderFileError(Exception):
    """A file is not a well-formed encoder; the message says in one sentence why."""


class _Sample(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mean: Tensor) -> Tensor:
        return 2 * torch.bernoulli((1 + mean) / 2) - 1

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return grads[0]


def sample(logits: Tensor) -> Tensor:
    """Draw -1 or +1 for each logit; the gradient is that of the mean, ``tanh(logits / 2)``."""
    mean = torch.tanh(logits / 2)
    signs: Tensor = _Sample.apply(mean)  # type: ignore[no-untyped-call]  # As in binary.
    return signs


def _stage(n_in: int, n_out: int) -> nn.Sequential:
    # A bias would only be taken away again by the batch norm.
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False),
                         nn.BatchNorm2d(n_out), nn.LeakyReLU(0.01))


class Encoder(nn.Sequential):
    """Images to a logit for every code bit.

    Shapes
    ------
    images : ``(batch, 1, 28, 28)``, from 0 to 1
    logits : ``(batch, n_bits)``
    """

    def __init__(self, n_bits: int, width: int) -> None:
        self.n_bits, self.width = n_bits, width
        super().__init__(OrderedDict(
            stage0=_stage(1, width),                          # (batch, width, 14, 14)
            stage1=_stage(width, 2 * width),                  # (batch, 2 width, 7, 7)
            stage2=_stage(2 * width, 4 * width),              # (batch, 4 width, 4, 4)
            flatten=nn.Flatten(),                             # (batch, 64 width)
            logits=nn.Linear(64 * width, n_bits),             # (batch, n_bits)
        ))

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image; batch norm folds into the weights."""
        outputs = [14 * 14, 7 * 7, 4 * 4, 1]
        weights = [layer.weight for layer in self.modules()
                   if isinstance(layer, nn.Conv2d | nn.Linear)]
        return sum(n * weight.numel() for n, weight in zip(outputs, weights, strict=True))

    def save(self, path: Path) -> None:
        """Write the encoder's file, whole or not at all."""
        state = {name: tensor.cpu().contiguous().numpy()
                 for name, tensor in self.state_dict().items()}
        tensors.write(path, state, format=FORMAT, shape=f"28x28-{self.width}-{self.n_bits}")

    @classmethod
    def load(cls, path: Path) -> "Encoder":
        """Read what :meth:`save` wrote; the encoder is in evaluation mode.

        Raises
        ------
        EncoderFileError
            The file is not an encoder: one sentence says what is wrong.
        OSError
            The file cannot be read.
        """
        try:
            description, arrays = tensors.read(path, FORMAT, ["shape"])
            return _assemble(str(description["shape"]),
                             {name: torch.from_numpy(array) for name, array in arrays.items()})
        except (ValueError, TypeError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise EncoderFileError(f"{path} is not an encoder file: {reason}") from None


def _assemble(shape: str, state: dict[str, Tensor]) -> Encoder:
    match = re.fullmatch(r"28x28-([1-9][0-9]{0,3})-([1-9][0-9]{0,4})", shape)
    if match is None:
        raise ValueError(f"its shape must be like '28x28-16-200', not {shape[:40]!r}")
    width, n_bits = map(int, match.groups())
    with torch.device("meta"):  # No memory on the word of the metadata: the tensors bring theirs.
        encoder = Encoder(n_bits, width)
    for name, expected in encoder.state_dict().items():
        if name in state and state[name].dtype != expected.dtype:
            raise ValueError(f"{name!r} must be {expected.dtype}, not {state[name].dtype}")
    if wrong := [name for name, tensor in state.items() if not tensor.isfinite().all()]:
        raise ValueError(f"{wrong[0]!r} must be finite")
    encoder.load_state_dict(state, assign=True)
    return encoder.eval()


class BinaryAutoencoder(nn.Module):
    """Autoencoder with a code of ``n_bits`` elements, each -1 or +1.

    Training draws every bit with the probability that its logit says; evaluation takes the likelier
    value, so that the same image always has the same code.

    Shapes
    ------
    images : ``(batch, 1, 28, 28)``, from 0 to 1
    code : ``(batch, n_bits)``, -1 or +1
    pixels : ``(batch, 1, 28, 28)``, logits of the reconstruction
    logits : ``(batch, n_bits)``
    """

    def __init__(self, n_bits: int, width: int) -> None:
        super().__init__()
        self.encoder = Encoder(n_bits, width)
        self.decoder = nn.Sequential(
            nn.Linear(n_bits, 300), nn.LeakyReLU(0.01),       # (batch, 300)
            nn.Linear(300, 28 * 28),                          # (batch, 784)
            nn.Unflatten(1, (1, 28, 28)),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images to ``(pixels, logits)``, which is what :func:`loss` takes."""
        logits = self.encoder(images)
        code = sample(logits) if self.training else binarize(logits)
        return self.decoder(code), logits


def loss(pixels: Tensor, logits: Tensor, images: Tensor, kl_weight: float) -> Tensor:
    """Loss in nats per image, averaged over the batch: the negative ELBO at weight 1.

    A divergence of a bit is that from a fair coin, log 2 less the entropy of the bit: a bit that
    never changes pays, a bit that does not help pays for being sure.

    >>> images, sure, fair = torch.ones(1, 1, 28, 28), torch.full((1, 4), 99.0), torch.zeros(1, 4)
    >>> round(float(loss(99 * images, fair, images, 1.0)), 4)
    0.0
    >>> round(float(loss(99 * images, sure, images, 1.0)) / math.log(2), 4)
    4.0
    """
    distance = F.binary_cross_entropy_with_logits(pixels, images, reduction="none")
    entropy = F.binary_cross_entropy_with_logits(logits, logits.sigmoid(), reduction="none")
    divergence = math.log(2) - entropy
    return (distance.flatten(1).sum(1) + kl_weight * divergence.sum(1)).mean()
