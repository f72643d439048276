"""How far a ranking of methods moves with the scenes, the classifier and the size of the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from helpers.benchmark.agreement import spearman
from helpers.chapters.which_number.agreement import correlation_interval
from helpers.chapters.which_number.scores import goodness
from helpers.core.statistics import Effect


def halves(scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scores of every second scene, and of the others.

    Args:
        scores: from `read_scores`.
    """
    even = scores["image"] % 2 == 0
    return scores[even], scores[~even]


def moved(first: pd.DataFrame, second: pd.DataFrame, metric: str) -> Effect:
    """Spearman's correlation of the orders of the methods that two tables have in common, without the controls.

    1 if no method changes its place. The means are over the scenes that all of these methods have in a table. The
    interval is that for other methods.

    Args:
        first, second: from `read_scores`, such as those of two classifiers.
        metric: its name.
    """
    tables = [table[~table["control"]] for table in (first, second)]
    common = [name for name in tables[0]["method"].unique() if name in set(tables[1]["method"])]
    means = [goodness(table, metric)[common].dropna().mean().to_numpy() for table in tables]
    return correlation_interval(float(spearman(*means)), len(common))


def moves_table(pairs: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]], metrics: Sequence[str]) -> pd.DataFrame:
    """What a ranking keeps, in words: one row per change, one column per metric.

    Args:
        pairs: two tables of scores by the words for what is changed between them.
        metrics: their names.
    """
    rows = [
        {"changed": change, "methods": moved(*tables, metrics[0]).count}
        | {metric: moved(*tables, metric).words(2) for metric in metrics}
        for change, tables in pairs.items()
    ]
    return pd.DataFrame(rows)
