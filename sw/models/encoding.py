"""Images to packed codes, and packed codes to signs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..golden import bits
from ..images.data import DataSet
from .autoencoder import Encoder
from .distort import distort

BATCH = 500    # Images at a time: their activations stay within some ten megabytes.


@dataclass(frozen=True)
class CodeSet:
    """What classifiers are trained and tested on: the codes of images, or pixels as bits.

    Attributes
    ----------
    copies : uint8 array of shape ``(n_copies, n, ceil(n_bits / 8))``
        Codes of the training images, copy 0, and of distorted copies of them.
    test_codes : uint8 array of shape ``(n_test, ceil(n_bits / 8))``
    train_labels, test_labels : int64 tensors of shape ``(n,)`` and ``(n_test,)``
    """

    copies: np.ndarray
    train_labels: Tensor
    test_codes: np.ndarray
    test_labels: Tensor
    n_bits: int

    @property
    def n_classes(self) -> int:
        """One more than the highest label."""
        return int(self.train_labels.max()) + 1

    def epoch(self, number: int) -> list[Tensor]:
        """Return signs and labels to train on: another copy of all images in each epoch."""
        return [unpack_signs(self.copies[number % len(self.copies)], self.n_bits),
                self.train_labels]

    def test(self) -> list[Tensor]:
        """Return signs and labels to test on."""
        return [unpack_signs(self.test_codes, self.n_bits), self.test_labels]

    def select(self, classes: list[int]) -> "CodeSet":
        """Keep the images of these classes; the labels count them from 0."""
        position = torch.full((max(self.n_classes, *classes) + 1,), -1)
        position[classes] = torch.arange(len(classes))
        train, test = position[self.train_labels] >= 0, position[self.test_labels] >= 0
        return replace(self, copies=self.copies[:, train.numpy()],
                       train_labels=position[self.train_labels[train]],
                       test_codes=self.test_codes[test.numpy()],
                       test_labels=position[self.test_labels[test]])


def encode(to_codes: Callable[[Tensor], np.ndarray], n_bits: int, data: DataSet,
           n_copies: int) -> CodeSet:
    """Make codes of all images of ``data``, and of distorted copies of those to train on.

    A distortion changes many bits of a code but not its class, which training images alone would
    not tell.
    """
    images = data.train_images
    copies = [to_codes(images)]
    for _ in range(n_copies - 1):
        copies.append(to_codes(torch.cat([distort(batch) for batch in images.split(BATCH)])))
    return CodeSet(np.stack(copies), data.train_labels, to_codes(data.test_images),
                   data.test_labels, n_bits)


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


def threshold_pixels(images: Tensor, at: float) -> np.ndarray:
    """Make a code of the pixels themselves: bit 1 where a pixel is ``at`` or more."""
    return pack_signs(images.flatten(1) - at)
