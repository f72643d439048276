"""Quantities of Figures 1 and 3: the curves of keeping and of randomising, and the sweep of the sparsity weight.

Noise on wavelet coefficients and noise on pixels are not equally strong: with nothing kept, the distortions of CartoonX
and of Pixel RDE differ before any mask matters. So each curve is compared relative to its own full noise.
"""

from __future__ import annotations

import pandas as pd

from helpers.core.statistics import Effect, mean_effect
from helpers.papers.recartoonx.figures.selection import area_under_curve, curve_values


def relative_keep_difference(
    curves: pd.DataFrame, first: str = "cartoonx", second: str = "pixel-rde", variant: str = "corrected"
) -> Effect:
    """The difference of two keep curves, mean over the first 10 %, each as a share of its own value at 0 %.

    Args:
        curves: the table `curves`.
        first, second: the curves; the effect is first − second.
        variant: the variant of the curves.
    """
    rows = curves[curves["variant"] == variant]
    shares = []
    for name in (first, second):
        full_noise = curve_values(rows, name, "keep")[0.0]
        shares.append(area_under_curve(rows, name, "keep") / full_noise)
    return mean_effect(shares[0] - shares[1])
