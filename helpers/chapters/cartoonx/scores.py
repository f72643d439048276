"""Scores of masks that CartoonX shares with Pixel RDE, and the masks with which they are compared."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.core.runtime import random_generator
from helpers.methods.rde import RateDistortion
from helpers.metrics.truth_scores import border_to_mass_ratio, relevance_mass_accuracy

# score: its name on the page
MASK_SCORES = {"border": "border-to-mass ratio", "inside": "share of the mask on the object"}


def scattered(
    masks: Float[Tensor, "batch 1 k"], bands: Mapping[str, slice], *, seed: int = 0
) -> Float[Tensor, "batch 1 k"]:
    """The entries of each mask in random places of the same scale: a mask of the same size that knows nothing.

    Args:
        masks: on a representation.
        bands: its scales (`Representation.bands`).
        seed: of the order, which is the same for all masks.
    """
    generator = random_generator(seed)
    orders = [torch.randperm(band.stop - band.start, generator=generator) + band.start for band in bands.values()]
    return masks[..., torch.cat(orders)]


def mask_scores(
    explanation: Explanation,
    problem: RateDistortion,
    region: Bool[Tensor, "batch 1 height width"],
    *,
    orders: int = 16,
) -> pd.DataFrame:
    """Each of `MASK_SCORES` of an explanation, and "control", its share on the object when scattered: a row per image.

    Args:
        explanation: with masks on the problem's representation.
        problem: of the explained images.
        region: the pixels of the explained class.
        orders: over whose mean the control is taken.
    """
    representation, masks = problem.representation, explanation.representation_mask
    assert masks is not None

    def share_when_scattered(seed: int) -> Float[Tensor, " batch"]:
        pixels = representation.relevance(scattered(masks, representation.bands, seed=seed), problem.coefficients)
        return relevance_mass_accuracy(pixels.clamp(0, 1), region)

    scores = {
        "border": border_to_mass_ratio(explanation.mask),
        "inside": relevance_mass_accuracy(explanation.mask, region),
        "control": torch.stack([share_when_scattered(seed) for seed in range(orders)]).mean(0),
    }
    return pd.DataFrame({name: values.tolist() for name, values in scores.items()})


def kept_per_scale(masks: Float[Tensor, "batch 1 k"], bands: Mapping[str, slice]) -> dict[str, float]:
    """The number of coefficients that a mask keeps at each scale, the mean over images."""
    return {name: float(masks[:, 0, band].sum()) / len(masks) for name, band in bands.items()}


def waves_on(
    mask: Float[Tensor, "1 1 k"], problem: RateDistortion, region: Bool[Tensor, "1 1 height width"]
) -> Float[Tensor, "1 1 k"]:
    """The share of each kept coefficient's wave that lies on a region; 0 for coefficients that the mask drops.

    Args:
        mask: of one image.
        problem: of this image.
        region: the pixels.
    """
    kept = mask[0, 0].nonzero()[:, 0]
    single = mask.new_zeros(len(kept), 1, mask.shape[2])
    single[torch.arange(len(kept)), 0, kept] = 1
    shares = torch.zeros_like(mask)
    magnitudes = problem.representation.synthesise(single).abs()  # kept, 1, height, width
    shares[0, 0, kept] = (magnitudes * region).sum((1, 2, 3)) / magnitudes.sum((1, 2, 3))
    return shares
