"""Decisions about many classes at once: micro-averaged precision, recall and F score (Table 4, supplement B)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torchmetrics.functional.classification import multilabel_stat_scores

PLAIN_THRESHOLD = 0.0
MASKED_THRESHOLD = -1.0
"""A logit above this counts as "yes" on a masked image: "masked images result in overall lower logits" (Table 4)."""


def decision_counts(
    logits: Float[Tensor, "batch classes"], labels: Bool[Tensor, "batch classes"], threshold: float | int = 0.0
) -> Int[Tensor, " 4"]:
    """The decisions "logit > threshold" against the labels: true and false yes, true and false no, over all classes.

    Counts of several batches may be added.

    Args:
        logits: of a multi-label classifier.
        labels: which classes each image shows.
        threshold: of the logits: 0 is a probability of one half.
    """
    # decisions, not scores, are handed over: torchmetrics would guess from the values whether scores are logits
    found = multilabel_stat_scores((logits > threshold).int(), labels.int(), labels.shape[1], average="micro")
    return found[:4].long()


def micro_scores(counts: Int[Tensor, "*batch 4"]) -> dict[str, Float[Tensor, "*batch"]]:
    """Precision, recall and F score in [0, 1] of such counts; 0 where there is nothing to divide by.

    Args:
        counts: as `decision_counts` returns, added over batches; a batch of them serves a bootstrap.
    """
    true_yes, false_yes, _, false_no = counts.double().unbind(-1)
    parts = {
        "precision": (true_yes, true_yes + false_yes),
        "recall": (true_yes, true_yes + false_no),
        "f_score": (2 * true_yes, 2 * true_yes + false_yes + false_no),
    }
    return {
        name: torch.where(whole > 0, part / whole.clamp_min(1), 0.0).float() for name, (part, whole) in parts.items()
    }
