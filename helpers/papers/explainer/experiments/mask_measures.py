"""Measures of masks that several tables of class masks share."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from scipy import ndimage
from torch import Tensor


def soft_pixel_fraction(masks: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch"]:
    """The share of a mask's pixels between 0.1 and 0.9: 0 for a mask of zeros and ones, 1 for an even grey."""
    return ((masks > 0.1) & (masks < 0.9)).float().mean((-2, -1))


def share(amount: Float[Tensor, "*batch"], whole: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """An amount as a share of the whole; nan if the whole is 0."""
    return torch.where(whole > 0, amount / whole.clamp_min(1e-12), torch.nan)


def connected_regions(masks: Float[Tensor, "batch height width"], least: float | int = 0.01) -> Int[Tensor, " batch"]:
    """The number of connected regions in which each mask is above one half.

    Args:
        masks: values in [0, 1].
        least: regions that are a smaller share of the image do not count.
    """
    counts = []
    for mask in (masks > 0.5).numpy():
        labelled, found = ndimage.label(mask)
        sizes = ndimage.sum_labels(mask, labelled, range(1, found + 1))
        counts.append(int((sizes >= least * mask.size).sum()))
    return torch.tensor(counts)
