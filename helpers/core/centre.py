"""A Gaussian in the middle of an image: the control that knows where photographers put their objects."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

CENTRE_SIGMA = 0.25
"""The Gaussian's standard deviation, as a share of the side."""


def centre_gaussian(height: int, width: int) -> Float[Tensor, "height width"]:
    """A mask that is 1 in the middle of the image and falls off as a Gaussian: 0.14 at the middle of each side.

    Args:
        height, width: in pixels.
    """
    lines = [torch.exp(-0.5 * ((torch.arange(n) + 0.5 - n / 2) / (CENTRE_SIGMA * n)) ** 2) for n in (height, width)]
    return lines[0][:, None] * lines[1]
