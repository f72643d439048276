"""Quantities of Figures 1, 4 and 5 and of Table 1, from the table `space-vae-sparsity`.

Its rows are means over images. A network and a competitor are compared over the competitor's images, of which there are
fewer; all differences take their means as independent, which is cautious (see `rows.difference`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect
from helpers.papers.spacevae.measures.rows import (
    at_sparsity,
    chosen_row,
    difference,
    on_test_images,
    one_row,
    score,
    training_row,
)


def flip_share(table: pd.DataFrame, method: str) -> Effect:
    """The share of images that lose their class when all entries with a negative attribution turn black (σ = 0)."""
    return score(one_row(on_test_images(table), method=method, threshold=0.0), "agreement").linear(-1.0, 1.0)


def flip_difference(table: pd.DataFrame, method: str, training: str) -> Effect:
    """`flip_share` of an attribution method − the share of images that lose their class in a network's kept image."""
    return difference(flip_share(table, method), score(training_row(table, training), "agreement").linear(-1.0, 1.0))


def competitor_at(
    table: pd.DataFrame, method: str, norm: str, sparsity: float | int, metric: str = "accuracy"
) -> Effect:
    """A competitor's metric at a sparsity in per cent, interpolated between its thresholds."""
    return at_sparsity(table, method, norm, sparsity, metric)


def competitors_at(table: pd.DataFrame, first: str, second: str, norm: str, sparsity: float | int) -> Effect:
    """The accuracy of one competitor − that of another at the same sparsity in per cent."""
    return difference(at_sparsity(table, first, norm, sparsity), at_sparsity(table, second, norm, sparsity))


def network_minus(table: pd.DataFrame, training: str, method: str, norm: str, metric: str) -> Effect:
    """A network's metric − that of a competitor or a control at the same sparsity, the network's own."""
    own = training_row(table, training)
    return difference(score(own, metric), at_sparsity(table, method, norm, own[norm], metric))


def network_minus_chosen(table: pd.DataFrame, training: str, method: str, metric: str = "accuracy") -> Effect:
    """A network's metric − a competitor's at its threshold of Table 1: the largest one with an L0 below 10 %."""
    return difference(score(training_row(table, training), metric), competitor_score(table, method, metric))


def competitor_score(table: pd.DataFrame, method: str, metric: str = "accuracy") -> Effect:
    """A competitor's metric at its threshold of Table 1.

    Raises:
        ValueError: no threshold has an L0 sparsity below 10 %.
    """
    row = chosen_row(table, method)
    if row is None:
        raise ValueError(f"no threshold of {method!r} has an L0 sparsity below 10 %, so Table 1 has no row for it")
    return score(row, metric)


def competitor_difference(table: pd.DataFrame, first: str, second: str, metric: str = "agreement") -> Effect:
    """A competitor's metric − another's, each at its threshold of Table 1."""
    return difference(competitor_score(table, first, metric), competitor_score(table, second, metric))


def network_score(table: pd.DataFrame, training: str, metric: str) -> Effect:
    """A metric of a network's kept images."""
    return score(training_row(table, training), metric)


def network_difference(table: pd.DataFrame, first: str, second: str, metric: str) -> Effect:
    """A metric of one network's kept images − that of another's."""
    return difference(network_score(table, first, metric), network_score(table, second, metric))


def original_score(table: pd.DataFrame, metric: str = "accuracy") -> Effect:
    """A metric of the original images."""
    return score(one_row(on_test_images(table), method="original"), metric)


def confidence_change(table: pd.DataFrame, training: str) -> Effect:
    """The mean confidence in the class of the original image: of the kept image − of the original."""
    return difference(network_score(table, training, "confidence"), original_score(table, "confidence"))


def dimmed_more_than_blackened(table: pd.DataFrame, training: str) -> Effect:
    """L1 − L0 sparsity in percentage points: the brightness removed without turning pixel values black."""
    row = training_row(table, training)
    return difference(score(row, "l1"), score(row, "l0"))


def split_score(table: pd.DataFrame, split: str, training: str, metric: str) -> Effect:
    """A metric of a network's kept images of another split.

    Args:
        table: the table `sparsity`.
        split: `"train"`, or `"mistakes"`: the test images that the classifier gets wrong.
        training: the network.
        metric: the metric.
    """
    return score(one_row(table, split=split, training=training), metric)


def cost_ratio(table: pd.DataFrame, method: str, other: str) -> Effect:
    """The seconds of one method per image as a factor of another's: the geometric mean over images.

    Args:
        table: the table `costs`.
        method, other: names in its column `method`.
    """
    seconds = table.pivot(index="image", columns="method", values="seconds")
    return mean_effect(np.log(seconds[method] / seconds[other])).exponential()
