"""Means over images with their intervals, as a table with one row per method."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.core.statistics import mean_effect


def mean_table(table: pd.DataFrame, methods: Mapping[str, str], scores: Mapping[str, str]) -> pd.DataFrame:
    """One row per method: the mean of each score over the method's rows with its 95 % bootstrap interval, as text.

    Args:
        table: one row per image and method, with a column `method` and one per score.
        methods: what the page calls each method, in order.
        scores: the head of each score's column, in order.
    """
    rows = {name: table[table["method"] == name] for name in methods}
    means = {head: [str(mean_effect(rows[name][score])) for name in methods] for score, head in scores.items()}
    return pd.DataFrame({"method": list(methods.values()), **means})
