"""Multi-label decisions: micro-averaged precision, recall and F score (Table 4, supplement B)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from helpers.core.inputs import as_tensor
from helpers.core.mask_inputs import checked_booleans, checked_masks

PLAIN_THRESHOLD = 0.0
"""The threshold of the logits on images: a probability of one half."""

MASKED_THRESHOLD = -1.0
"""The threshold on masked images: "masked images result in overall lower logits" (Table 4)."""


def decision_counts(
    logits: Shaped[Tensor, "batch classes"], labels: Shaped[Tensor, "batch classes"], threshold: float | int = 0.0
) -> Int[Tensor, "batch 4"]:
    """True positives, false positives, true negatives and false negatives of the decisions "logit > threshold".

    Sum them over images for `micro_scores`.

    Args:
        logits: of a multi-label classifier.
        labels: the classes of each image.
        threshold: of the logits.

    Raises:
        TypeError, ValueError: logits or labels have a wrong shape or type, or values that are not finite.
    """
    logits = checked_masks(logits, ("batch", "classes"), name="logits", values="any")
    positive, labels = logits > threshold, checked_booleans(labels, logits.shape, name="labels", device=logits.device)
    decisions = torch.stack([positive & labels, positive & ~labels, ~positive & ~labels, ~positive & labels], 1)
    return decisions.sum(2)  # (batch, 4, classes) -> (batch, 4)


def micro_scores(counts: Int[Tensor, "*batch 4"]) -> dict[str, Float[Tensor, "*batch"]]:
    """Precision, recall and F score, in [0, 1]; 0 where the denominator is 0.

    Args:
        counts: from `decision_counts`, summed over images; several rows for a bootstrap.

    Raises:
        TypeError, ValueError: counts have a wrong shape or type, or are negative.
    """
    counts = as_tensor(counts, "counts")
    counts = checked_masks(counts, (*counts.shape[:-1], 4), name="counts", values="positive")
    true_positives, false_positives, _, false_negatives = counts.double().unbind(-1)
    fractions = {
        "precision": (true_positives, true_positives + false_positives),
        "recall": (true_positives, true_positives + false_negatives),
        "f_score": (2 * true_positives, 2 * true_positives + false_positives + false_negatives),
    }
    return {
        name: torch.where(denominator > 0, numerator / denominator.clamp_min(1), 0.0).float()
        for name, (numerator, denominator) in fractions.items()
    }
