"""Decisions about many classes at once: micro-averaged precision, recall and F score (Table 4, supplement B)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

PLAIN_THRESHOLD = 0.0
MASKED_THRESHOLD = -1.0
"""A logit above this counts as "yes" on a masked image: "masked images result in overall lower logits" (Table 4)."""


def decision_counts(
    logits: Float[Tensor, "batch classes"], labels: Bool[Tensor, "batch classes"], threshold: float | int = 0.0
) -> Int[Tensor, "batch 4"]:
    """The decisions "logit > threshold" of each image against its labels: true yes, false yes, true no, false no.

    Add them up over images for the scores of a whole dataset.

    Args:
        logits: of a multi-label classifier.
        labels: which classes each image shows.
        threshold: of the logits: 0 is a probability of one half.
    """
    yes = logits > threshold
    decisions = (yes & labels, yes & ~labels, ~yes & ~labels, ~yes & labels)
    return torch.stack([decision.sum(1) for decision in decisions], 1)


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
