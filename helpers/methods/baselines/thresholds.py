"""Sparse images from attributions: scaling to [-1, 1], thresholding, and the choice of the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

PUBLISHED_THRESHOLDS = (*(-step / 10 for step in range(9, 0, -1)), 0.0)
"""The thresholds of the SpaCE-VAE paper (section 4)."""

LARGEST_L0 = 10.0
"""The paper's bound on the mean L0 sparsity at the chosen threshold, in percent (section 4.3)."""

Scaling = Literal["largest", "min-max"]
Rule = Literal["published", "confidence"]


def to_unit_range(
    attributions: Float[Tensor, "batch channels height width"], how: Scaling = "largest"
) -> Float[Tensor, "batch channels height width"]:
    """Each image's attributions, scaled to [-1, 1].

    The paper only states that A lies in [-1, 1] (section 4).

    Args:
        attributions: finite, of any size.
        how: `"largest"` divides by the largest absolute value, which preserves 0 and the signs; `"min-max"` maps the
            minimum to -1 and the maximum to 1. The result is 0 if all attributions of an image are 0 (`"largest"`) or
            equal (`"min-max"`).

    Raises:
        ValueError: `how` is not known.
    """
    if how not in ("largest", "min-max"):
        raise ValueError(f"how={how!r} is not known; use 'largest' or 'min-max'")
    dimensions = (1, 2, 3)
    if how == "largest":
        largest = attributions.abs().amax(dimensions, keepdim=True)
        return torch.where(largest > 0, attributions / largest, 0.0)
    low, high = attributions.amin(dimensions, keepdim=True), attributions.amax(dimensions, keepdim=True)
    shares = (attributions - low) / (high - low)
    return torch.where(high > low, 2 * shares - 1, 0.0)


def threshold_images(
    images: Float[Tensor, "batch channels height width"],
    attributions: Float[Tensor, "batch channels height width"],
    threshold: float | int,
) -> Float[Tensor, "batch channels height width"]:
    """x_σ = 1[A ≥ σ] ∘ x: entries with an attribution below the threshold turn black (section 4).

    With σ = -1 all entries are kept; with σ = 1 only those with the largest possible attribution.

    Args:
        images: pixels in [0, 1].
        attributions: A, in [-1, 1] (`to_unit_range`).
        threshold: σ, in [-1, 1].

    Raises:
        ValueError: the threshold is out of range.
    """
    if not -1 <= threshold <= 1:
        raise ValueError(f"threshold={threshold} must lie in [-1, 1], as the attributions do")
    return torch.where(attributions >= threshold, images, 0.0)


def sweep_thresholds(count: int = 41) -> tuple[float, ...]:
    """Evenly spaced thresholds from -1 to 1: from no sparsity to the largest that each method can reach.

    The paper's range ends at 0 (`PUBLISHED_THRESHOLDS`), so that it never removes a positive attribution.

    Raises:
        ValueError: `count` is less than 2.
    """
    if count < 2:
        raise ValueError(f"count={count} must be at least 2: the ends of the sweep")
    return tuple(round(2 * step / (count - 1) - 1, 10) for step in range(count))


def choose_threshold(
    thresholds: Sequence[float | int],
    l0: Sequence[float | int],
    confidence: Sequence[float | int] | None = None,
    *,
    rule: Rule = "published",
    largest_l0: float | int = LARGEST_L0,
) -> float:
    """Choose the threshold of a method from its scores at several thresholds.

    - `"published"`: the largest threshold with a mean L0 sparsity below 10 % (section 4.3; "the largest threshold
      σ that yields a L0-sparsity smaller than 10 %"). The paper chooses among `PUBLISHED_THRESHOLDS`, on test images;
      the corrected variant applies the same rule to validation images.
    - `"confidence"`: of the thresholds that remove any entry, the one with the highest mean confidence of the predicted
      class; of ties the largest. This rule is the book's own.

    Args:
        thresholds: σ, in any order.
        l0: mean L0 sparsity at each, in percent.
        confidence: mean confidence of the class predicted for the original image, at each; for `"confidence"` only.
        rule: one of the two.
        largest_l0: the bound of `"published"`, in percent.

    Raises:
        ValueError: the lengths differ, the rule is not known, or no threshold qualifies.
    """
    if rule not in ("published", "confidence"):
        raise ValueError(f"rule={rule!r} is not known; use 'published' or 'confidence'")
    values = [math.nan] * len(thresholds) if confidence is None else list(confidence)
    if rule == "confidence" and confidence is None:
        raise ValueError("the rule 'confidence' needs the mean confidence at each threshold")
    if not len(thresholds) == len(l0) == len(values):
        raise ValueError(f"{len(thresholds)} thresholds, {len(l0)} sparsities and {len(values)} confidences")
    rows = list(zip(thresholds, l0, values, strict=True))
    if rule == "published":
        fitting = [float(sigma) for sigma, sparsity, _ in rows if sparsity < largest_l0]
    else:
        removing = [(value, float(sigma)) for sigma, sparsity, value in rows if sparsity > 0]
        best = max((value for value, _ in removing), default=math.nan)
        fitting = [sigma for value, sigma in removing if value == best]
    if not fitting:
        condition = f"an L0 sparsity below {largest_l0} %" if rule == "published" else "an L0 sparsity above 0"
        raise ValueError(f"none of {len(rows)} thresholds has {condition}")
    return max(fitting)
