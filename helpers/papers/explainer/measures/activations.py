"""Quantities of Figures 4 and 5: average mask activation (AMA) against the classifier's score (CLS), appendix C."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from helpers.core.statistics import Effect, mean_effect, proportion_effect, unit_means
from helpers.papers.explainer.measures.correlation import correlation

SURE = 50
"""The classifier says a class if its score, 0 to 100, is above this."""

SHARED = 0.5
"""Two masks are on the same area if one covers more than this share of the other."""


def rank_correlation(table: pd.DataFrame) -> Effect:
    """The rank correlation of AMA and CLS over the classes of an image, averaged over images.

    Args:
        table: `explainer-fig4` or `explainer-fig5`, one row per image and class.
    """
    ranks = [float(spearmanr(rows["ama"], rows["cls"]).statistic) for _, rows in table.groupby("image", sort=False)]
    return mean_effect(ranks)


def wrongly_said(table: pd.DataFrame) -> Effect:
    """AMA of absent classes that the classifier says − AMA of those that it does not, on images that have both."""
    absent = table[~table["present"]]
    said = absent["cls"] > SURE
    first, second = (unit_means(absent[rows], "ama") for rows in (said, ~said))
    return mean_effect((first - second).dropna())


def spurious_activation(first: pd.DataFrame, second: pd.DataFrame) -> Effect:
    """The sum of AMA over the classes that an image does not show: second classifier − first, on the same images."""
    sums = [table[~table["present"]].groupby("image")["ama"].sum() for table in (first, second)]
    return mean_effect(sums[1] - sums[0])


def shared_area(table: pd.DataFrame) -> Effect:
    """The share of images on which another class's mask covers most of a present class's mask."""
    present = table[table["present"]]
    largest = present.groupby("image")["overlap"].max()
    return proportion_effect((largest > SHARED).astype(float))


def size_correlation(table: pd.DataFrame) -> Effect:
    """Pearson's correlation over images between the area of the present classes' objects and their AMA."""
    present = table[table["present"]]
    return correlation(unit_means(present, "area"), unit_means(present, "ama"))


def strongest_is_present(table: pd.DataFrame) -> Effect:
    """The share of images whose class with the largest AMA is one that they show."""
    strongest = table.loc[table.groupby("image")["ama"].idxmax()]
    return proportion_effect(np.asarray(strongest["present"], dtype=float))
