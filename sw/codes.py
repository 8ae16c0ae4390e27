"""Images to packed codes, and packed codes to signs."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .autoencoder import Encoder
from .golden import bits

BATCH = 500    # Images at a time: their activations stay within some ten megabytes.
REACH = 2      # Pixels that a shifted copy is moved by at most, in each direction.


@torch.no_grad()
def extract(encoder: Encoder, images: Tensor) -> np.ndarray:
    """Encode images ``(n, 1, 28, 28)`` into packed codes, uint8 ``(n, ceil(n_bits / 8))``.

    A logit of zero or more is bit 1. The encoder is in evaluation mode afterwards.
    """
    encoder.eval()
    device = next(encoder.parameters()).device
    return pack_signs(torch.cat([encoder(batch.to(device)).cpu() for batch in images.split(BATCH)]))


def pack_signs(logits: Tensor) -> np.ndarray:
    """Pack the signs of logits ``(n, n_bits)``, zero counting as +1."""
    return bits.pack((logits >= 0).numpy().astype(np.uint8))


def unpack_signs(codes: np.ndarray, n_bits: int) -> Tensor:
    """Unpack codes into signs, float ``(..., n_bits)``.

    >>> unpack_signs(pack_signs(torch.tensor([[0.5, -0.5, 0.0]])), 3).tolist()
    [[1.0, -1.0, 1.0]]
    """
    return torch.from_numpy(bits.to_signs(bits.unpack(codes, n_bits))).float()


def extract_copies(to_codes: Callable[[Tensor], np.ndarray], images: Tensor,
                   n_copies: int) -> np.ndarray:
    """Encode images and randomly shifted copies of them: uint8 ``(n_copies, n, n_bytes)``.

    Copy 0 is the images as they are. A shift changes many bits of a code but not its class, which
    few training images alone would not tell.
    """
    copies = [images, *(shift(images) for _ in range(n_copies - 1))]
    return np.stack([to_codes(copy) for copy in copies])


def shift(images: Tensor) -> Tensor:
    """Move each image ``(n, 1, height, width)`` by up to ``REACH`` pixels; zeros come in."""
    n, _, height, width = images.shape
    padded = F.pad(images, (REACH,) * 4)[:, 0]
    down, right = torch.randint(0, 2 * REACH + 1, (2, n, 1))
    rows, columns = down + torch.arange(height), right + torch.arange(width)    # (n, height)
    return padded[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]][:, None]


def threshold_pixels(images: Tensor, at: float) -> np.ndarray:
    """Make a code of the pixels themselves: bit 1 where a pixel is ``at`` or more."""
    return pack_signs(images.flatten(1) - at)
