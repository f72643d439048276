"""Quantities of Table 3: computing times (appendix A)."""

from __future__ import annotations

import math

import pandas as pd

from helpers.core.statistics import Effect


def ratio_to_explainer(table: pd.DataFrame, method: str) -> Effect:
    """Seconds per image of a method ÷ those of the Explainer: one timing, whose spread is not known.

    Args:
        table: `explainer-compute-time`, one row per method.
        method: the method.
    """
    seconds = table.set_index("method")["seconds_per_image"]
    return Effect(float(seconds[method] / seconds["explainer"]), math.nan, math.nan, 1)
