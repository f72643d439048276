"""The scores of all methods, and which of them they can tell apart: places with intervals, and clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from helpers.benchmark.registry import find_metric
from helpers.core.statistics import LEVEL, holm, mean_effect
from helpers.core.statistics.means import mean_p_values
from helpers.results import read_table

PROFILE, TABLE = "benchmark", "benchmark-scores"
"""The stored table that the chapter reads."""

WHERE, USED = "rank-accuracy", "rendered-deletion"
"""The metrics that stand for the two truths: where the object is, and what the classifier used."""


def read_scores() -> pd.DataFrame:
    """The stored scores: one row per method or control and scene, a column per metric."""
    return read_table(PROFILE, TABLE)


def goodness(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric with the sign by which higher is better: one row per scene, one column per method.

    Scenes for which the metric is not defined are left out.

    Args:
        scores: from `read_scores`.
        metric: its name.

    Raises:
        ValueError: there is no such metric.
    """
    sign = 1 if find_metric(metric).higher else -1
    methods = list(scores["method"].unique())
    return sign * scores.pivot(index="image", columns="method", values=metric)[methods].dropna()


def decided_pairs(values: Float[np.ndarray, "images methods"]) -> Bool[np.ndarray, "methods methods"]:
    """Whether the method of the row is decided to be better than that of the column.

    Paired differences over the images, corrected for the number of pairs (Holm), so that in 95 of 100 studies no pair
    is decided wrongly.

    Args:
        values: higher is better, without nan.
    """
    count = values.shape[1]
    first, second = np.triu_indices(count, 1)
    differences = (values[:, first] - values[:, second]).T  # pairs, images
    means = differences.mean(1)
    decided = holm(mean_p_values(differences)) < 1 - LEVEL
    better = np.zeros((count, count), bool)
    better[first, second] = decided & (means > 0)
    better[second, first] = decided & (means < 0)
    return better


def clusters(order: Int[np.ndarray, " methods"], better: Bool[np.ndarray, "methods methods"]) -> list[int]:
    """The cluster of each method, 1 for the best.

    Clusters are the runs of methods, from the best mean to the worst, between two cuts. A cut is where each method
    above is decided to be better than each method below.

    Args:
        order: the methods from the best mean to the worst.
        better: from `decided_pairs`.
    """
    ordered = better[np.ix_(order, order)]
    found = np.ones(len(order), int)
    for cut in range(1, len(order)):
        found[order[cut]] = found[order[cut - 1]] + int(ordered[:cut, cut:].all())
    return found.tolist()


def standings(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """What the scores tell of each method's place by one metric, from the best mean to the worst.

    Args:
        scores: from `read_scores`.
        metric: its name.

    Returns:
        Columns method, control, value (the mean, as the metric has it), low, high (95 %, of this method alone), first
        and last (the places that are left to it, by the pairs that are decided), cluster (see `clusters`).
    """
    values = goodness(scores, metric)
    better = decided_pairs(values.to_numpy())
    order = np.argsort(-values.mean().to_numpy(), kind="stable")
    own = scores[scores["image"].isin(values.index)].groupby("method")
    effects = [mean_effect(own.get_group(name)[metric]) for name in values]
    control = own["control"].first()
    table = pd.DataFrame(
        {
            "method": list(values),
            "control": [bool(control[name]) for name in values],
            "value": [effect.value for effect in effects],
            "low": [effect.low for effect in effects],
            "high": [effect.high for effect in effects],
            "first": 1 + better.sum(0),
            "last": len(better) - better.sum(1),
            "cluster": clusters(order, better),
        }
    )
    return table.iloc[order].reset_index(drop=True)


def simulated_places(
    methods: int, images: int, *, studies: int = 1000, spread: float | int = 1.0, seed: int = 0
) -> Int[np.ndarray, "studies methods"]:
    """The places that made-up methods get in many studies; method 0 is truly the best, the next one second, and so on.

    Args:
        methods: how many, at even distances.
        images: of each study.
        studies: repetitions with other images.
        spread: from the worst to the best true mean, in standard deviations of a method's score over images.
        seed: of the noise.

    Returns:
        Places from 1, for the best mean.
    """
    truth = spread * np.linspace(1, 0, methods)
    generator = np.random.default_rng(seed)
    means = truth + generator.normal(size=(studies, methods)) / np.sqrt(images)  # studies, methods
    return 1 + (-means).argsort(1).argsort(1)


def place_intervals(places: Int[np.ndarray, "studies methods"]) -> Float[np.ndarray, "methods 2"]:
    """The places between which each method is found in 95 % of the studies."""
    return np.quantile(places, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).T
