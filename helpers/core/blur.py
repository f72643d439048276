"""Gaussian blur of any width as two matrix products."""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor


def gaussian_blur(
    images: Float[Tensor, "*batch height width"],
    sigma: float | int,
    radius: int | None = None,
    *,
    border: Literal["mirror", "zeros"] = "mirror",
) -> Float[Tensor, "*batch height width"]:
    """Images blurred by a Gaussian.

    Args:
        images: any values.
        sigma: the Gaussian's standard deviation in pixels; 0 returns the images unchanged.
        radius: the distance at which the Gaussian is truncated, in pixels; None: four sigma. It may exceed the image.
        border: beyond the border, `"mirror"` continues the image by its reflection (the edge pixel is not repeated, as
            in OpenCV), `"zeros"` by 0 (as TorchRay's blur and convolutions with zero padding do).

    Raises:
        ValueError: sigma or radius is negative.
    """
    if sigma < 0 or (radius is not None and radius < 0):
        raise ValueError(f"sigma={sigma} and radius={radius} are lengths: they must not be negative")
    if sigma == 0 or radius == 0:
        return images
    radius = math.ceil(4 * sigma) if radius is None else radius
    rows, columns = (blur_matrix(side, sigma, radius, border=border).to(images) for side in images.shape[-2:])
    return rows @ images @ columns.T


def blur_matrix(
    side: int, sigma: float | int, radius: int, *, border: Literal["mirror", "zeros"] = "mirror"
) -> Float[Tensor, "side side"]:
    """The matrix that blurs one line of `side` pixels; with a mirroring border each row sums to 1."""
    offsets = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (offsets.double() / sigma) ** 2)
    weights = (weights / weights.sum()).expand(side, -1)
    columns = torch.arange(side)[:, None] + offsets
    if border == "zeros":
        weights = weights * ((columns >= 0) & (columns < side))
    columns = columns.abs() % max(1, 2 * (side - 1))
    columns = torch.minimum(columns, 2 * (side - 1) - columns)  # mirrored as often as the Gaussian crosses the edge
    matrix = torch.zeros(side, side, dtype=torch.float64)
    matrix.scatter_add_(1, columns, weights)
    return matrix.float()
