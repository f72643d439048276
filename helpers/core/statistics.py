"""Statistics over images with bootstrap confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from jaxtyping import Float, Integer

RESAMPLES = 4000
LEVEL = 0.95
_WEIGHTS_AT_ONCE = 2**22  # bootstrap weights converted to doubles together

Values = Sequence[float | int] | np.ndarray | pd.Series


@dataclass(frozen=True)
class Effect:
    """A statistic over images with its 95 % interval.

    Attributes:
        value: the statistic, such as a mean; nan if there is no image.
        low, high: the ends of the interval; nan for fewer than two images.
        count: number of images.
    """

    value: float
    low: float
    high: float
    count: int

    def side_of(self, null: float | int = 0.0) -> int:
        """1 if the whole interval lies above `null`, -1 if below it, 0 if it contains `null` or is not known."""
        return int(self.low > null) - int(self.high < null)

    def exponential(self) -> Effect:
        """The exponential of an effect on a logarithm: a factor."""
        return Effect(math.exp(self.value), math.exp(self.low), math.exp(self.high), self.count)

    def __str__(self) -> str:
        """The value and its interval, such as "−0.12 [−0.18, −0.05]"."""
        if self.count == 0:
            return "no image"
        if self.count == 1:
            return f"{_rounded(self.value)} [one image]"
        return f"{_rounded(self.value)} [{_rounded(self.low)}, {_rounded(self.high)}]"


def mean_effect(values: Values, *, seed: int = 0, resamples: int = RESAMPLES) -> Effect:
    """The mean of one value per image, and its percentile bootstrap interval over images.

    To compare two methods in pairs, pass the difference of each image.

    Args:
        values: one per image; images with nan are left out.
        seed: seed of the resampling.
        resamples: number of bootstrap resamples.
    """
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    return bootstrap(known[:, None], lambda means: means[..., 0], draw_images(len(known), seed, resamples))


def ratio_effect(numerator: Values, denominator: Values, *, seed: int = 0, resamples: int = RESAMPLES) -> Effect:
    """The ratio of two means over the same images, and its percentile bootstrap interval.

    Args:
        numerator: one value per image.
        denominator: one value per image.
        seed, resamples: as for `mean_effect`.
    """
    values = np.stack([np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)], axis=1)
    return bootstrap(values, lambda means: means[..., 0] / means[..., 1], draw_images(len(values), seed, resamples))


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


def _rounded(value: float) -> str:
    """A number with two decimals, or with two significant digits if it is below 0.1, and a true minus sign."""
    size = abs(value)
    decimals = 2 if size >= 0.1 or size == 0 else min(5, 1 - math.floor(math.log10(size)))
    return f"{value:.{decimals}f}".replace("-", "−")
