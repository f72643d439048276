"""Quantities of Figures 1 and 5 and of the earlier methods: pairs of images, from tables with one row per scene."""

from __future__ import annotations

import pandas as pd

from helpers.core.statistics import Effect, mean_effect


def negative_minus_random(table: pd.DataFrame, method: str) -> Effect:
    """The share of images that lose their class: without the negative entries − without as many random ones.

    Args:
        table: the page's table `spacevae-fig1`.
        method: the attribution method.
    """
    rows = table[table["method"] == method].set_index("image")
    return mean_effect(rows["flipped"] - rows["flipped_random"])


def look_difference(table: pd.DataFrame, first: str, second: str, measure: str) -> Effect:
    """A measure of the kept images of one row of pictures − of another: two networks, or a network and its control.

    Args:
        table: the page's table `spacevae-fig5`.
        first, second: names in its column `training`.
        measure: one of its measures.
    """
    rows = [table[table["training"] == name].set_index("image")[measure] for name in (first, second)]
    return mean_effect(rows[0] - rows[1])


def method_difference(table: pd.DataFrame, method: str, metric: str) -> Effect:
    """SpaCE-VAE (β = 10) − another method, scene by scene.

    Args:
        table: the page's table `spacevae-earlier`.
        method: the other method.
        metric: `"agreed"`, 1 if the kept image has the class of the image, or `"removed"`, the share of its brightness.
    """
    own = table[table["training"] == "beta-10"].set_index("image")[metric]
    return mean_effect(own - table[table["method"] == method].set_index("image")[metric])
