"""The values of rate-distortion curves, and the choice of images by them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.integrate import trapezoid

SMALL_RATES = 0.1
"""The first tenth of the entries, on which good explanations differ most according to the paper."""
SMALL_END = 0.1
"""Images whose distortion under full noise is below this are left out: their ratios would be mostly noise."""
NOISE_END = {"keep": 0.0, "randomise": 1.0}
"""The fraction at which all entries are noise."""


def curve_values(curves: pd.DataFrame, curve: str, direction: str) -> pd.DataFrame:
    """One curve of every image: one row per image, one column per fraction in ascending order.

    Raises:
        ValueError: the table has several variants, or it does not have this curve.
    """
    if curves["variant"].nunique() > 1:
        raise ValueError("the table holds several variants; choose one: curves[curves['variant'] == 'corrected']")
    rows = curves[(curves["curve"] == curve) & (curves["direction"] == direction)]
    if rows.empty:
        known = ", ".join(sorted(curves["curve"].unique()))
        raise ValueError(f"the table has no curve {curve!r} in the direction {direction!r}; its curves are: {known}")
    return rows.pivot(index="image", columns="fraction", values="distortion").sort_index(axis=1)


def area_under_curve(curves: pd.DataFrame, curve: str, direction: str, *, until: float = SMALL_RATES) -> pd.Series:
    """Each image's mean distortion over the fractions from 0 to `until`, by the trapezoidal rule."""
    values = curve_values(curves, curve, direction)
    fractions = values.columns.to_numpy(dtype=float)
    inside = fractions <= until + 1e-9
    if inside.sum() < 2:
        raise ValueError(f"the curves have fewer than two fractions up to {until}; measure them at more fractions")
    x = fractions[inside]
    areas = trapezoid(values.to_numpy()[:, inside], x, axis=1) / (x[-1] - x[0])
    return pd.Series(np.asarray(areas), index=values.index, name="distortion")


def chosen_variant(curves: pd.DataFrame, variant: str) -> pd.DataFrame:
    """The rows of one variant.

    Raises:
        ValueError: the table does not have it.
    """
    rows = curves[curves["variant"] == variant]
    if rows.empty:
        known = ", ".join(sorted(curves["variant"].unique()))
        raise ValueError(f"the table has no curves of the variant {variant!r}; its variants are: {known}")
    return rows


def full_noise(curves: pd.DataFrame, curve: str, direction: str) -> pd.Series:
    """Each image's distortion where all entries are noise; nan below `SMALL_END`."""
    values = curve_values(curves, curve, direction)
    ends = values[NOISE_END[direction]]
    return ends.where(ends >= SMALL_END)


def relative_area(curves: pd.DataFrame, curve: str, direction: str) -> pd.Series:
    """`area_under_curve` as a share of the curve's own distortion under full noise; nan where that is too small.

    The noise of one representation may distort more than that of another. Without this division, a method could win
    with nothing kept.
    """
    return area_under_curve(curves, curve, direction) / full_noise(curves, curve, direction)


def relative_gap(curves: pd.DataFrame) -> pd.Series:
    """Each image's `relative_area` while the first tenth is kept, CartoonX − Pixel RDE: below 0, CartoonX is better."""
    gap = relative_area(curves, "cartoonx", "keep") - relative_area(curves, "pixel-rde", "keep")
    return gap.rename("gap").sort_values(kind="stable")


def win_rate(gap: pd.Series) -> pd.Series:
    """1 for images on which CartoonX is better, 0 for those on which Pixel RDE is, 0.5 for ties; nan stays nan."""
    return ((gap < 0) + 0.5 * (gap == 0)).where(gap.notna())


def largest_gaps(gap: pd.Series, count: int = 3) -> tuple[list[str], list[str]]:
    """The images with the largest advantage of CartoonX and of Pixel RDE, at most `count` each.

    Either list may be shorter or empty, since images without an advantage do not count.
    """
    ordered = gap.sort_values(kind="stable")
    first = ordered[ordered < 0].head(count)
    last = ordered[ordered > 0].tail(count)[::-1]
    return list(first.index), list(last.index)
