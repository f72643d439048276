"""How far metrics agree on methods: with each other, and with the truth that the metric itself does not see."""

from __future__ import annotations

import math

import pandas as pd

from helpers.benchmark.registry import load_metrics
from helpers.chapters.which_number.scores import PROFILE, USED, WHERE
from helpers.core.statistics import Effect
from helpers.results import read_table

_NORMAL = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def read_correlations() -> pd.DataFrame:
    """The stored agreement of all pairs of metrics over the methods, without the controls.

    Controls are made to be worse, so that with them all metrics would agree.
    """
    table = read_table(PROFILE, "benchmark-correlations")
    return table[~table["controls"]]


def agreement_matrix(correlations: pd.DataFrame) -> pd.DataFrame:
    """Spearman's correlations as a symmetric matrix.

    Args:
        correlations: from `read_correlations`.
    """
    names = list(dict.fromkeys([*correlations["metric"], *correlations["other"]]))
    matrix = pd.DataFrame(1.0, index=names, columns=names)
    for row in correlations.itertuples():
        matrix.loc[row.metric, row.other] = matrix.loc[row.other, row.metric] = row.correlation
    return matrix


def correlation_interval(r: float, count: int) -> Effect:
    """Spearman's correlation over some pairs, with the interval for other pairs.

    The interval is that of Bonett and Wright (Psychometrika 65, 2000): Fisher's z has the variance (1 + r²/2)/(n − 3).

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


def predictions(correlations: pd.DataFrame) -> pd.DataFrame:
    """How well each metric that needs no truth predicts the order of methods by each of the two truths.

    Args:
        correlations: from `read_correlations`.

    Returns:
        One row per metric, truth and kind of interval: metric, truth ("where", "used"), over ("scenes": for these
        methods on other scenes; "methods": for other methods on these scenes), value, low, high, n.
    """
    known, rows = load_metrics(), []
    for truth, metric in (("where", WHERE), ("used", USED)):
        for row in correlations.itertuples():
            names = {row.metric, row.other} - {metric}
            if len(names) == 1 and known[name := names.pop()].truth == "none":
                value, methods = float(row.correlation), int(row.methods)
                over = correlation_interval(value, methods)
                rows.append((name, truth, "scenes", value, row.low, row.high, row.n))
                rows.append((name, truth, "methods", value, over.low, over.high, methods))
    return pd.DataFrame(rows, columns=["metric", "truth", "over", "value", "low", "high", "n"])
