"""The tables that summarise the benchmark's scores: clusters of methods, agreement of metrics, answers to questions."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.benchmark.clusters import cluster_table, metric_correlations
from helpers.benchmark.questions import answers
from helpers.benchmark.registry import load_metrics


def clusters_of_study(study: Any) -> pd.DataFrame:
    """The methods' means, places and clusters by all metrics of the table `benchmark`; see `cluster_table`."""
    table = study.table("benchmark")
    return cluster_table(table, scored(table))


def correlations_of_study(study: Any) -> pd.DataFrame:
    """The agreement of all pairs of metrics over the methods, without and with the controls.

    Returns:
        The columns of `metric_correlations`, and controls (whether they are among the methods).
    """
    table = study.table("benchmark")
    parts = [
        metric_correlations(table, scored(table), controls=controls).assign(controls=controls)
        for controls in (False, True)
    ]
    return pd.concat(parts, ignore_index=True)


def answers_of_study(study: Any) -> pd.DataFrame:
    """The answers to the questions about the profile's images and classifier; see `answers`."""
    name = study.profile.name
    table = answers({name: study.table("benchmark")})
    return table[table["profile"] == name].reset_index(drop=True)


def scored(table: pd.DataFrame) -> list[str]:
    """The registered metrics that are columns of a table."""
    return [name for name in load_metrics() if name in table]
