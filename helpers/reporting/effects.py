"""The size of an effect over images, and how well so many images pin it down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

RESAMPLES = 4000
LEVEL = 0.95


@dataclass(frozen=True)
class Effect:
    """A mean over images with its bootstrap interval.

    Attributes:
        value: the mean; nan where there was no image.
        low, high: the ends of the interval that holds 95 % of the bootstrap's means; nan for fewer than two images.
        count: how many images.
    """

    value: float
    low: float
    high: float
    count: int

    def side_of(self, null: float | int = 0.0) -> int:
        """1 if the whole interval lies above `null`, -1 if below, 0 if it reaches to both sides, or is not known."""
        return int(self.low > null) - int(self.high < null)

    def exponential(self) -> Effect:
        """The effect on a logarithm as a factor."""
        return Effect(math.exp(self.value), math.exp(self.low), math.exp(self.high), self.count)

    def __str__(self) -> str:
        """The value and its interval, such as "−0.12 [−0.18, −0.05]"."""
        if self.count == 0:
            return "no image"
        if self.count == 1:
            return f"{_written(self.value)} [one image]"
        return f"{_written(self.value)} [{_written(self.low)}, {_written(self.high)}]"


def mean_effect(
    values: Sequence[float | int] | np.ndarray | pd.Series, *, seed: int = 0, resamples: int = RESAMPLES
) -> Effect:
    """The mean of one value an image, and its percentile bootstrap interval over images.

    For two methods give the difference of each image: the comparison is then paired.

    Args:
        values: one value an image; nan where an image has none, and is left out.
        seed: of the resampling.
        resamples: how often images are drawn anew, with repeats.
    """
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    count = len(known)
    if count < 2:
        return Effect(float(known[0]) if count else math.nan, math.nan, math.nan, count)
    rng = np.random.default_rng(seed)
    means = known[rng.integers(count, size=(resamples, count))].mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Effect(float(known.mean()), float(low), float(high), count)


def _written(value: float) -> str:
    """Two decimals, or two digits of a smaller number, with a true minus sign."""
    size = abs(value)
    decimals = 2 if size >= 0.1 or size == 0 else min(5, 1 - math.floor(math.log10(size)))
    return f"{value:.{decimals}f}".replace("-", "−")
