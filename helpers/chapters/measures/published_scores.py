"""The size of the faults in the published scores of ShearletX and WAM, each a function from the table to an effect.

The unit is the image, or the scene: several methods explain it, and it counts once, with the mean over them.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect, unit_means

WITHOUT_PICTURE = ("wam-gradient", "wam-path", "size", "coarse", "random", "shearlets")
"""WAM, and the orders that it is compared with, give an order of coefficients and no picture; a frame gives neither."""


def mean_of(scores: pd.DataFrame, column: str, method: str | None = None) -> Effect:
    """The mean of a score in [0, 1].

    Args:
        scores: the table `published-scores`.
        column: the score.
        method: the method; None for the mean over all whose explanation is a picture.
    """
    return mean_effect(unit_means(_rows(scores, method), column), limits=(0, 1))


def difference(scores: pd.DataFrame, column: str, other: str, method: str | None = None) -> Effect:
    """One score − another of the same explanation.

    Args:
        scores: the table `published-scores`.
        column: the score with the fault.
        other: the score without it.
        method: the method; None for the mean over all whose explanation is a picture.
    """
    rows = _rows(scores, method)
    return mean_effect(unit_means(rows.assign(difference=rows[column] - rows[other]), "difference"))


def change(scores: pd.DataFrame, column: str, other: str, method: str | None = None) -> Effect:
    """By how much two scores of the same explanation differ, whichever is larger.

    Args:
        scores: the table `published-scores`.
        column, other: the scores.
        method: the method; None for the mean over all whose explanation is a picture.
    """
    rows = _rows(scores, method)
    return mean_effect(unit_means(rows.assign(change=(rows[column] - rows[other]).abs()), "change"))


def against_order(scores: pd.DataFrame, column: str, method: str, other: str) -> Effect:
    """A score of one method − that of another, or of an order that knows no classifier, on the same images.

    Args:
        scores: the table `published-scores`.
        column: the score.
        method: the method.
        other: the method or order to compare with.
    """
    values = scores.pivot(index="image", columns="method", values=column)
    return mean_effect(values[method] - values[other], limits=(-1, 1))


def exchanged_pairs(scores: pd.DataFrame, column: str, other: str) -> Effect:
    """The share of pairs of methods whose order on an image differs between two scores; a tie in one is half.

    Args:
        scores: the table `published-scores`.
        column, other: the scores.
    """
    tables = [_rows(scores, None).pivot(index="image", columns="method", values=each) for each in (column, other)]
    shares = []
    for first, second in combinations(tables[0].columns, 2):
        sign, other_sign = (np.sign(table[first] - table[second]) for table in tables)
        shares.append((sign - other_sign).abs() / 2)  # nan where an explanation has no score
    return mean_effect(pd.concat(shares, axis=1).mean(axis=1), limits=(0, 1))


def _rows(scores: pd.DataFrame, method: str | None) -> pd.DataFrame:
    """The rows of one method, or of all whose explanation is a picture."""
    return scores[~scores["method"].isin(WITHOUT_PICTURE) if method is None else scores["method"] == method]
