"""Means, shares and means over crossed levels, each with an interval and a test that hold for few units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np
import pandas as pd
from jaxtyping import Float

from helpers.core.statistics.effects import LEVEL, MINIMUM_UNITS, Effect, Limits, within

EXACT_UNITS = 12
"""Up to as many units all 2ⁿ sign flips are counted."""

Values = Sequence[float | int] | np.ndarray | pd.Series


def mean_effect(values: Values, *, limits: Limits | None = None) -> Effect:
    """The mean of one value per independent unit: Student's t and, up to 12 units, the exact sign-flip test.

    To compare two methods in pairs, pass the difference of each unit. If a unit has several rows, pass `unit_means`.
    The interval is the smallest that holds those of both tests, and the p-value is the larger one. A false decision is
    made in at most 6 % of all runs if the values are normal, or symmetric about the null value as differences of two
    exchangeable methods are, even with heavy tails. It is made more often if the values themselves are skewed: for
    exponential values about their true mean in 7 % of all runs at 6 units, 9 % at 8, 9 % at 16 and 8 % at 30; for
    log-normal ones in 11 % to 16 %.
    For values of 0 and 1 use `proportion_effect`.

    Args:
        values: one per unit; units with nan are left out.
        limits: the least and the largest value that a unit can have, which bound the interval: (0, 1) for a share of
            the image, (-1, 1) for a correlation; None if there are none.

    Raises:
        ValueError: the values are not one row, one of them is infinite, or their mean is beyond the limits.
    """
    known = _known(values)
    count = len(known)
    if count < 2:
        return Effect(float(known[0]) if count else math.nan, math.nan, math.nan, count)
    mean, error = _mean_and_error(known)
    low, high = _t_ends(float(mean), float(error), count - 1)
    if MINIMUM_UNITS <= count <= EXACT_UNITS:
        means = np.sort(known @ _subsets(count).T)
        rank = math.floor((1 - LEVEL) / 2 * 2**count)  # decided are the null values that fewer subset means pass
        low, high = min(low, float(means[rank - 1])), max(high, float(means[-rank]))
    if error == 0:
        low = high = float(mean)
    effect = Effect(float(mean), low, high, count, partial(_mean_p, known))
    return within(effect, limits) if limits else effect


def mean_p_values(
    values: Float[np.ndarray, "*samples units"], null: float | int = 0.0
) -> Float[np.ndarray, "*samples"]:
    """The two-sided p-values of "the mean is `null`" by which `mean_effect` decides, for one or many samples.

    That of Student's t test or, if it is larger, that of the sign-flip test (Fisher, The Design of Experiments, 1935,
    section 21): the share of all 2ⁿ sign patterns of the differences from `null` whose sum is as far from 0 as the sum
    found. Beyond 12 units only its smallest value, 2 / 2ⁿ, is used: equal values do not prove more.
    """
    from scipy import special

    units = values.shape[-1]
    mean, error = _mean_and_error(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(mean == null, 0.0, np.abs(mean - null) / error)
    student = 2 * special.stdtr(units - 1, -size)
    if units > EXACT_UNITS:
        return np.asarray(np.maximum(student, 2.0 ** (1 - units)))
    # Flipping the units A leaves the sum at least as large if and only if the mean of A is at most `null`.
    means = values @ _subsets(units).T
    rounding = 1e-12 * (np.abs(values).max(-1, keepdims=True) + abs(null))
    below, above = (means <= null + rounding).sum(-1), (means >= null - rounding).sum(-1)
    flips = 2 * (1 + np.minimum(below, above)) / 2.0**units
    return np.asarray(np.maximum(student, np.minimum(flips, 1.0)))


def proportion_effect(values: Values) -> Effect:
    """A share of successes with the exact interval of Clopper and Pearson (Biometrika 26, 1934).

    Its false-decision rate is at most 5 % at every number of units and every true share. Wilson's interval, which is
    narrower, errs in 7 % of all runs at 8 units with a true share of 0.5. Even 128 successes of 128 are not certain:
    the interval is [0.97, 1.00].

    Args:
        values: 1 for a success, 0 for a failure, 0.5 for a tie; units with nan are left out.

    Raises:
        ValueError: there is another value.
    """
    known = _known(values)
    wrong = known[~np.isin(known, (0.0, 0.5, 1.0))]
    if len(wrong):
        raise ValueError(f"a share was asked of the value {wrong[0]:g}; expected 0, 1, or 0.5 for a tie (mean_effect?)")
    count, successes = len(known), float(known.sum())
    if count < 2:
        return Effect(successes if count else math.nan, math.nan, math.nan, count)
    from scipy import special

    tail = (1 - LEVEL) / 2
    low = special.betaincinv(successes, count - successes + 1, tail) if successes > 0 else 0.0
    high = special.betaincinv(successes + 1, count - successes, 1 - tail) if successes < count else 1.0
    return Effect(successes / count, float(low), float(high), count, partial(_share_p, successes, count))


def unit_means(table: pd.DataFrame, value: str, unit: str | list[str] = "image") -> pd.Series:
    """One value per independent unit of a table that has several rows per unit, indexed by the unit.

    A scene that is shown to two classifiers is one unit: its rows err together, and to count them as two would make
    every interval too narrow.

    Args:
        table: one or more rows per unit; rows without a value (nan) are left out.
        value: the column to average.
        unit: the column, or columns, that name the unit, such as ["dataset", "image"].
    """
    return table.groupby(unit, sort=False)[value].mean()


def crossed_effect(matrix: Float[np.ndarray, "units levels"] | pd.DataFrame) -> Effect:
    """The mean over units that are crossed with trainings or noise draws, for other units *and* other levels.

    Units and levels are both random: y = μ + unit + level + rest. The squared half-width of the interval is
    t²(units − 1) · MS_units / N + t²(levels − 1) · MS_levels / N with N = units · levels (Banerjee, Sankhyā 22, 1960),
    which covers μ in at least 95 % of all runs with normal effects. The degrees of freedom of Satterthwaite would make
    it narrower, but with two levels its verdict errs in up to 12 % of all runs. Two levels that differ give a wide
    interval, and rightly so.

    Args:
        matrix: one row per unit, such as an image; one column per level, such as a training. Units with nan are left
            out.

    Raises:
        ValueError: there are fewer than two levels.
    """
    values = np.asarray(matrix, dtype=float)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(
            f"the values have the shape {values.shape}; expected units × levels with two or more levels. The spread of "
            "a single training is not known: use mean_effect, and say that it holds for this training only"
        )
    values = values[~np.isnan(values).any(axis=1)]
    count = len(values)
    if count < 2:
        return Effect(float(values.mean()) if count else math.nan, math.nan, math.nan, count)
    mean, margin = float(values.mean()), float(crossed_margin(values))
    if np.ptp(values) == 0:
        mean, margin = float(values[0, 0]), 0.0
    return Effect(mean, mean - margin, mean + margin, count, partial(_crossed_p, values))


def crossed_margin(
    values: Float[np.ndarray, "*samples units levels"], level: float | int = LEVEL
) -> Float[np.ndarray, "*samples"]:
    """The half-width of the interval of `crossed_effect`, for one or many samples.

    Args:
        values: complete.
        level: the confidence.
    """
    from scipy import special

    units, levels = values.shape[-2:]
    squares = 0.0
    for axis, number in ((-1, units), (-2, levels)):
        error = values.mean(axis=axis).var(axis=-1, ddof=1) / number  # MS / N
        squares = squares + special.stdtrit(number - 1, (1 + level) / 2) ** 2 * error
    return np.asarray(np.sqrt(squares))


def difference_effect(first: Values, second: Values) -> Effect:
    """The difference of the means of two independent groups of units, by Welch's test (Biometrika 34, 1947).

    For units that are paired, `mean_effect` of their differences is sharper. The groups may differ in size and spread;
    the interval has the degrees of freedom of Welch and Satterthwaite, and the count is that of the smaller group, so
    that less than `MINIMUM_UNITS` in either decide nothing.

    Args:
        first, second: one value per unit of each group; units with nan are left out.

    Raises:
        ValueError: the values are not one row, or one of them is infinite.
    """
    groups = [_known(values) for values in (first, second)]
    counts = [len(group) for group in groups]
    if min(counts) < 2:
        value = float(groups[0].mean() - groups[1].mean()) if min(counts) else math.nan
        return Effect(value, math.nan, math.nan, min(counts))
    (mean, error), (other, other_error) = (_mean_and_error(group) for group in groups)
    squares = np.array([float(error) ** 2, float(other_error) ** 2])
    if not squares.any():
        return t_effect(float(mean - other), 0.0, sum(counts) - 2, min(counts))
    freedom = squares.sum() ** 2 / (squares**2 / (np.array(counts) - 1)).sum()
    return t_effect(float(mean - other), math.sqrt(squares.sum()), float(freedom), min(counts))


def t_effect(value: float, error: float, freedom: float | int, count: int) -> Effect:
    """An effect whose estimate divided by its standard error has Student's t distribution.

    Args:
        value: the estimate.
        error: its standard error.
        freedom: the degrees of freedom.
        count: the number of independent units.
    """
    low, high = _t_ends(value, error, freedom)
    return Effect(value, low, high, count, partial(_t_p, value, error, freedom, count))


def _known(values: Values) -> Float[np.ndarray, " units"]:
    given = np.asarray(values, dtype=float)
    if given.ndim != 1:
        raise ValueError(f"the values have the shape {given.shape}; expected one value per unit")
    if np.isinf(given).any():
        raise ValueError("one of the values is infinite; expected finite numbers, or nan for a unit to leave out")
    return given[~np.isnan(given)]


def _mean_and_error(values: Float[np.ndarray, "*samples units"]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error; exactly 0 for equal values, whatever the rounding of their mean."""
    equal = np.ptp(values, axis=-1) == 0
    mean = np.where(equal, values[..., 0], values.mean(axis=-1))
    return mean, np.where(equal, 0.0, values.std(axis=-1, ddof=1) / math.sqrt(values.shape[-1]))


