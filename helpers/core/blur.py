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
        images: of any values.
        sigma: the Gaussian's width in pixels; 0 changes nothing.
        radius: where the Gaussian is cut off, in pixels; None: at four sigma. It may be larger than the image.

    Raises:
        ValueError: sigma or radius is negative.
    """
    if sigma < 0 or (radius is not None and radius < 0):
        raise ValueError(f"sigma={sigma} and radius={radius} are lengths: they may not be negative")
    if sigma == 0 or radius == 0:
        return images
    radius = math.ceil(4 * sigma) if radius is None else radius
    rows, columns = (blur_matrix(side, sigma, radius).to(images) for side in images.shape[-2:])
    return rows @ images @ columns.T


def blur_matrix(side: int, sigma: float | int, radius: int) -> Float[Tensor, "side side"]:
    """The matrix that blurs one line of `side` pixels: each row sums to 1."""
    steps = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (steps.double() / sigma) ** 2)
    places = (torch.arange(side)[:, None] + steps).abs() % max(1, 2 * (side - 1))
    places = torch.minimum(places, 2 * (side - 1) - places)  # mirrored as often as the Gaussian reaches over the edge
    matrix = torch.zeros(side, side, dtype=torch.float64)
    matrix.scatter_add_(1, places, (weights / weights.sum()).expand(side, -1))
    return matrix.float()
