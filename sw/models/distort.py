"""The same picture drawn a little differently: what the encoder learns to see through."""

import math
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from .processes import draw

ANGLE = math.radians(15)    # All are the most in each direction.
SCALE = 0.15
SHEAR = 0.15
SHIFT = 2.5                 # Pixels of an image of 28 x 28; a larger one has larger pixels.
WAVE = 1.0                  # Likewise; a standard deviation, of four by four random pushes.
PIXEL = 2 / 28              # In grid_sample's units.


def distort(images: Tensor, views: int = 1) -> Tensor:
    """Turn, scale, shear, shift and bend each image in its own random way; zeros come in.

    ``(n, channels, height, width) -> (views * n, channels, height, width)``: ``views`` of each
    image, all images one after the other in each view.
    """
    random = partial(draw, n=len(images), views=views, device=images.device)
    images = images.repeat(views, 1, 1, 1)
    n, _, height, width = images.shape

    def uniform(most: float, *shape: int) -> Tensor:
        return (2 * random(torch.rand, *shape) - 1) * most

    angle, shear, scale = uniform(ANGLE), uniform(SHEAR), 1 + uniform(SCALE, 2)
    cos, sin = angle.cos(), angle.sin()
    columns = [torch.stack([cos, sin], 1) * scale[:, :1],
               torch.stack([shear * cos - sin, cos + shear * sin], 1) * scale[:, 1:],
               uniform(SHIFT, 2) * PIXEL]
    where = F.affine_grid(torch.stack(columns, 2), [n, 1, height, width], align_corners=False)
    pushes = random(torch.randn, 2, 4, 4) * WAVE
    bend = F.interpolate(pushes, (height, width), mode="bicubic", align_corners=True)
    return F.grid_sample(images, where + bend.permute(0, 2, 3, 1) * PIXEL, align_corners=False)
