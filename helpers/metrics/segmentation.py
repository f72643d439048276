"""Masks against the objects of an image: Table 2 of "What You See is What You Classify" (section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.core.types import Variant
from helpers.metrics.masking import masked_images

F1_THRESHOLDS = (0.25, 0.5, 0.75)
IOU_THRESHOLDS = tuple(step / 10 for step in range(1, 10))
SMALLEST_AREA = 0.05
"""A mask smaller than this is not rewarded further by the saliency score (equation 9)."""

SANITY_COLUMNS = ("0", "0.5", "1", "G.T.")


def sanity_masks(objects: Float[Tensor, "batch height width"]) -> dict[str, Float[Tensor, "batch height width"]]:
    """The masks of Table 2's four columns that no method made: nothing, a half everywhere, all, and the truth."""
    constants = {"0": 0.0, "0.5": 0.5, "1": 1.0}
    return {**{name: torch.full_like(objects, value) for name, value in constants.items()}, "G.T.": objects}


def segmentation_scores(
    masks: Float[Tensor, "batch height width"],
    objects: Float[Tensor, "batch height width"],
    counted: Bool[Tensor, "batch height width"] | None = None,
) -> dict[str, Float[Tensor, " batch"]]:
    """How well a mask covers the objects of its image, one value per image.

    - `accuracy`: the mean of m g + (1 - m)(1 - g); with a binary truth g this is 1 - `mae`;
    - `iou`: Σ min(m, g) / Σ max(m, g);
    - `mae`: the mean of |m - g|;
    - `f1_25`, `f1_50`, `f1_75`: the F1 score of the pixels with m > t, for t = 0.25, 0.5, 0.75;
    - `iou_10` ... `iou_90`: the intersection over union of the pixels with m > t, for t = 0.1 ... 0.9.

    A mask that is empty where the truth is empty too is right: its iou and F1 are 1. An image of which no pixel
    counts has no score: all are nan. A truth between 0 and 1 (a published resizing) enters the first three as it is,
    and as g > 0.5 where the mask is cut at a threshold.

    Args:
        masks: in [0, 1]; of an image with several classes, these merged into one (`merge_classes`).
        objects: the truth, in [0, 1].
        counted: the pixels that count; None for all.
    """
    counts = torch.ones_like(objects, dtype=torch.bool) if counted is None else counted
    mask, truth, weight = masks.flatten(1), objects.flatten(1), counts.flatten(1).to(masks.dtype)
    pixels = weight.sum(1)
    agreed = mask * truth + (1 - mask) * (1 - truth)
    scores = {
        "accuracy": (weight * agreed).sum(1) / pixels,
        "iou": _ratio((weight * torch.minimum(mask, truth)).sum(1), (weight * torch.maximum(mask, truth)).sum(1)),
        "mae": (weight * (mask - truth).abs()).sum(1) / pixels,
    }
    both, either, total = _overlaps(mask, truth, weight, (*F1_THRESHOLDS, *IOU_THRESHOLDS))
    for column, threshold in enumerate(F1_THRESHOLDS):
        scores[f"f1_{round(100 * threshold)}"] = _ratio(2 * both[:, column], total[:, column])
    for column, threshold in enumerate(IOU_THRESHOLDS, len(F1_THRESHOLDS)):
        scores[f"iou_{round(100 * threshold)}"] = _ratio(both[:, column], either[:, column])
    return {name: torch.where(pixels > 0, values, torch.nan) for name, values in scores.items()}


@torch.no_grad()
def saliency_score(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    masks: Float[Tensor, "batch height width"],
    instances: Int[Tensor, "batch classes"],
    *,
    variant: Variant = "corrected",
) -> Float[Tensor, " batch"]:
    """The saliency score of each image; lower is better (section 4.3, equation 9).

    log max(mean of m, 0.05) - log Σ p[c], where p is the classifier's softmax on the masked image and the sum runs
    over the classes of the image. Logarithms are added before they are exponentiated, so that no score is infinite.
    An image without any object has no score: nan.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: pixels in [0, 1].
        masks: in [0, 1].
        instances: how many objects of each class an image shows (`SegmentedImages.instances`).
        variant: published: hidden pixels show the mean colour, and a class is added once for each of its *objects*, so
            that three cars make the score better by log 3. Corrected: black, and each class once.
    """
    weights = instances.to(masks.dtype) if variant == "published" else (instances > 0).to(masks.dtype)
    shown = masked_images(classifier, images, masks.unsqueeze(1), variant)
    probabilities = classifier(shown).log_softmax(1)
    found = torch.logsumexp(probabilities.masked_fill(weights == 0, -torch.inf) + weights.clamp_min(1).log(), 1)
    area = masks.mean((1, 2)).clamp_min(SMALLEST_AREA).log()
    return torch.where(weights.sum(1) > 0, area - found, torch.nan)


def _overlaps(mask: Tensor, truth: Tensor, weight: Tensor, thresholds: Sequence[float]) -> tuple[Tensor, ...]:
    """Of the masks cut at each threshold: |both|, |either| and |mask| + |truth|, each (batch, thresholds)."""
    found = truth.gt(0.5).to(weight.dtype) * weight
    size = found.sum(1)
    parts = []
    for threshold in thresholds:  # one at a time: all at once would need thresholds times the memory
        kept = mask.gt(threshold).to(weight.dtype)
        parts.append(((kept * found).sum(1), (kept * weight).sum(1)))
    both, kept_sizes = (torch.stack(values, 1) for values in zip(*parts, strict=True))
    total = kept_sizes + size.unsqueeze(1)
    return both, total - both, total


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Part over whole; 1 where the whole is 0: nothing was wanted and nothing was given."""
    return torch.where(whole > 0, part / whole.clamp_min(torch.finfo(whole.dtype).tiny), torch.ones_like(whole))
