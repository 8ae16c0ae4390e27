"""The same picture drawn a little differently: what the encoder learns to see through."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

ANGLE = math.radians(15)    # All are the most in each direction.
SCALE = 0.15
SHEAR = 0.15
SHIFT = 2.5                 # Pixels.
WAVE = 1.0                  # Pixels; a standard deviation, of four by four random pushes.


def distort(images: Tensor) -> Tensor:
    """Turn, scale, shear, shift and bend each image in its own random way; zeros come in.

    ``(n, 1, height, width) -> (n, 1, height, width)``
    """
    n, _, height, width = images.shape
    pixel = images.new_tensor([2 / width, 2 / height])    # In grid_sample's units.

    def uniform(most: float, *shape: int) -> Tensor:
        return (2 * torch.rand(n, *shape, device=images.device) - 1) * most

    angle, shear, scale = uniform(ANGLE), uniform(SHEAR), 1 + uniform(SCALE, 2)
    cos, sin = angle.cos(), angle.sin()
    columns = [torch.stack([cos, sin], 1) * scale[:, :1],
               torch.stack([shear * cos - sin, cos + shear * sin], 1) * scale[:, 1:],
               uniform(SHIFT, 2) * pixel]
    where = F.affine_grid(torch.stack(columns, 2), [n, 1, height, width], align_corners=False)
    pushes = torch.randn(n, 2, 4, 4, device=images.device) * WAVE
    bend = F.interpolate(pushes, (height, width), mode="bicubic", align_corners=True)
    return F.grid_sample(images, where + bend.permute(0, 2, 3, 1) * pixel, align_corners=False)
