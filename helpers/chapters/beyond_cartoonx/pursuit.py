"""How few waves make an edge: matching pursuit, for bases and for redundant systems alike, and the largest waves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.methods.shearlets import ShearletTransform
from helpers.methods.wavelets import WaveletTransform

Transform = WaveletTransform | ShearletTransform

SHAPES = ("disc", "upright square", "tilted square")
"""The shapes of `shape_pictures`: a curved edge, and straight ones along the axes and at an angle."""
TILT = math.radians(30)


def shape_pictures(size: int) -> Float[Tensor, "3 1 size size"]:
    """A bright disc, an upright and a tilted square of the same area on black, in grey.

    Each pixel is the mean of 8 × 8 points, as a camera would see it.

    Args:
        size: side of the square pictures in pixels.
    """
    fine = (torch.arange(8 * size) + 0.5) / (8 * size) - 0.5
    y, x = torch.meshgrid(fine, fine, indexing="ij")  # 8 size, 8 size
    radius = 0.3
    inside = [x**2 + y**2 < radius**2, _square(x, y, radius), _square(*_turned(x, y), radius)]
    pictures = torch.stack(inside).float()[:, None]  # 3, 1, 8 size, 8 size
    return torch.nn.functional.avg_pool2d(pictures, 8)


def _square(x: Float[Tensor, "n n"], y: Float[Tensor, "n n"], radius: float) -> Bool[Tensor, "n n"]:
    """The points in the square with the area of a disc."""
    half = radius * math.sqrt(math.pi) / 2
    return (x.abs() < half) & (y.abs() < half)


def _turned(x: Float[Tensor, "n n"], y: Float[Tensor, "n n"]) -> tuple[Float[Tensor, "n n"], Float[Tensor, "n n"]]:
    return math.cos(TILT) * x + math.sin(TILT) * y, math.cos(TILT) * y - math.sin(TILT) * x


class Approximation(NamedTuple):
    """Sums of few waves that come near some pictures.

    Attributes:
        pictures: by the number of waves.
        errors: the squared error as a share of each picture's energy, with 1 wave, with 2, and so on; or at the
            numbers of `pictures` only.
    """

    pictures: dict[int, Float[Tensor, "batch channels height width"]]
    errors: Float[Tensor, "batch counts"]


def wave_norms(transform: Transform) -> Float[Tensor, " k"]:
    """The norm of each wave of a transform whose bands each hold the shifts of one wave, or orthonormal waves.

    Args:
        transform: of shearlets, or of wavelets with the mode "periodization".
    """
    norms = torch.empty(transform.coefficients)
    for band in transform.slices.values():
        single = torch.zeros(1, 1, transform.coefficients)
        single[..., band.start] = 1
        norms[band] = transform.synthesise(single).norm()
    return norms


@torch.no_grad()
def matching_pursuit(
    transform: Transform, pictures: Float[Tensor, "batch 1 height width"], counts: Sequence[int]
) -> Approximation:
    """Waves found one after the other: each is the one that removes most of what is left (Mallat and Zhang, 1993).

    For an orthonormal basis these are the waves of the largest coefficients. In a redundant system each wave has many
    others beside it that are nearly the same; once it is taken, they have little left to explain.

    Args:
        transform: as for `wave_norms`; its coefficients must be inner products with its waves.
        pictures: to be approximated, in grey.
        counts: the numbers of waves at which the sums are returned, ascending.
    """
    rest, total = pictures.clone(), pictures.square().sum((1, 2, 3))
    norms = wave_norms(transform)  # k
    found, errors = {}, []
    for count in range(1, counts[-1] + 1):
        products = transform.analyse(rest)  # batch, 1, k
        best = (products / norms).abs().argmax(2, keepdim=True)  # batch, 1, 1
        amounts = products.gather(2, best) / norms[best] ** 2  # batch, 1, 1
        single = torch.zeros_like(products).scatter_(2, best, amounts)  # batch, 1, k
        rest = rest - transform.synthesise(single)  # batch, 1, height, width
        errors.append(rest.square().sum((1, 2, 3)) / total)
        if count in counts:
            found[count] = pictures - rest
    return Approximation(found, torch.stack(errors, dim=1))


@torch.no_grad()
def largest_waves(
    transform: Transform, pictures: Float[Tensor, "batch 1 height width"], counts: Sequence[int]
) -> Approximation:
    """The picture that a binary mask keeps: the waves of the largest coefficients, with these coefficients.

    Args:
        transform: any.
        pictures: in grey.
        counts: the numbers of waves.
    """
    h, found, errors = transform.analyse(pictures), {}, []
    order = h.abs().argsort(dim=2, descending=True)  # batch, 1, k
    for count in counts:
        mask = torch.zeros_like(h).scatter_(2, order[..., :count], 1.0)  # batch, 1, k
        found[count] = transform.synthesise(mask * h)
        errors.append((found[count] - pictures).square().sum((1, 2, 3)) / pictures.square().sum((1, 2, 3)))
    return Approximation(found, torch.stack(errors, dim=1))
