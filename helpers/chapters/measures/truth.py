"""Masks against the objects of photographs: a method against a control or another method, seen images against unseen.

The unit is the photograph: one that shows several classes counts once, with the mean over them.
"""

from __future__ import annotations

import pandas as pd
from scipy.integrate import trapezoid

from helpers.core.statistics import Effect, difference_effect, mean_effect, unit_means

VOC = "voc-animals"
PAIR = ["source", "image", "class"]


def paired_difference(
    truth: pd.DataFrame, method: str, other: str, score: str, source: str = VOC, correct: bool | None = True
) -> Effect:
    """A score of one method − that of another method or control, on the same photographs and classes.

    Args:
        truth: the table `truth`.
        method: the method.
        other: the method or control to compare with.
        score: a column, such as "rank".
        source: of the photographs.
        correct: only pairs whose class the first method's classifier predicts (True), or does not (False); None: all.
    """
    rows = truth[truth["source"] == source]
    first, second = (rows[rows["method"] == name].set_index(PAIR) for name in (method, other))
    if correct is not None:
        first = first[first["correct"] == correct]
    differences = (first[score] - second[score].reindex(first.index)).rename("difference").reset_index()
    return mean_effect(unit_means(differences, "difference"), limits=(-1, 1))


def seen_against_unseen(curves: pd.DataFrame, method: str) -> Effect:
    """The gain of a method's curve over random order, images seen in training − images never seen.

    The gain of an image is the area between the curves of the class's probability when the most relevant pixels, or
    random ones, are kept: the mean probability that the method's order adds.

    Args:
        curves: the table `truth-curves`.
        method: the method.
    """
    gains = curve_areas(curves)
    gain = (gains[method] - gains["random"]).dropna()
    return difference_effect(*(gain.xs(images, level="images") for images in ("seen", "unseen")))


def curve_areas(curves: pd.DataFrame) -> pd.DataFrame:
    """The area under each curve, by the trapezoidal rule: one row per group and image, one column per method."""
    values = curves.pivot(index=["images", "image", "method"], columns="fraction", values="probability")
    return pd.Series(trapezoid(values.to_numpy(), values.columns.to_numpy(), axis=1), values.index).unstack("method")
