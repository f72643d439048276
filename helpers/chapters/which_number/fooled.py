"""Which metrics are fooled: a control that knows nothing is put above methods that the truth puts above it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.benchmark.clusters import decided_pairs
from helpers.benchmark.report import DECIDING, verdicts
from helpers.chapters.which_number.scores import USED, WHERE, goodness
from helpers.core.statistics import Effect


def decided_table(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Whether the method of the row is decided to be better than that of the column, by a metric.

    Args:
        scores: from `read_scores`.
        metric: its name.
    """
    values = goodness(scores, metric)
    return pd.DataFrame(decided_pairs(values.to_numpy()), index=list(values), columns=list(values))


def fooled_counts(scores: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """For each metric and control: how many methods it puts below the control although both truths put them above it.

    All three are decided differences over the scenes. "where" and "used" must agree, so that a method is not counted
    because of one of them alone.

    Args:
        scores: from `read_scores`.
        metrics: their names.

    Returns:
        One row per metric, one column per control.
    """
    controls = list(scores.loc[scores["control"], "method"].unique())
    methods = list(scores.loc[~scores["control"], "method"].unique())
    truly = [decided_table(scores, truth).loc[methods, controls] for truth in (WHERE, USED)]
    above = truly[0] & truly[1]  # methods, controls
    rows = {}
    for metric in metrics:
        put_below = decided_table(scores, metric).loc[controls, methods].T
        rows[metric] = (put_below & above).sum()
    return pd.DataFrame(rows).T[controls]


def report_cards(scores: pd.DataFrame, examination: pd.DataFrame, predicted: pd.DataFrame) -> pd.DataFrame:
    """What is known of each metric without truth, in words: one row per metric, the best predictors first.

    Args:
        scores: from `read_scores`.
        examination: the table `metric-examination`.
        predicted: from `predictions`.

    Returns:
        Columns metric, admitted, fails (the deciding tests), fooled by (controls, with the number of methods), predicts
        where and predicts used (Spearman's correlation with its interval over scenes).
    """
    words = verdicts(examination)
    over_scenes = predicted[predicted["over"] == "scenes"].set_index(["metric", "truth"])
    names = over_scenes.groupby("metric")["value"].mean().sort_values(ascending=False).index
    counts = fooled_counts(scores, list(names))
    rows = []
    for name in names:
        failed = [test for test in DECIDING if test in words and words.loc[name, test].startswith("FAIL")]
        fooled = [f"{control} ({count})" for control, count in counts.loc[name].items() if count]
        shown = [
            Effect(row["value"], row["low"], row["high"], int(row["n"])).words(2)
            for row in (over_scenes.loc[(name, truth)] for truth in ("where", "used"))
        ]
        rows.append(
            (name, "yes" if words.loc[name, "admitted"] else "no", ", ".join(failed), ", ".join(fooled), *shown)
        )
    columns = ["metric", "admitted", "fails", "fooled by", "predicts where", "predicts used"]
    return pd.DataFrame(rows, columns=columns)
