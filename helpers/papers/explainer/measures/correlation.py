"""Pearson's correlation over independent units."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float

from helpers.core.statistics import Effect, statistic_effect


def correlation(first: pd.Series, second: pd.Series) -> Effect:
    """Pearson's correlation over units, with the jackknife's standard error; units with nan are left out."""
    known = first.notna() & second.notna()
    x, y = first[known].to_numpy(float), second[known].to_numpy(float)
    x, y = x - x.mean(), y - y.mean()  # the correlation does not change, its rounding error does
    return statistic_effect(np.stack([x, y, x * x, y * y, x * y], axis=1), _correlation, limits=(-1, 1))


def _correlation(means: Float[np.ndarray, "*samples 5"]) -> Float[np.ndarray, "*samples"]:
    x, y, xx, yy, xy = np.moveaxis(means, -1, 0)
    return np.asarray((xy - x * y) / np.sqrt((xx - x * x) * (yy - y * y)))
