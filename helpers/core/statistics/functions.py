"""Ratios and other functions of means over independent units, each with an interval and a test."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float

from helpers.core.statistics.effects import LEVEL, Effect, Limits, within
from helpers.core.statistics.means import Values, t_effect


def ratio_effect(numerator: Values, denominator: Values) -> Effect:
    """The ratio of two means over the same units, with Fieller's interval (J. R. Statist. Soc. B 16, 1954).

    A ratio r is in the interval unless the paired t test of numerator − r · denominator rejects the mean 0. If the
    denominator's own mean is not distinguishable from 0, the interval is unbounded and nothing is decided.

    Args:
        numerator: one value per unit.
        denominator: one value per unit; units with nan in either are left out.

    Raises:
        ValueError: the numbers of values differ.
    """
    above, below = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    if above.shape != below.shape or above.ndim != 1:
        raise ValueError(
            f"numerator and denominator have the shapes {above.shape} and {below.shape}; expected equal ones"
        )
    known = ~(np.isnan(above) | np.isnan(below))
    above, below = above[known], below[known]
    count = len(above)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(above.mean() / below.mean()) if count else math.nan
    if count < 2 or not math.isfinite(value):
        return Effect(value, math.nan, math.nan, count)
    ends = _fieller(above, below)
    return Effect(value, *(ends or (-math.inf, math.inf)), count, partial(_ratio_p, above, below, ends is None))


def statistic_effect(
    values: Float[np.ndarray, "units columns"],
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    limits: Limits | None,
) -> Effect:
    """A function of means, such as an F score, with the jackknife's standard error (Tukey, 1958) and Student's t.

    For a plain mean this is the t interval. For smooth functions it is close to it; for a median or a maximum the
    jackknife fails.

    Args:
        values: one row per independent unit; all columns are averaged.
        statistic: from means (..., columns) to numbers (...).
        limits: the least and the largest value that the statistic can have, which bound its interval: (0, 1) for an
            F score, (-1, 1) for a correlation; None if there are none.
    """
    count = len(values)
    if count == 0:
        return Effect(math.nan, math.nan, math.nan, 0)
    value = float(statistic(values.mean(axis=0)))
    if count < 2:
        return Effect(value, math.nan, math.nan, count)
    without = np.asarray(statistic((values.sum(axis=0) - values) / (count - 1)), dtype=float)
    error = math.sqrt((count - 1) * float(without.var())) if np.ptp(without) else 0.0
    effect = t_effect(value, error, count - 1, count)
    return within(effect, limits) if limits else effect


def _fieller(above: Float[np.ndarray, " units"], below: Float[np.ndarray, " units"]) -> tuple[float, float] | None:
    """The ratios r with |mean(above − r · below)| ≤ t · its standard error; None if they are not bounded."""
    from scipy import special

    count = len(above)
    squared = float(special.stdtrit(count - 1, (1 + LEVEL) / 2)) ** 2
    covariance = np.cov(above, below) / count
    first, second = float(above.mean()), float(below.mean())
    # r is inside where quadratic · r² − 2 · linear · r + constant ≤ 0
    quadratic = second**2 - squared * float(covariance[1, 1])
    linear = first * second - squared * float(covariance[0, 1])
    constant = first**2 - squared * float(covariance[0, 0])
    if quadratic <= 0:
        return None
    root = math.sqrt(max(0.0, linear**2 - quadratic * constant))
    return (linear - root) / quadratic, (linear + root) / quadratic


def _ratio_p(above: np.ndarray, below: np.ndarray, unbounded: bool, null: float) -> float:
    """The paired t test's p-value; if the denominator may be 0, its own p-value where that is larger."""
    found = _paired_t(above, null * below)
    return max(found, _paired_t(below, np.zeros_like(below))) if unbounded else found


def _paired_t(first: np.ndarray, second: np.ndarray) -> float:
    differences, count = first - second, len(first)
    differences[np.abs(differences) < 1e-12 * (np.abs(first) + np.abs(second))] = 0.0  # one rounded ratio everywhere
    error = float(differences.std(ddof=1)) / math.sqrt(count) if np.ptp(differences) else 0.0
    return t_effect(float(differences.mean()), error, count - 1, count).p_value()
