"""Columns shared by the tables about SpaCE-VAE."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from helpers.core.statistics import bootstrap, draw_images
from helpers.metrics.sparsity import SparseScores, summarise

METRICS = ("accuracy", "agreement", "confidence", "top_confidence", "l0", "l1")
"""Each with its bootstrap interval: columns such as `l1`, `l1_low` and `l1_high`; l0 and l1 in per cent."""

ENDS = ("", "_low", "_high")
"""The suffixes of a metric's three columns."""

RESAMPLES = 1000


def metric_columns(scores: SparseScores) -> dict[str, Any]:
    """The metrics with their intervals, and the number of images."""
    summary = summarise(scores)
    columns = {f"{name}{end}": float(summary[f"{name}{end}"]) for name in METRICS for end in ENDS}
    return {**columns, "images": len(scores.label)}


def interval_columns(
    name: str, over: Tensor, under: Tensor | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, float]:
    """A mean over images, or a ratio of two means, with its 95 % bootstrap interval, as three columns.

    Args:
        name: of the columns.
        over: one value per image.
        under: one value per image, whose mean is the denominator; None for a plain mean.
        seed: of the resampling.
        resamples: the number of bootstrap samples of the images.
    """
    values = np.stack([part.double().cpu().numpy() for part in (over, under) if part is not None], axis=1)
    if under is None:
        values = values[~np.isnan(values[:, 0])]
    draws = draw_images(len(values), seed, resamples)
    effect = bootstrap(values, lambda means: means[..., 0] / (1.0 if under is None else means[..., 1]), draws)
    return {name: effect.value, f"{name}_low": effect.low, f"{name}_high": effect.high}
