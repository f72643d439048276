"""From signed attributions to a sparse image: scaling to [-1, 1], cutting at a threshold, choosing the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

PUBLISHED_THRESHOLDS = (*(-step / 10 for step in range(9, 0, -1)), 0.0)
"""Those that the SpaCE-VAE paper tries (section 4)."""

LARGEST_L0 = 10.0
"""The paper's bound: the chosen threshold turns fewer than 10 % of the entries black, on average (section 4.3)."""

Scaling = Literal["largest", "min-max"]
Rule = Literal["published", "confidence"]


def to_unit_range(
    attributions: Float[Tensor, "batch channels height width"], how: Scaling = "largest"
) -> Float[Tensor, "batch channels height width"]:
    """Each image's attributions, scaled to [-1, 1].

    The paper says no more than that A lies in [-1, 1] (section 4).

    Args:
        attributions: finite, of any size.
        how: `"largest"` divides by the largest absolute value, so that 0 stays 0 and signs stay; `"min-max"` maps the
            smallest to -1 and the largest to 1. An image whose attributions are all 0 (`"largest"`) or all equal
            (`"min-max"`) gets zeros.

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
    """x_σ = 1[A ≥ σ] ∘ x: entries whose attribution lies below the threshold turn black (section 4).

    With σ = -1 all is kept; with σ = 1 only what has the largest possible attribution.

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
    """An even grid from -1 to 1: a fair sweep, which lets every method remove as little or as much as it can.

    The paper's own range ends at 0 (`PUBLISHED_THRESHOLDS`), so that no curve of it removes a positive attribution.

    Raises:
        ValueError: fewer than two thresholds are asked for.
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
    """The threshold that a method is represented by, from a table with a row for each threshold.

    - `"published"`: the largest threshold whose mean L0 sparsity stays below 10 % (section 4.3; "the largest threshold
      σ that yields a L0-sparsity smaller than 10 %"). The paper looks at the test images for it; the corrected variant
      gives the table of validation images, by the same rule. The paper tries `PUBLISHED_THRESHOLDS` only.
    - `"confidence"`: of the thresholds that remove anything, the one at which the predicted class is most confident on
      average; of equally good ones the largest, which removes most. This is the book's own.

    Args:
        thresholds: σ, in any order.
        l0: mean L0 sparsity at each, in percent.
        confidence: mean confidence of the class predicted for the original image, at each; for `"confidence"` only.
        rule: which of the two.
        largest_l0: the bound of `"published"`, in percent.

    Raises:
        ValueError: the columns do not fit together, the rule is not known, or no threshold qualifies.
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
        wanted = f"an L0 sparsity below {largest_l0} %" if rule == "published" else "an L0 sparsity above 0"
        raise ValueError(f"none of {len(rows)} thresholds has {wanted}")
    return max(fitting)
