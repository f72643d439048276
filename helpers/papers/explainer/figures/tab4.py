"""Table 4 of "What You See is What You Classify": precision, recall and F score, with intervals over images."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from helpers.core.statistics import Effect, statistic_effect
from helpers.papers.explainer.experiments import published_decisions
from helpers.papers.explainer.figures.names import PAPER_NAMES
from helpers.papers.explainer.measures.decisions import COUNTS, micro_score
from helpers.reporting.mean_table import effects_in_words

SCORES = ("precision", "recall", "f_score")
TITLES = {"plain": "plain", "true classes": "masked, true classes", "named classes": "masked, predicted classes"}


def micro_effects(counts: pd.DataFrame) -> dict[str, Effect]:
    """Precision, recall and F score over all decisions, each with its interval over images.

    Args:
        counts: one row per image, with the columns `COUNTS`.
    """
    decisions = counts[COUNTS].to_numpy(float)
    return {name: statistic_effect(decisions, partial(micro_score, score=name), limits=(0, 1)) for name in SCORES}


def table_four(table: pd.DataFrame, names: Mapping[str, str] = PAPER_NAMES, variant: str = "corrected") -> pd.DataFrame:
    """One row per pair and input at the paper's two thresholds: our values with intervals, and the paper's.

    Plain images are judged at the higher threshold (0), masked ones at the lower (-1).

    Args:
        table: `explainer-multilabel-scores` of all pairs.
        names: the displayed names of datasets and classifiers.
        variant: of the hidden pixels.
    """
    theirs = published_decisions().set_index(["dataset", "classifier", "input"])
    rows = []
    for (dataset, classifier), pair in table[table["variant"] == variant].groupby(
        ["dataset", "classifier"], sort=False
    ):
        for given, title in TITLES.items():
            effects = micro_effects(_at(pair, given))
            row: dict[str, Any] = {**_names(dataset, classifier, names), "input": title}
            for name in SCORES:
                known = (dataset, classifier, given) in theirs.index
                paper = float(theirs.loc[(dataset, classifier, given), name]) if known else float("nan")
                row |= {name: effects[name], f"{name}, paper": paper}
            rows.append(row)
    return effects_in_words(pd.DataFrame(rows))


def compare_thresholds(
    table: pd.DataFrame, names: Mapping[str, str] = PAPER_NAMES, variant: str = "corrected"
) -> pd.DataFrame:
    """The F score of plain and masked images at both thresholds."""
    rows = []
    for (dataset, classifier), pair in table[table["variant"] == variant].groupby(
        ["dataset", "classifier"], sort=False
    ):
        for given, title in TITLES.items():
            row: dict[str, Any] = {**_names(dataset, classifier, names), "input": title}
            for threshold, counts in pair[pair["input"] == given].groupby("threshold", sort=True):
                row[f"F at {threshold:g}"] = micro_effects(counts)["f_score"]
            rows.append(row)
    return effects_in_words(pd.DataFrame(rows))


def variant_change(table: pd.DataFrame, names: Mapping[str, str] = PAPER_NAMES) -> pd.DataFrame:
    """The F score of masked images whose hidden pixels are black (corrected) or the mean colour (published)."""
    rows = []
    for (dataset, classifier, given), inputs in table[table["input"] != "plain"].groupby(
        ["dataset", "classifier", "input"], sort=False
    ):
        row: dict[str, Any] = {**_names(dataset, classifier, names), "input": TITLES[str(given)]}
        for variant, counts in inputs.groupby("variant", sort=False):
            row[str(variant)] = micro_effects(_at(counts, str(given)))["f_score"]
        rows.append(row)
    return effects_in_words(pd.DataFrame(rows))


def _names(dataset: str, classifier: str, names: Mapping[str, str]) -> dict[str, str]:
    """The displayed names of the pair."""
    return {"images": names[dataset], "classifier": names[classifier]}


def _at(rows: pd.DataFrame, given: str) -> pd.DataFrame:
    """The rows of one input at its own threshold: the highest for plain images, the lowest for masked ones."""
    threshold = rows["threshold"].max() if given == "plain" else rows["threshold"].min()
    return rows[(rows["input"] == given) & (rows["threshold"] == threshold)]
