"""Effects from tables of means: the rows of a setting, their values with intervals, and differences of two of them.

The tables of SpaCE-VAE hold one row per method and setting: means over hundreds or thousands of images with the ends of
their 95 % intervals. The images themselves, 10,000 per setting on CIFAR-10, are not stored.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, proportion_effect

Row = dict[str, Any]
"""A row of a table, by column."""

COMPETITORS = ("deeplift", "integrated-gradients", "feature-ablation")
CONTROLS = ("darkened", "subtracted")
"""Controls that explain nothing: every pixel dimmed by a factor, or reduced by a constant."""

_SHARES = ("accuracy", "agreement")


def score(row: Any, metric: str) -> Effect:
    """A metric of one row with its interval.

    A share, such as the agreement, has the exact interval of its number of images, also at 0 and 1, where a bootstrap
    has none. Other metrics have the ends in the table: `row[metric + "_low"]` and `row[metric + "_high"]`.

    Args:
        row: a row of a table, with the number of its `images`.
        metric: a column.

    Raises:
        ValueError: a share is no whole number of images.
    """
    value, count = float(row[metric]), int(row["images"])
    if not metric.endswith(_SHARES) or math.isnan(value):
        return Effect(value, float(row[f"{metric}_low"]), float(row[f"{metric}_high"]), count)
    successes = round(value * count)
    if abs(successes - value * count) > 0.01:
        raise ValueError(f"{metric} = {value:g} is no whole number of {count} images; expected a share of them")
    return proportion_effect(np.arange(count) < successes)


def difference(first: Effect, second: Effect) -> Effect:
    """first − second of two means whose intervals are known, by the method of variance estimates recovery.

    Zou and Donner (Statistics in Medicine 27, 2008). The method assumes independent means. Two methods on the same
    images are positively correlated, so that the true interval is narrower than this one, and a verdict by this one
    errs less frequently than stated.
    """
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Effect(value, low, high, min(first.count, second.count))


def one_row(table: pd.DataFrame, **values: Any) -> pd.Series:
    """The only row with these values, given by column.

    Raises:
        ValueError: no row or several rows have them.
    """
    rows = table
    for name, value in values.items():
        rows = rows[rows[name] == value]
    if len(rows) != 1:
        raise ValueError(f"{len(rows)} rows have {values}; expected exactly one")
    return rows.iloc[0]


def on_test_images(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table `sparsity` on test images, for the paper's trainings: one VQ-VAE, and one network per β."""
    rows = table[table["split"] == "test"]
    training = rows["training"].astype(str)
    plain = (rows["method"] != "space-vae") | training.str.match(r"beta-[\d.]+$")
    other = (rows["method"] == "vq-vae") & (training != "vq-vae")  # VQ-VAEs from which networks with another grid start
    return (
        rows[plain & ~other]
        .sort_values(["beta", "threshold"], kind="stable", na_position="first")
        .reset_index(drop=True)
    )


def training_row(table: pd.DataFrame, training: str) -> pd.Series:
    """A network's row of the table `sparsity` on test images."""
    return one_row(table, split="test", training=training)


def chosen_row(table: pd.DataFrame, method: str, rule: str = "published") -> Row | None:
    """A competitor's row on the test images at the threshold chosen by a rule; None if the rule chose none."""
    rows = on_test_images(table)
    rows = rows[rows["method"] == method]
    rows = rows[rows["chosen"].astype(object).fillna("").astype(str).str.split().map(lambda rules: rule in rules)]
    return None if rows.empty else rows.to_dict("records")[-1]


def at_sparsity(table: pd.DataFrame, method: str, norm: str, sparsity: float | int, metric: str = "accuracy") -> Effect:
    """A metric of a competitor or a control at a given sparsity, by linear interpolation between its settings.

    The settings of a control begin with none: the original images. Beyond the range of a method's settings, the value
    of the nearest one counts.

    Args:
        table: the table `sparsity`.
        method: a competitor or a control.
        norm: `"l0"` or `"l1"`.
        sparsity: in per cent.
        metric: the metric to interpolate, with its interval.

    Raises:
        ValueError: the table has no rows of this method.
    """
    tested = on_test_images(table)
    rows = tested[tested["method"] == method]
    if rows.empty:
        raise ValueError(f"the table has no rows of {method!r} on test images")
    if method in CONTROLS:
        rows = pd.concat([tested[tested["method"] == "original"], rows])
    rows = rows.sort_values(norm)
    effects = [score(row, metric) for row in rows.to_dict("records")]
    ends = [
        np.interp(sparsity, rows[norm], [getattr(effect, end) for effect in effects])
        for end in ("value", "low", "high")
    ]
    return Effect(*map(float, ends), min(effect.count for effect in effects))
