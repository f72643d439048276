"""Quantities of Table 1: the softmax probability of a class under its own mask and under others (section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.core.statistics import Effect, mean_effect, proportion_effect, ratio_effect
from helpers.data.multilabel.voc import VOC_CLASSES
from helpers.data.scenes import SCENE_CLASSES
from helpers.papers.explainer.figures.tab1 import OTHERS, OWN, PLAIN, image_scores, score_matrix


def own_to_plain(table: pd.DataFrame, method: str) -> Effect:
    """The mean probability of a class under its own mask ÷ that on the whole image.

    It is a ratio of means: a mean of ratios would have to be capped, as a few images leave the class nearly nothing.

    Args:
        table: `explainer-class-scores`.
        method: the method of the masks.
    """
    scores = image_scores(table).loc[method]
    return ratio_effect(scores[OWN], scores[PLAIN])


def others_above_chance(table: pd.DataFrame, method: str) -> Effect:
    """The probability of a class under the masks of other classes − one divided by the number of classes."""
    return mean_effect(image_scores(table).loc[method][OTHERS] - 1 / _class_count(table))


def others_difference(table: pd.DataFrame, first: str, second: str) -> Effect:
    """The probability of a class under the masks of other classes: first method − second."""
    scores = image_scores(table)
    return mean_effect(scores.loc[first][OTHERS] - scores.loc[second][OTHERS])


def own_difference(table: pd.DataFrame, first: str, second: str) -> Effect:
    """The probability of a class under its own mask: first method − second."""
    scores = image_scores(table)
    return mean_effect(scores.loc[first][OWN] - scores.loc[second][OWN])


def own_above_others(table: pd.DataFrame, method: str) -> Effect:
    """The probability of a class under its own mask − under the masks of other classes."""
    scores = image_scores(table).loc[method]
    return mean_effect(scores[OWN] - scores[OTHERS])


def co_occurring(table: pd.DataFrame, method: str, pairs: Sequence[Sequence[str]]) -> Effect:
    """The probability of a class under the masks of classes that often occur with it − under those of the others.

    Targets without such a partner in the table do not count. An image with several targets counts with their mean.

    Args:
        table: `explainer-class-scores`.
        method: the method of the masks.
        pairs: pairs of classes that often occur together.
    """
    rows = table[(table["variant"] == "corrected") & (table["method"] == method)]
    rows = rows[(rows["mask"] != "none") & (rows["mask"] != rows["target"])]
    partners = {frozenset(pair) for pair in pairs}
    together = [frozenset(pair) in partners for pair in zip(rows["target"], rows["mask"], strict=True)]
    means = rows.assign(together=together).groupby(["image", "target", "together"])["probability"].mean().unstack()
    if True not in means or False not in means:
        return mean_effect([])
    return mean_effect((means[True] - means[False]).dropna().groupby("image").mean())


def classes_kept_better(table: pd.DataFrame, first: str, second: str) -> Effect:
    """The share of the classes whose own mask leaves them more probability by the first method than by the second."""
    own = {name: score_matrix(table, name) for name in (first, second)}
    targets = list(own[first].index)
    wins = [float(own[first].loc[name, name] > own[second].loc[name, name]) for name in targets]
    return proportion_effect(wins)


def _class_count(table: pd.DataFrame) -> int:
    """The number of the classifier's classes; in older tables, by the dataset to which the targets belong."""
    if "classes" in table:
        return int(table["classes"].iloc[0])
    return len(VOC_CLASSES if set(table["target"]) <= set(VOC_CLASSES) else SCENE_CLASSES)
