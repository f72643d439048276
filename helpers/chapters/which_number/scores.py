"""The stored tables that the chapter reads, and the metrics that stand for the two truths."""

from __future__ import annotations

import pandas as pd

from helpers.benchmark.registry import find_metric
from helpers.results import read_table

PROFILE, TABLE = "benchmark-scenes", "benchmark"
"""The stored scores that the chapter reads."""

WHERE, USED = "rank-accuracy", "rendered-deletion"
"""The metrics that stand for the two truths: where the object is, and what the classifier used."""


def read_scores(profile: str = PROFILE) -> pd.DataFrame:
    """The stored scores: one row per method or control and scene, a column per metric.

    Args:
        profile: another one of the benchmark.
    """
    return read_table(profile, TABLE)


def read_clusters() -> pd.DataFrame:
    """The stored places and clusters: one row per metric and method (`helpers.benchmark.clusters.cluster_table`)."""
    return read_table(PROFILE, "benchmark-clusters")


def goodness(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric with the sign by which higher is better: one row per scene, one column per method.

    Args:
        scores: from `read_scores`.
        metric: its name.

    Raises:
        ValueError: there is no such metric.
    """
    sign = 1 if find_metric(metric).higher else -1
    return sign * scores.pivot(index="image", columns="method", values=metric)[scores["method"].unique()]
