"""Table 4 of "What You See is What You Classify": precision, recall and F score, with intervals over images."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import torch

from helpers.core.statistics import Effect, statistic_effect
from helpers.metrics import micro_scores
from helpers.papers.explainer.experiments import published_decisions
from helpers.papers.explainer.figures.names import PAPER_NAMES
from helpers.reporting.claims import Claim
from helpers.reporting.mean_table import effects_in_words

SCORES = ("precision", "recall", "f_score")
COUNTS = ["true_positives", "false_positives", "true_negatives", "false_negatives"]
TITLES = {"plain": "plain", "true classes": "masked, true classes", "named classes": "masked, predicted classes"}


def micro_effects(counts: pd.DataFrame) -> dict[str, Effect]:
    """Precision, recall and F score over all decisions, each with its jackknife interval over images.

    Args:
        counts: one row per image, with the columns `COUNTS`.
    """
    decisions = counts[COUNTS].to_numpy(float)
    return {name: statistic_effect(decisions, partial(_score, name=name, images=len(decisions))) for name in SCORES}


def table_four(table: pd.DataFrame, variant: str = "corrected") -> pd.DataFrame:
    """One row per pair and input at the paper's two thresholds: our values with intervals, and the paper's.

    Plain images are judged at the higher threshold (0), masked ones at the lower (-1).
    """
    theirs = published_decisions().set_index(["dataset", "classifier", "input"])
    rows = []
    for (dataset, classifier), pair in table[table["variant"] == variant].groupby(
        ["dataset", "classifier"], sort=False
    ):
        for given, title in TITLES.items():
            effects = micro_effects(_at(pair, given))
            row = {**_names(dataset, classifier), "input": title}
            for name in SCORES:
                known = (dataset, classifier, given) in theirs.index
                paper = float(theirs.loc[(dataset, classifier, given), name]) if known else float("nan")
                row |= {name: effects[name], f"{name}, paper": paper}
            rows.append(row)
    return effects_in_words(pd.DataFrame(rows))


def compare_thresholds(table: pd.DataFrame, variant: str = "corrected") -> pd.DataFrame:
    """The F score of plain and masked images at both thresholds."""
    rows = []
    for (dataset, classifier), pair in table[table["variant"] == variant].groupby(
        ["dataset", "classifier"], sort=False
    ):
        for given, title in TITLES.items():
            row = {**_names(dataset, classifier), "input": title}
            for threshold, counts in pair[pair["input"] == given].groupby("threshold", sort=True):
                row[f"F at {threshold:g}"] = micro_effects(counts)["f_score"]
            rows.append(row)
    return effects_in_words(pd.DataFrame(rows))


def variant_change(table: pd.DataFrame) -> pd.DataFrame:
    """The F score of masked images whose hidden pixels are black (corrected) or the mean colour (published)."""
    rows = []
    for (dataset, classifier, given), inputs in table[table["input"] != "plain"].groupby(
        ["dataset", "classifier", "input"], sort=False
    ):
        row = {**_names(dataset, classifier), "input": TITLES[str(given)]}
        for variant, counts in inputs.groupby("variant", sort=False):
            row[str(variant)] = micro_effects(_at(counts, str(given)))["f_score"]
        rows.append(row)
    return effects_in_words(pd.DataFrame(rows))


def decision_claims(table: pd.DataFrame) -> list[Claim]:
    """Supplement B: masks do not "significantly affect" the scores, here by less than five points."""
    rows = table[table["variant"] == "corrected"]
    masked_for = {"true classes": "the true classes", "named classes": "the predicted classes"}
    return [
        Claim(
            f"the F score on images masked for {words} is less than five points below that on plain images",
            "F score, masked − plain, all datasets and classifiers together",
            _difference(rows, given),
            1,
            null=-0.05,
        )
        for given, words in masked_for.items()
    ]


def _names(dataset: str, classifier: str) -> dict[str, str]:
    """The paper's names of the pair."""
    return {"dataset": PAPER_NAMES[dataset], "classifier": PAPER_NAMES[classifier]}


def _difference(rows: pd.DataFrame, given: str) -> Effect:
    """The paired difference of the F scores, masked minus plain; an image shown to two classifiers is one unit."""
    unit = ["dataset", "image"]
    both = [_at(rows, name).groupby(unit)[COUNTS].sum().to_numpy(float) for name in (given, "plain")]
    decisions = np.concatenate(both, 1)
    images = len(decisions)
    score = partial(_score, name="f_score", images=images)
    return statistic_effect(decisions, lambda means: score(means[..., :4]) - score(means[..., 4:]))


def _score(means: np.ndarray, name: str, images: int) -> np.ndarray:
    """A score from mean counts over all images or all but one: (..., 4) to (...)."""
    whole = np.rint(means * images * (images - 1 or 1))  # a multiple of the sums, whose ratios are the same
    return micro_scores(torch.as_tensor(whole).long())[name].double().numpy()


def _at(rows: pd.DataFrame, given: str) -> pd.DataFrame:
    """The rows of one input at its own threshold: the highest for plain images, the lowest for masked ones."""
    threshold = rows["threshold"].max() if given == "plain" else rows["threshold"].min()
    return rows[(rows["input"] == given) & (rows["threshold"] == threshold)]
