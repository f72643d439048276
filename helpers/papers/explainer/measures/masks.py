"""Quantities from the tables of the pages of Figures 1, 3, 6, 7 and 8 (section 4.1, appendices D to F).

Those that `explainer-segmentation` can decide are in `segmentation`, as it is committed for more images.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.core.statistics import Effect, mean_effect, unit_means


def method_mean(table: pd.DataFrame, method: str, column: str) -> Effect:
    """The mean of one column over the images, for one method.

    Args:
        table: one row per image and method, such as `explainer-fig3`.
        method: the method.
        column: the column.
    """
    return mean_effect(_by_image(table, column)[method])


def difference(table: pd.DataFrame, column: str, first: Sequence[str], second: Sequence[str]) -> Effect:
    """The difference of a column between two groups of methods, each averaged on the same image: first − second."""
    values = _by_image(table, column)
    return mean_effect(values[list(first)].mean(axis=1, skipna=False) - values[list(second)].mean(axis=1, skipna=False))


def pieces_beyond_classes(table: pd.DataFrame, method: str) -> Effect:
    """The number of connected regions of the mask − the number of classes that the image shows."""
    classes = unit_means(table, "classes")
    return mean_effect(_by_image(table, "pieces")[method] - classes)


def class_mask_difference(table: pd.DataFrame, column: str, first: str, second: str) -> Effect:
    """The difference between two methods' class masks, averaged over the classes of an image: first − second.

    Args:
        table: `explainer-fig1`, one row per image, method and class.
        column: `between` (share of pixels between 0.1 and 0.9), or `astray` (of the mask's mass on objects, the share
            on those of other classes; a share of *all* its mass would favour blurred masks, which have little mass on
            any object).
        first, second: the methods.
    """
    rows = table.assign(astray=table["other"] / (table["own"] + table["other"]))
    values = {name: unit_means(rows[rows["method"] == name], column) for name in (first, second)}
    return mean_effect(values[first] - values[second])


def _by_image(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row per image, one column per method."""
    return table.pivot(index="image", columns="method", values=column)
