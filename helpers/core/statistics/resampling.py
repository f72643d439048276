"""The percentile bootstrap, for tables that store a mean over hundreds of images with the ends of its interval.

It is too narrow for few units: at 6 of them it excludes the truth in 13 % of all runs, at 2 in 50 %. Verdicts over few
units use `mean_effect` and its neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Integer

from helpers.core.statistics.effects import LEVEL, Effect

RESAMPLES = 4000
_WEIGHTS_AT_ONCE = 2**22  # bootstrap weights converted to doubles together


def bootstrap(
    values: Float[np.ndarray, "images columns"],
    statistic: Callable[[np.ndarray], np.ndarray],
    draws: Integer[np.ndarray, "resamples images"],
) -> Effect:
    """A function of means over images, and its percentile bootstrap interval.

    Args:
        values: one row per image; all columns are resampled together.
        statistic: from means (..., columns) to numbers (...).
        draws: the result of `draw_images`.
    """
    count = len(values)
    if count == 0:
        return Effect(math.nan, math.nan, math.nan, 0)
    value = float(statistic(values.mean(axis=0)))
    ends = percentile_interval(statistic(resampled_means(values, draws))) if count > 1 else (math.nan, math.nan)
    return Effect(value, *ends, count)


def resampled_means(
    values: Float[np.ndarray, "images columns"], draws: Integer[np.ndarray, "resamples images"]
) -> Float[np.ndarray, "resamples columns"]:
    """The means of all columns over each resample of the images."""
    rows = max(1, _WEIGHTS_AT_ONCE // len(values))
    sums = [draws[start : start + rows].astype(float) @ values for start in range(0, len(draws), rows)]
    return np.concatenate(sums) / len(values)


def percentile_interval(statistics: Float[np.ndarray, " resamples"]) -> tuple[float, float]:
    """The 2.5 % and 97.5 % quantiles of a statistic over all resamples."""
    low, high = np.quantile(statistics, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


@lru_cache(maxsize=4)
def draw_images(count: int, seed: int = 0, resamples: int = RESAMPLES) -> Integer[np.ndarray, "resamples images"]:
    """The number of times that each of `count` images occurs in each resample; a read-only array.

    Cached, since a sweep needs the same draws many times.
    """
    rng = np.random.default_rng(seed)
    draws = np.empty((resamples, count), np.uint16)
    for row in draws:
        row[:] = np.bincount(rng.integers(count, size=count), minlength=count)
    draws.flags.writeable = False
    return draws
