"""How far metrics agree on methods: with each other, and with the truth that the metric itself does not see."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from helpers.benchmark.agreement import spearman
from helpers.benchmark.registry import load_metrics
from helpers.chapters.which_number.standings import USED, WHERE, goodness
from helpers.core.statistics import Effect, bootstrap, draw_images

_NORMAL = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def real_methods(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of methods: controls are made to be worse, so that with them all metrics would agree."""
    return scores[~scores["control"]]


def agreement_matrix(scores: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Spearman's correlation of two metrics over the methods' mean scores, each signed so that higher is better.

    Args:
        scores: from `read_scores`.
        metrics: their names.
    """
    methods = real_methods(scores)
    means = np.stack([goodness(methods, metric).mean().to_numpy() for metric in metrics])  # metrics, methods
    return pd.DataFrame(spearman(means[:, None], means[None]), index=list(metrics), columns=list(metrics))


def agreement_over_scenes(scores: pd.DataFrame, first: str, second: str) -> Effect:
    """Spearman's correlation of two metrics over the methods' mean scores, for these methods on other scenes.

    The interval is a percentile bootstrap over scenes.

    Args:
        scores: from `read_scores`.
        first, second: two metrics.
    """
    methods = real_methods(scores)
    values = pd.concat([goodness(methods, first), goodness(methods, second)], axis=1).dropna().to_numpy()
    count = values.shape[1] // 2

    def correlation(means: Float[np.ndarray, "*samples columns"]) -> np.ndarray:
        return np.asarray(spearman(means[..., :count], means[..., count:]))

    return bootstrap(values, correlation, draw_images(len(values)))


def agreement_over_methods(scores: pd.DataFrame, first: str, second: str) -> Effect:
    """The same correlation, for other methods on these scenes.

    The interval is that of Bonett and Wright (Psychometrika 65, 2000): Fisher's z has the variance (1 + r²/2)/(n − 3).

    Args:
        scores: from `read_scores`.
        first, second: two metrics.
    """
    r = float(agreement_matrix(scores, [first, second]).iloc[0, 1])
    count = real_methods(scores)["method"].nunique()
    return correlation_interval(r, count)


def correlation_interval(r: float, count: int) -> Effect:
    """Spearman's correlation with the interval of Bonett and Wright.

    Args:
        r: the correlation.
        count: of the pairs; at least 4, for an interval.
    """
    if count < 4:
        return Effect(r, math.nan, math.nan, count)
    if abs(r) == 1:
        return Effect(r, r, r, count)
    margin = _NORMAL * math.sqrt((1 + r**2 / 2) / (count - 3))
    return Effect(r, math.tanh(math.atanh(r) - margin), math.tanh(math.atanh(r) + margin), count)


def predictions(scores: pd.DataFrame) -> pd.DataFrame:
    """How well each metric that needs no truth predicts the order of methods by each of the two truths.

    Args:
        scores: from `read_scores`.

    Returns:
        One row per metric and truth: metric, truth ("where", "used"), over ("scenes", "methods"), value, low, high, n.
    """
    rows = []
    for name, entry in load_metrics().items():
        if entry.truth != "none" or name not in scores:
            continue
        for truth, metric in (("where", WHERE), ("used", USED)):
            for over, estimate in (("scenes", agreement_over_scenes), ("methods", agreement_over_methods)):
                effect = estimate(scores, name, metric)
                rows.append((name, truth, over, effect.value, effect.low, effect.high, effect.count))
    return pd.DataFrame(rows, columns=["metric", "truth", "over", "value", "low", "high", "n"])