@lru_cache(maxsize=EXACT_UNITS)
def _subsets(units: int) -> Float[np.ndarray, "subsets units"]:
    """Weights that give the mean of every subset of the units but the empty one."""
    members = (np.arange(1, 2**units)[:, None] >> np.arange(units)) & 1
    return members / members.sum(axis=1, keepdims=True)


def _t_ends(value: float, error: float, freedom: float | int) -> tuple[float, float]:
    from scipy import special

    margin = float(special.stdtrit(freedom, (1 + LEVEL) / 2)) * error
    return value - margin, value + margin


def _t_p(value: float, error: float, freedom: float | int, count: int, null: float) -> float:
    from scipy import special

    if error == 0:
        return 1.0 if value == null else 2.0 ** (1 - count)
    return max(2 * float(special.stdtr(freedom, -abs(value - null) / error)), 2.0 ** (1 - count))


def _mean_p(values: Float[np.ndarray, " units"], null: float) -> float:
    return float(mean_p_values(values, null))


def _crossed_p(values: Float[np.ndarray, "units levels"], null: float) -> float:
    """One minus the confidence of the interval that just reaches `null`, but no less than equal values prove."""
    from scipy import optimize

    distance, least = abs(float(values.mean()) - null), 2.0 ** (1 - len(values))
    if np.ptp(values) == 0:
        return 1.0 if values[0, 0] == null else least

    def beyond(p: float) -> float:
        return float(crossed_margin(values, 1 - p)) - distance

    if beyond(1.0) >= 0:  # the margin is 0 there
        return 1.0
    return least if beyond(least) < 0 else float(optimize.brentq(beyond, least, 1.0, xtol=1e-12))


def _share_p(successes: float, count: int, null: float) -> float:
    """Twice the smaller tail of the binomial distribution, for half successes by the beta functions."""
    from scipy import special

    if not 0 <= null <= 1:
        raise ValueError(f"a share was compared with {null:g}; expected a number from 0 to 1")
    at_least = special.betainc(successes, count - successes + 1, null) if successes > 0 else 1.0
    at_most = special.betaincc(successes + 1, count - successes, null) if successes < count else 1.0
    return min(1.0, 2 * float(min(at_least, at_most)))
