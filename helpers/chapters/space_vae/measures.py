"""Measures of the chapter on SpaCE-VAE: agreement, confidence, sparsity, and the controls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.methods.baselines.attribution_methods import attribution_method, to_unit_range
from helpers.metrics.sparsity import lp_norm, lp_sparsity


@torch.no_grad()
def kept_summary(
    classifier: nn.Module,
    images: Float[Tensor, "images 3 height width"],
    kept: Mapping[str, Float[Tensor, "images 3 height width"]],
) -> pd.DataFrame:
    """One row per method that made kept images.

    Columns: `kept by` (the method) and, in percent, `agreement` (kept images with the predicted class of the original),
    `confidence` (mean probability of that class), `L0 sparsity` and `L1 sparsity` (section 4.2: ratios of means).
    """
    classes = classifier(images).argmax(1)
    rows = []
    for name, pictures in kept.items():
        probabilities = classifier(pictures).softmax(1)
        rows.append(
            {
                "kept by": name,
                "agreement": 100 * float((probabilities.argmax(1) == classes).float().mean()),
                "confidence": 100 * float(probabilities.gather(1, classes[:, None]).mean()),
                **{f"L{p} sparsity": float(lp_sparsity(lp_norm(images, p), lp_norm(pictures, p))) for p in (0, 1)},
            }
        )
    return pd.DataFrame(rows)


def darken(images: Float[Tensor, "images 3 height width"], brightness: Float[Tensor, " images"]) -> Tensor:
    """Each image times a factor of at most 1, so that its entries sum to the given brightness."""
    factor = brightness / images.sum((1, 2, 3)).clamp_min(1e-6)
    return images * factor.clamp(0, 1)[:, None, None, None]


def subtract(images: Float[Tensor, "images 3 height width"], brightness: Float[Tensor, " images"]) -> Tensor:
    """max(x - s, 0) with an s per image of at least 0, so that its entries sum to the given brightness.

    This minimises the reconstruction and brightness terms without the classification term.
    """
    low, high = torch.zeros_like(brightness), torch.ones_like(brightness)
    for _ in range(25):  # bisection: brightness falls as s grows
        middle = (low + high) / 2
        too_bright = (images - middle[:, None, None, None]).clamp_min(0).sum((1, 2, 3)) > brightness
        low, high = torch.where(too_bright, middle, low), torch.where(too_bright, high, middle)
    return (images - high[:, None, None, None]).clamp_min(0)


def count_colours(images: Float[Tensor, "images 3 height width"], levels: int = 8) -> float:
    """The mean number of different colours per image, each channel rounded to `levels` levels."""
    steps = (images.clamp(0, 1) * (levels - 1)).round().long()
    numbers = (steps[:, 0] * levels + steps[:, 1]) * levels + steps[:, 2]
    return sum(row.unique().numel() for row in numbers) / len(images)


def scaled_attributions(
    classifier: nn.Module, images: Mapping[str, Float[Tensor, "_images 3 height width"]], **options: dict[str, Any]
) -> dict[str, Float[Tensor, "_images 3 height width"]]:
    """The attributions of the paper's competitors, divided by each image's largest magnitude.

    Args:
        classifier: the explained classifier.
        images: by competitor, the images to attribute.
        options: by competitor, with underscores for hyphens, its options.
    """
    return {
        name: to_unit_range(
            attribution_method(classifier, name, **options.get(name.replace("-", "_"), {})).attribute(pictures)
        )
        for name, pictures in images.items()
    }
