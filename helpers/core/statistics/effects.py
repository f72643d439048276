"""An effect with its interval and its test, in words of fixed decimals, and Holm's correction for several effects."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pandas as pd
from jaxtyping import Float

LEVEL = 0.95
"""The confidence of every interval."""

MINIMUM_UNITS = 6
"""The fewest units that can decide: with 5, all of one sign still have an exact two-sided p of 2 / 2⁵ = 0.0625."""

Limits = tuple[float | int, float | int]
"""The least and the largest value of a bounded quantity: (0, 1) of a share, (-1, 1) of a correlation."""

_NORMAL = 1.959963984540054  # the 97.5 % quantile of the normal distribution
_MOST_DECIMALS = 5


@dataclass(frozen=True)
class Effect:
    """A statistic over independent units with its 95 % interval and its test.

    Attributes:
        value: the statistic, such as a mean; nan if there is no unit.
        low, high: the ends of the interval; nan if they are not known, as for fewer than two units.
        count: the number of independent units, such as images.
        test: the two-sided p-value of any null value. None, as for a row of a table, stands for the normal
            approximation whose 95 % interval has these ends, which needs some hundred units.
    """

    value: float
    low: float
    high: float
    count: int
    test: Callable[[float], float] | None = field(default=None, repr=False, compare=False)

    def p_value(self, null: float | int = 0.0) -> float:
        """The two-sided p-value of "the true value is `null`"; nan below `MINIMUM_UNITS` units.

        It is below 0.05 where the interval does not contain `null`.
        """
        if self.count < MINIMUM_UNITS or math.isnan(self.value):
            return math.nan
        return (self.test or self._normal_p)(float(null))

    def side_of(self, null: float | int = 0.0) -> int:
        """1 if the effect is decided to lie above `null`, -1 below it, 0 if it is undecided.

        Decided means p < 0.05: the interval does not contain `null`. Always 0 below `MINIMUM_UNITS` units: they are too
        few to tell.
        """
        if not self.p_value(null) < 1 - LEVEL - 1e-12:  # nan is undecided, and so are the ends of the interval
            return 0
        return 1 if self.value > null else -1

    def linear(self, factor: float | int, offset: float | int = 0.0) -> Effect:
        """factor · effect + offset, such as `linear(100)` in per cent or `linear(-1, 1)` for the other share."""
        ends = [factor * end + offset for end in (self.low, self.high)]
        low, high = ends if factor > 0 else reversed(ends)
        return Effect(factor * self.value + offset, low, high, self.count, partial(_at_linear, self, factor, offset))

    def exponential(self) -> Effect:
        """The exponential of an effect on a logarithm: a factor, whose null value is 1."""
        return Effect(*map(_exponential, (self.value, self.low, self.high)), self.count, partial(_at_factor, self))

    def words(self, decimals: int) -> str:
        """The value and its interval with fixed decimals, such as "−0.12 [−0.18, −0.05]".

        Equal values have no interval that an honest sentence could print: "0.00 [all 6 equal]".
        """
        if self.count == 0:
            return "no image"
        if math.isnan(self.value):
            return "not defined"
        value = _number(self.value, decimals)
        if self.count == 1:
            return f"{value} [one image]"
        if math.isnan(self.low) or math.isnan(self.high):
            return f"{value} [interval not known]"
        if self.low == self.high:
            return f"{value} [all {self.count} equal]"
        return f"{value} [{_number(self.low, decimals)}, {_number(self.high, decimals)}]"

    def __str__(self) -> str:
        """The effect alone, with the decimals that its interval deserves; a column shares `column_decimals`."""
        return self.words(column_decimals([self]))

    def _normal_p(self, null: float) -> float:
        """The p-value for which an interval, perhaps skewed, has just these ends: z is 1.96 at either end."""
        if self.low == self.high:
            return 1.0 if null == self.value else 2.0 ** (1 - self.count)
        margin = self.value - self.low if null < self.value else self.high - self.value
        if margin <= 0:  # a skewed interval that leaves out its own estimate
            return 1.0 if self.low <= null <= self.high else 0.0
        return math.erfc(_NORMAL * abs(self.value - null) / margin / math.sqrt(2))


def holm(p_values: Sequence[float | int] | np.ndarray | pd.Series) -> Float[np.ndarray, " tests"]:
    """P-values corrected for their number, by the step-down method of Holm (Scand. J. Statist. 6, 1979).

    The probability of one or more false decisions among those at most 0.05 is then at most 5 %, however the tests
    depend on each other. A test without verdict (nan) stays nan and does not count.
    """
    given = np.asarray(p_values, dtype=float)
    known = ~np.isnan(given)
    adjusted = np.full(given.shape, math.nan)
    order = np.flatnonzero(known)[np.argsort(given[known], kind="stable")]
    # statsmodels' function, with which a test compares it, imports for a second and collects garbage in every call
    steps = np.arange(len(order), 0, -1) * given[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def within(effect: Effect, limits: Limits) -> Effect:
    """The effect with its interval cut to the values that its quantity can have; its test stays as it is.

    The t interval does not know that a share ends at 1. What lies beyond cannot be true, so the interval that is left
    covers the truth just as often.

    Args:
        effect: of a bounded quantity.
        limits: the quantity's least and largest value.

    Raises:
        ValueError: the limits are exchanged, or the effect itself is outside: a mistake in the quantity or in them.
    """
    least, largest = limits
    if not least < largest:
        raise ValueError(f"the limits of a quantity are its least and its largest value, not {least:g} and {largest:g}")
    rounding = 1e-9 * (largest - least)
    if not (math.isnan(effect.value) or least - rounding <= effect.value <= largest + rounding):
        raise ValueError(f"a quantity between {least:g} and {largest:g} was found to be {effect.value:g}")
    ends = (end if math.isnan(end) else min(max(end, least), largest) for end in (effect.low, effect.high))
    low, high = map(float, ends)
    return replace(effect, low=low, high=high)


def column_decimals(effects: Sequence[Effect]) -> int:
    """The decimals that all effects of a column share: one or two significant digits of the median half-width.

    Two digits where the half-width begins with 1 to 3.5, else one: the rule of the Particle Data Group (Review of
    Particle Physics, section "Rounding").
    """
    known = [effect for effect in effects if effect.count and math.isfinite(effect.value)]
    widths = [(effect.high - effect.low) / 2 for effect in known]
    widths = [width for width in widths if math.isfinite(width) and width > 0]
    if widths:
        decimals = math.ceil(-math.log10(float(np.median(widths)) / 3.55))
    else:
        largest = max((abs(effect.value) for effect in known), default=0.0)
        decimals = 1 - math.floor(math.log10(largest)) if 0 < largest < 0.1 else 2
    return min(max(decimals, 0), _MOST_DECIMALS)


def column_words(effects: Sequence[Effect]) -> list[str]:
    """The effects of a column in words that share their decimals."""
    decimals = column_decimals(effects)
    return [effect.words(decimals) for effect in effects]


def _at_linear(effect: Effect, factor: float | int, offset: float | int, null: float) -> float:
    return effect.p_value((null - offset) / factor)


def _at_factor(logarithm: Effect, null: float) -> float:
    """The p-value of a factor, from the test of its logarithm."""
    if null <= 0:
        raise ValueError(f"a factor was compared with {null:g}; expected a positive number, such as 1 (no difference)")
    return logarithm.p_value(math.log(null))


def _exponential(value: float) -> float:
    return math.exp(value) if not value > 700 else math.inf  # exp(710) overflows


def _number(value: float, decimals: int) -> str:
    """A number with a true minus sign, which zero never has."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    digits = f"{abs(value):.{decimals}f}"
    return f"−{digits}" if value < 0 and float(digits) else digits
