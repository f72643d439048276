"""Gaussian blur of any width as two matrix products."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor


def gaussian_blur(
    images: Float[Tensor, "*batch height width"], sigma: float | int, radius: int | None = None
) -> Float[Tensor, "*batch height width"]:
    """Images blurred by a Gaussian, mirrored at the border (the edge pixel is not repeated, as in OpenCV).

    Args:
        images: any values.
        sigma: the Gaussian's standard deviation in pixels; 0 returns the images unchanged.
        radius: the distance at which the Gaussian is truncated, in pixels; None: four sigma. It may exceed the image.

    Raises:
        ValueError: sigma or radius is negative.
    """
    if sigma < 0 or (radius is not None and radius < 0):
        raise ValueError(f"sigma={sigma} and radius={radius} are lengths: they must not be negative")
    if sigma == 0 or radius == 0:
        return images
    radius = math.ceil(4 * sigma) if radius is None else radius
    rows, columns = (blur_matrix(side, sigma, radius).to(images) for side in images.shape[-2:])
    return rows @ images @ columns.T


def blur_matrix(side: int, sigma: float | int, radius: int) -> Float[Tensor, "side side"]:
    """The matrix that blurs one line of `side` pixels; each row sums to 1."""
    offsets = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (offsets.double() / sigma) ** 2)
    columns = (torch.arange(side)[:, None] + offsets).abs() % max(1, 2 * (side - 1))
    columns = torch.minimum(columns, 2 * (side - 1) - columns)  # mirrored as often as the Gaussian crosses the edge
    matrix = torch.zeros(side, side, dtype=torch.float64)
    matrix.scatter_add_(1, columns, (weights / weights.sum()).expand(side, -1))
    return matrix.float()
