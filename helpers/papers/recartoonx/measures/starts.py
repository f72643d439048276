"""Quantities of Figure 6: the optimisation from different initial masks, each compared with all ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect

CLOSE = 0.01
"""A curve has converged from the step on from which it stays within one per cent of its end."""
SMOOTH = 5  # length of the running mean, in windows of steps
REUNITED = 0.05
"""Two curves or ends have met if they differ by less than five per cent of that from all ones."""
TAIL = 5  # number of last windows whose mean is the curve's end
EARLY = 0.1  # share of the steps that count as early
NEVER = 1.0
"""The share of the steps for curves that never reach their goal: the whole run."""


def steps_until(excess: pd.Series, tolerance: float = CLOSE) -> int | None:
    """The first step from which on a relative difference, given by step, stays at most `tolerance`; None if never."""
    far = excess > tolerance
    if not far.any():
        return round(excess.index[0])
    later = excess.index[excess.index > far[far].index[-1]]
    return round(later[0]) if len(later) else None


def early_ratio(initial_masks: pd.DataFrame, start: str, recipe: str = "profile") -> Effect:
    """A start's objective as a multiple of that from all ones: geometric mean over the first tenth of the steps."""
    rows = _of_recipe(initial_masks, recipe)
    early = rows[rows["step"] <= rows["step"].max() * EARLY]
    means = early.groupby(["image", "start"])["objective"].mean().unstack()
    return mean_effect(np.log(means[start] / means["ones"])).exponential()


def reunion(initial_masks: pd.DataFrame, start: str, recipe: str = "profile") -> Effect:
    """The share of the steps after which a start's objective stays close to that of all ones; 1 if it never does.

    Close is within 1 % of the whole fall from all ones, since the noise of a step, which is a few per cent of the last
    objective, would part two equal curves again.
    """
    last = _of_recipe(initial_masks, recipe)["step"].max()
    shares = []
    for line in _lines(initial_masks, recipe):
        fall = line["ones"].iloc[0] - line["ones"].iloc[-TAIL:].mean()
        step = steps_until((line[start] - line["ones"]).abs() / fall)
        shares.append(NEVER if step is None else step / last)
    return mean_effect(shares, limits=(0, NEVER))


def steps_ratio(initial_masks: pd.DataFrame, start: str, recipe: str = "profile") -> Effect:
    """The steps from a start until within 1 % of the end of all ones, as a multiple of those from all ones.

    A start that never arrives takes the whole run. What counts is the fall from the objective of all ones, so that
    noise at the end hardly matters.
    """
    last = _of_recipe(initial_masks, recipe)["step"].max()
    ratios = []
    for line in _lines(initial_masks, recipe):
        end, top = line["ones"].iloc[-TAIL:].mean(), line["ones"].iloc[0]
        needed = [steps_until((line[name] - end) / (top - end), CLOSE) or last for name in (start, "ones")]
        ratios.append(np.log(needed[0] / needed[1]))
    return mean_effect(ratios).exponential()


def end_difference(ends: pd.DataFrame, start: str, recipe: str = "profile") -> Effect:
    """A start's last objective minus that of all ones, without images on which the start is all ones itself."""
    last = _by_start(ends, recipe, "last_objective")
    differs = _by_start(ends, recipe, "first_sparsity")[start] < 1
    return mean_effect((last[start] - last["ones"])[differs])


def end_ratio(ends: pd.DataFrame, start: str, recipe: str = "profile") -> Effect:
    """A start's last objective as a multiple of that of all ones, geometric mean."""
    last = _by_start(ends, recipe, "last_objective")
    return mean_effect(np.log(last[start] / last["ones"])).exponential()


def first_ratio(ends: pd.DataFrame, start: str, recipe: str = "profile") -> Effect:
    """A start's first objective as a multiple of that of all ones, geometric mean."""
    first = _by_start(ends, recipe, "first_objective")
    return mean_effect(np.log(first[start] / first["ones"])).exponential()


def _of_recipe(table: pd.DataFrame, recipe: str) -> pd.DataFrame:
    rows = table[table["recipe"] == recipe]
    if rows.empty:
        raise ValueError(f"the table has no recipe {recipe!r}; it has: {', '.join(sorted(table['recipe'].unique()))}")
    return rows


def _lines(table: pd.DataFrame, recipe: str) -> list[pd.DataFrame]:
    """The smoothed objectives of each image: one row per step, one column per start."""
    rows = _of_recipe(table, recipe)
    return [
        image.pivot(index="step", columns="start", values="objective")
        .sort_index()
        .rolling(SMOOTH, center=True, min_periods=1)
        .mean()
        for _, image in rows.groupby("image")
    ]


def _by_start(ends: pd.DataFrame, recipe: str, column: str) -> pd.DataFrame:
    return _of_recipe(ends, recipe).pivot(index="image", columns="start", values=column)
