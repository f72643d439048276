"""Quantities of Table 4: decisions on whole and on masked images, for one pair (appendix B).

Scores are micro-averaged: over all decisions of all images together. Their standard errors come from leaving out one
image at a time.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float

from helpers.core.statistics import Effect, statistic_effect

COUNTS = ["true_positives", "false_positives", "true_negatives", "false_negatives"]
PLAIN_THRESHOLD, MASKED_THRESHOLD = 0.0, -1.0
"""The paper's thresholds of the logits: plain images are judged at the higher one."""


def masked_change(
    table: pd.DataFrame,
    dataset: str,
    classifier: str,
    score: str,
    masked: str = "true classes",
    threshold: float = MASKED_THRESHOLD,
) -> Effect:
    """A score on masked images − the same on plain images.

    Args:
        table: `explainer-multilabel-scores` of all pairs.
        dataset, classifier: the pair.
        score: "precision", "recall" or "f_score".
        masked: the classes whose masks are merged: "true classes" or "named classes".
        threshold: of the masked images' logits; plain images are judged at 0.
    """
    rows = _pair(table, dataset, classifier)
    return _difference(_counts(rows, masked, threshold), _counts(rows, "plain", PLAIN_THRESHOLD), score)


def label_leakage(table: pd.DataFrame, dataset: str, classifier: str) -> Effect:
    """The F score under the masks of the true classes − under those of the classes that the classifier predicts."""
    rows = _pair(table, dataset, classifier)
    true, named = (_counts(rows, name, MASKED_THRESHOLD) for name in ("true classes", "named classes"))
    return _difference(true, named, "f_score")


def classifier_difference(table: pd.DataFrame, dataset: str, first: str, second: str) -> Effect:
    """The F score on whole images: second classifier − first, on the same images."""
    before, after = (_counts(_pair(table, dataset, name), "plain", PLAIN_THRESHOLD) for name in (first, second))
    return _difference(after, before, "f_score")


def micro_score(means: Float[np.ndarray, "*samples 4"], score: str) -> Float[np.ndarray, "*samples"]:
    """A score from mean counts per image, in the order of `COUNTS`.

    Raises:
        ValueError: there is no such score.
    """
    found, wrong, _, missed = np.moveaxis(means, -1, 0)
    if score == "precision":
        return np.asarray(found / (found + wrong))
    if score == "recall":
        return np.asarray(found / (found + missed))
    if score == "f_score":
        return np.asarray(2 * found / (2 * found + wrong + missed))
    raise ValueError(f"score {score!r} is not known; use precision, recall or f_score")


def _difference(first: pd.DataFrame, second: pd.DataFrame, score: str) -> Effect:
    """The score of the first counts − that of the second, paired by image."""
    both = np.concatenate([first.to_numpy(float), second.reindex(first.index).to_numpy(float)], axis=1)

    def difference(means: np.ndarray) -> np.ndarray:
        return np.asarray(micro_score(means[..., :4], score) - micro_score(means[..., 4:], score))

    return statistic_effect(both, difference, limits=(-1, 1))


def _pair(table: pd.DataFrame, dataset: str, classifier: str) -> pd.DataFrame:
    chosen = (table["variant"] == "corrected") & (table["dataset"] == dataset) & (table["classifier"] == classifier)
    return table[chosen]


def _counts(rows: pd.DataFrame, given: str, threshold: float) -> pd.DataFrame:
    """The counts of one input at one threshold, one row per image."""
    return rows[(rows["input"] == given) & (rows["threshold"] == threshold)].set_index("image")[COUNTS]
