"""Quantities of Figures 1 and 3: the curves of keeping and of randomising the most relevant entries.

Noise on wavelet coefficients and noise on pixels are not equally strong: with nothing kept, the distortions of CartoonX
and of Pixel RDE differ before any mask matters. So two methods are compared by curves relative to their own full noise,
or relative to entries of the same kind in random order.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect, proportion_effect
from helpers.papers.recartoonx.measures.selection import (
    area_under_curve,
    chosen_variant,
    curve_values,
    full_noise,
    relative_area,
    relative_gap,
    win_rate,
)

RANDOM_ORDER = {"cartoonx": "random-wavelets", "pixel-rde": "random-pixels"}
METHOD_PAIR = ("cartoonx", "pixel-rde")


def relative_win_rate(curves: pd.DataFrame, variant: str = "corrected") -> Effect:
    """The share of images on which CartoonX's keep curve is the lower one, each relative to its own full noise.

    The curves are averaged over the first tenth; a tie counts half.
    """
    return proportion_effect(win_rate(relative_gap(chosen_variant(curves, variant))))


def win_rate_against_random(curves: pd.DataFrame, variant: str = "corrected") -> Effect:
    """The same share, with each curve compared with a random order of its own entries."""
    rows = chosen_variant(curves, variant)
    cartoonx, pixels = (_below_random(rows, name, "keep") for name in METHOD_PAIR)
    return proportion_effect(win_rate(cartoonx - pixels))


def relative_difference(curves: pd.DataFrame, direction: str = "keep", variant: str = "corrected") -> Effect:
    """CartoonX − Pixel RDE, mean over the first tenth, each curve as a share of its own distortion of full noise."""
    rows = chosen_variant(curves, variant)
    cartoonx, pixels = (relative_area(rows, name, direction) for name in METHOD_PAIR)
    return mean_effect(cartoonx - pixels)


def difference_against_random(curves: pd.DataFrame, direction: str = "keep", variant: str = "corrected") -> Effect:
    """CartoonX − Pixel RDE, mean over the first tenth, each minus the curve of its own entries in random order."""
    rows = chosen_variant(curves, variant)
    cartoonx, pixels = (_below_random(rows, name, direction) for name in METHOD_PAIR)
    return mean_effect(cartoonx - pixels)


def early_difference(curves: pd.DataFrame, first: float = 0.01, last: float = 0.05) -> Effect:
    """CartoonX − Pixel RDE, mean with `first` to `last` kept, each curve relative to its own full noise."""
    rows = chosen_variant(curves, "corrected")
    shares = []
    for name in METHOD_PAIR:
        values = curve_values(rows, name, "keep")
        early = [fraction for fraction in values.columns if first - 1e-9 <= fraction <= last + 1e-9]
        shares.append(values[early].mean(axis=1) / full_noise(rows, name, "keep"))
    return mean_effect(shares[0] - shares[1])


def lowest_distortion(curves: pd.DataFrame, curve: str, first: float = 0.04, last: float = 0.1) -> Effect:
    """The mean distortion of one curve where its first drop ends: over fixed fractions, not at its own minimum.

    A minimum over fractions would be too low by the noise of the curve.
    """
    values = curve_values(chosen_variant(curves, "corrected"), curve, "keep")
    bottom = [fraction for fraction in values.columns if first - 1e-9 <= fraction <= last + 1e-9]
    return mean_effect(values[bottom].mean(axis=1))


def rise_after_the_drop(curves: pd.DataFrame, curve: str, early: float = 0.1, late: float = 0.5) -> Effect:
    """The distortion of one curve with `late` kept minus that with `early` kept.

    The two fractions are fixed: those of a minimum and a maximum would differ by chance alone.
    """
    values = curve_values(chosen_variant(curves, "corrected"), curve, "keep")
    fractions = values.columns.to_numpy(dtype=float)
    first, second = (values.columns[np.abs(fractions - fraction).argmin()] for fraction in (early, late))
    return mean_effect(values[second] - values[first])


def floor_difference(curves: pd.DataFrame) -> Effect:
    """CartoonX − Pixel RDE, the distortion with nothing kept: that of the two kinds of noise alone."""
    rows = chosen_variant(curves, "corrected")
    cartoonx, pixels = (curve_values(rows, name, "keep")[0.0] for name in METHOD_PAIR)
    return mean_effect(cartoonx - pixels)


def confident_noise(curves: pd.DataFrame, explanations: pd.DataFrame, curve: str = "pixel-rde") -> Effect:
    """The share of images on which full noise moves the answer further than an uninformative answer could.

    An answer that spreads over many classes is near the origin, so its distance to the answer for the image is at most
    the length of the latter: √(p² + (1 − p)²) at most, if p is the probability of the predicted class. A larger
    distance means that the classifier is confident of another class.
    """
    distance = curve_values(chosen_variant(curves, "corrected"), curve, "keep")[0.0]
    confidence = explanations.drop_duplicates("image").set_index("image")["confidence"].reindex(distance.index)
    return proportion_effect((distance > np.hypot(confidence, 1 - confidence)).astype(float))


def better_than_chance_where_it_loses(curves: pd.DataFrame) -> Effect:
    """CartoonX − random wavelets, mean over the first tenth kept, on the images where Pixel RDE is better."""
    rows = chosen_variant(curves, "corrected")
    gap = relative_gap(rows)
    return mean_effect(_below_random(rows, "cartoonx", "keep").reindex(gap[gap > 0].index))


def _below_random(curves: pd.DataFrame, curve: str, direction: str) -> pd.Series:
    """Each image's mean over the first tenth of a curve, minus that of the same entries in random order."""
    return area_under_curve(curves, curve, direction) - area_under_curve(curves, RANDOM_ORDER[curve], direction)
