"""Which images a figure shows: by a stated measure, never by taste."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.integrate import trapezoid

SMALL_RATES = 0.1
"""The first tenth of the entries: where the paper says that a good explanation shows."""


def curve_values(curves: pd.DataFrame, curve: str, direction: str) -> pd.DataFrame:
    """One curve of every image: one row per image, a column a fraction, ascending.

    Raises:
        ValueError: the table has two variants, which must not be mixed, or it does not have this curve.
    """
    if curves["variant"].nunique() > 1:
        raise ValueError("the table holds several variants; choose one: curves[curves['variant'] == 'corrected']")
    rows = curves[(curves["curve"] == curve) & (curves["direction"] == direction)]
    if rows.empty:
        known = ", ".join(sorted(curves["curve"].unique()))
        raise ValueError(f"the table has no curve {curve!r} in the direction {direction!r}; its curves are: {known}")
    return rows.pivot(index="image", columns="fraction", values="distortion").sort_index(axis=1)


def area_under_curve(curves: pd.DataFrame, curve: str, direction: str, *, until: float = SMALL_RATES) -> pd.Series:
    """Each image's mean distortion over the fractions from 0 to `until`: the area under the curve, by trapezia."""
    values = curve_values(curves, curve, direction)
    fractions = values.columns.to_numpy(dtype=float)
    inside = fractions <= until + 1e-9
    if inside.sum() < 2:
        raise ValueError(f"the curves have fewer than two fractions up to {until}; measure them at more fractions")
    x = fractions[inside]
    areas = trapezoid(values.to_numpy()[:, inside], x, axis=1) / (x[-1] - x[0])
    return pd.Series(np.asarray(areas), index=values.index, name="distortion")


def area_gap(curves: pd.DataFrame) -> pd.Series:
    """Each image's mean distortion over the first tenth that is kept, CartoonX minus Pixel RDE: negative is better."""
    gap = area_under_curve(curves, "cartoonx", "keep") - area_under_curve(curves, "pixel-rde", "keep")
    return gap.rename("gap").sort_values(kind="stable")


def win_rate(gap: pd.Series) -> pd.Series:
    """1 where CartoonX is the better one, 0 where Pixel RDE is, a half where they are equal."""
    return (gap < 0) + 0.5 * (gap == 0)


def largest_gaps(gap: pd.Series, count: int = 3) -> tuple[list[str], list[str]]:
    """The images with the largest advantage of CartoonX, and those with the largest of Pixel RDE, at most `count` each.

    Only images with an advantage count, so that either list may be shorter, or empty.
    """
    ordered = gap.sort_values(kind="stable")
    first = ordered[ordered < 0].head(count)
    last = ordered[ordered > 0].tail(count)[::-1]
    return list(first.index), list(last.index)
