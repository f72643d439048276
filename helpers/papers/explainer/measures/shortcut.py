"""Quantities of the page on the planted mark: the masks' mass on it (section 4.1's claim about unintended biases)."""

from __future__ import annotations

import pandas as pd

from helpers.core.statistics import Effect, mean_effect, proportion_effect, unit_means

USES, IGNORES = "resnet50", "vgg16"
"""The pairs' names of the classifier that was trained with the mark on one class, and of the other one."""

MASS = "relevance_mass_above_chance"


def mass_on_mark(table: pd.DataFrame, method: str, classifier: str, shown: bool = True) -> Effect:
    """The share of a mask's mass on the mark − the mark's share of the image.

    Args:
        table: `explainer-shortcut` of both classifiers.
        method: the method.
        classifier: `USES` or `IGNORES`.
        shown: whether the scenes show the class of the mark.
    """
    return mean_effect(scene_values(table, method, classifier, shown))


def told_apart(table: pd.DataFrame, method: str, shown: bool = True) -> Effect:
    """The mass on the mark, classifier that uses it − the other, on the same scenes."""
    return mean_effect(scene_values(table, method, USES, shown) - scene_values(table, method, IGNORES, shown))


def fooled(table: pd.DataFrame, classifier: str = USES) -> Effect:
    """The share of marked scenes without the class on which the classifier predicts it, with the exact interval."""
    rows = table[table["marked"] & ~table["shown"] & (table["classifier"] == classifier)]
    return proportion_effect((rows.groupby("image", sort=False)["probability"].first() > 0.5).astype(float))


def effect_of_mark(table: pd.DataFrame, classifier: str = USES) -> Effect:
    """The probability of the mark's class with the mark − without it, on scenes that do not show the class."""
    rows = table[table["marked"] & ~table["shown"] & (table["classifier"] == classifier)]
    return mean_effect(unit_means(rows, "probability_change"))


def scene_values(table: pd.DataFrame, method: str, classifier: str, shown: bool) -> pd.Series:
    """The mass above chance on the mark, one value per marked scene."""
    rows = table[table["marked"] & (table["shown"] == shown) & (table["method"] == method)]
    return rows[rows["classifier"] == classifier].set_index("image")[MASS]
