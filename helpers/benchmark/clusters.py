"""From scores to what can be told: means with intervals, places, clusters of methods, agreement of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from helpers.benchmark.agreement import spearman
from helpers.benchmark.registry import load_metrics
from helpers.core.statistics import bootstrap, draw_images, holm, mean_effect

DECIDED = 0.05
"""The p-value, corrected for all pairs of methods (Holm), below which two methods can be told apart."""

_DECIMALS = 5


def cluster_table(table: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """The methods by mean score with intervals, the places that they may have, and the clusters that can be told apart.

    Two methods are compared on the images that both explain, by their paired differences. A method's best place is one
    more than the number of methods decided to be better, its worst place that of those not decided to be worse. A
    cluster ends where every method above is decided to be better than every method below.

    Args:
        table: one row per method and image, as the table `benchmark`.
        metrics: registered ones, whose direction counts.

    Returns:
        One row per metric and method, the best mean first: metric, method, control, n (images), mean, low, high (95 %
        bootstrap interval over images), best_place, worst_place, cluster (from 1).
    """
    return pd.concat([_clusters(table, metric) for metric in metrics], ignore_index=True)


def decided_pairs(scores: Float[np.ndarray, "images methods"]) -> Bool[np.ndarray, "methods methods"]:
    """Whether each method (row) is decided to be better than each other one (column).

    Args:
        scores: higher is better; nan where a method does not explain an image.
    """
    methods = scores.shape[1]
    pairs = list(combinations(range(methods), 2))
    effects = [mean_effect(scores[:, first] - scores[:, second]) for first, second in pairs]
    better = np.zeros((methods, methods), dtype=bool)
    for (first, second), effect, p in zip(pairs, effects, holm([e.p_value() for e in effects]), strict=True):
        if p < DECIDED:
            better[(first, second) if effect.value > 0 else (second, first)] = True
    return better


def clusters(better: Bool[np.ndarray, "methods methods"]) -> list[int]:
    """The cluster of each method, from 1, in the order given: best mean first.

    Args:
        better: the result of `decided_pairs` in this order.
    """
    found, current = [], 1
    for place in range(len(better)):
        current += int(place > 0 and bool(better[:place, place:].all()))
        found.append(current)
    return found


def metric_correlations(
    table: pd.DataFrame, metrics: Sequence[str], *, controls: bool = True, resamples: int = 1000
) -> pd.DataFrame:
    """How far two metrics order the methods alike: Spearman's correlation of the methods' means.

    Means are over the images on which both metrics have a score of every method, which are resampled for the interval:
    it says how the correlation of *these* methods varies with the images, not with the choice of methods.

    Args:
        table: one row per method and image.
        metrics: registered ones; the sign of those of which lower is better is changed.
        controls: whether controls are among the methods.
        resamples: of the images.

    Returns:
        One row per pair of metrics: metric, other, correlation, low, high, methods, n (images).
    """
    rows = table if controls else table[~table["control"]]
    wide, found = {metric: _wide(rows, metric) for metric in metrics}, []
    methods = rows["method"].nunique()
    for first, second in combinations(metrics, 2):
        both = pd.concat([wide[first], wide[second]], axis=1, join="inner").dropna()

        def correlation(means: np.ndarray) -> np.ndarray:
            halves = means.reshape(*means.shape[:-1], 2, methods)
            return np.asarray(spearman(halves[..., 0, :], halves[..., 1, :]))

        draws = draw_images(max(1, len(both)), resamples=resamples)
        effect = bootstrap(both.to_numpy(), correlation, draws)
        numbers = [round(number, _DECIMALS) for number in (effect.value, effect.low, effect.high)]
        found.append((first, second, *numbers, methods, len(both)))
    return pd.DataFrame(found, columns=["metric", "other", "correlation", "low", "high", "methods", "n"])


def _wide(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric's scores, higher is better: one row per image, one column per method."""
    sign = 1 if load_metrics()[metric].higher else -1
    return sign * table.pivot(index="image", columns="method", values=metric)[table["method"].unique()]


def _clusters(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    scores = _wide(table, metric)
    scores = scores[scores.mean().sort_values(ascending=False, kind="stable").index]
    better = decided_pairs(scores.to_numpy())
    sign = 1 if load_metrics()[metric].higher else -1
    rows = []
    for place, (method, cluster) in enumerate(zip(scores, clusters(better), strict=True)):
        known = sign * scores[method].dropna().to_numpy()
        effect = bootstrap(known[:, None], lambda means: means[..., 0], draw_images(max(1, len(known))))
        numbers = [round(number, _DECIMALS) for number in (effect.value, effect.low, effect.high)]
        places = (1 + int(better[:, place].sum()), len(better) - int(better[place].sum()))
        control = bool(table.loc[table["method"] == method, "control"].iloc[0])
        rows.append((metric, method, control, len(known), *numbers, *places, cluster))
    columns = ["metric", "method", "control", "n", "mean", "low", "high", "best_place", "worst_place", "cluster"]
    return pd.DataFrame(rows, columns=columns)
