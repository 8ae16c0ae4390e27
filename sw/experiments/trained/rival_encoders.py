"""Encoders that ours is compared with; all are trained without labels, on undistorted images.

They share our encoder, which is BinPlay's, and our small decoder. BinPlay's own decoder takes 95
times the multiply-accumulates of the encoder, and is of no use once the codes are made.
"""

import math
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...models.autoencoder import Encoder, decoder, distance

PACE = 100, 2e-3            # Batch and rate, which falls.
MATCHING_PACE = 50, 2e-3    # BinPlay's batch, and twice its rate, but falling.
KL_WEIGHT = 0.1             # At 1 the bits are fair, but so noisy that a classifier suffers.
CODE_WEIGHT = 10.0          # BinPlay's, as are the warm-up and the primes.
WARM_UP = 3                 # Epochs of reconstruction alone.
PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89,
          97, 101)


class BernoulliAutoencoder(nn.Module):
    """Variational autoencoder whose bits are coins: drawn while training, the likelier side after.

    Shapes
    ------
    images : ``(batch, 1, 28, 28)``, from 0 to 1
    pixels : ``(batch, 1, 28, 28)``, logits of the reconstruction
    logits : ``(batch, n_bits)``
    """

    def __init__(self, n_bits: int, width: int) -> None:
        super().__init__()
        self.encoder = Encoder(n_bits, width)
        self.decoder = decoder(n_bits)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images to ``(pixels, logits)``, with drawn bits between them."""
        logits = self.encoder(images)
        return self.decoder(sample(logits)), logits

    def fold(self) -> Encoder:
        """Return the encoder, evaluating."""
        return self.encoder.eval()


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


def bernoulli_loss(model: BernoulliAutoencoder, images: Tensor) -> Tensor:
    """Reconstruction, and the divergence of all bits from fair coins at ``KL_WEIGHT``."""
    pixels, logits = model(images)
    return distance(pixels, images) + KL_WEIGHT * divergence(logits)


def divergence(logits: Tensor) -> Tensor:
    """Nats per image from fair coins: log 2 less the entropy of each bit.

    A bit that never changes pays, a bit that does not help pays for being sure.

    >>> divergence(torch.zeros(1, 4)), divergence(torch.full((1, 4), 99.0)) / math.log(2)
    (tensor(0.), tensor(4.))
    """
    entropy = F.binary_cross_entropy_with_logits(logits, logits.sigmoid(), reduction="sum")
    return logits.shape[1] * math.log(2) - entropy / len(logits)


class MatchingAutoencoder(nn.Module):
    """BinPlay's autoencoder: real embeddings are pulled to the nearest codes of a list.

    Each image of an epoch takes a code of the list away. The decoder sees the real embedding; the
    sign of it, which HyBNN needs and never describes, is taken after training.

    Parameters
    ----------
    n_images : int
        Of an epoch, each of which has one code in the list.
    """

    def __init__(self, n_bits: int, width: int, n_images: int) -> None:
        super().__init__()
        self.encoder = Encoder(n_bits, width)
        self.decoder = decoder(n_bits)
        codes, uses = np.unique(listed_codes(n_images, n_bits), axis=0, return_counts=True)
        self.register_buffer("codes", torch.from_numpy(codes).float())
        self.register_buffer("uses", torch.from_numpy(uses))
        self.register_buffer("free", torch.from_numpy(uses.copy()))
        self.register_buffer("n_seen", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def take(self, embeddings: Tensor) -> Tensor:
        """Take the nearest free code for each embedding in turn: ``(batch, n_bits)`` of both."""
        codes, free = cast(Tensor, self.codes), cast(Tensor, self.free).cpu().numpy()
        # The nearest code has the greatest product: all are of one length.
        products = (embeddings @ codes.T).cpu().numpy()
        taken = []
        for row in products:
            nearest = int(row.argmax())
            if not free[nearest]:
                nearest = int(np.where(free > 0, row, -np.inf).argmax())
            free[nearest] -= 1
            taken.append(nearest)
        cast(Tensor, self.free).copy_(torch.from_numpy(free))
        return codes[taken]

    def fold(self) -> Encoder:
        """Return the encoder, evaluating."""
        return self.encoder.eval()


def matching_loss(model: MatchingAutoencoder, images: Tensor) -> Tensor:
    """BinPlay's: squared error per image, and the squared distance to codes summed over the batch.

    The second makes no epoch's difference before ``WARM_UP`` epochs have passed.
    """
    seen, free, uses = (cast(Tensor, model.n_seen), cast(Tensor, model.free),
                        cast(Tensor, model.uses))
    epoch, row = divmod(int(seen), int(uses.sum()))
    seen += len(images)
    embeddings = model.encoder(images)
    pixels = model.decoder(embeddings).sigmoid()
    reconstruction = F.mse_loss(pixels, images, reduction="sum") / len(images)
    if epoch < WARM_UP:
        return reconstruction
    if row == 0:
        free.copy_(uses)
    codes = model.take(embeddings)
    return reconstruction + CODE_WEIGHT * F.mse_loss(codes, embeddings, reduction="sum")


def listed_codes(n_images: int, n_bits: int) -> np.ndarray:
    """Return BinPlay's code of each image, -1 or +1, int8 ``(n_images, n_bits)``.

    Eight bits for each prime ``p``, highest first: ``floor(i C / 25)`` of image ``i``, where ``C``
    is the highest power of ``p`` up to 256. So it is in the published program, whose precedence of
    operators is not the one that the formula wants; images 6,400 apart share a code.

    >>> codes = listed_codes(6401, 200)
    >>> bool((codes[0] == codes[6400]).all()), len(np.unique(codes, axis=0))
    (True, 6400)
    """
    factors = np.array([p ** int(math.log(256, p)) for p in PRIMES[:math.ceil(n_bits / 8)]])
    numbers = np.arange(n_images)[:, None] * factors // len(PRIMES) % 256
    bits = np.unpackbits(numbers.astype(np.uint8), axis=1)[:, :n_bits]
    return 2 * bits.astype(np.int8) - 1
