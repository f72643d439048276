"""Segmentation scores of masks: Table 2 of "What You See is What You Classify" (section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from helpers.core.inputs import ImageBatch, checked_images
from helpers.core.mask_inputs import checked_booleans, checked_masks
from helpers.core.masking import apply_mask, baseline_colour
from helpers.core.types import Variant
from helpers.metrics.inputs import answers
from helpers.metrics.regions import PIXELS

F1_THRESHOLDS = (0.25, 0.5, 0.75)
IOU_THRESHOLDS = tuple(step / 10 for step in range(1, 10))
SMALLEST_AREA = 0.05
"""The lower bound of the area in the saliency score (equation 9)."""

SANITY_COLUMNS = ("0", "0.5", "1", "G.T.")


def sanity_masks(objects: Shaped[Tensor, "batch height width"]) -> dict[str, Float[Tensor, "batch height width"]]:
    """The reference masks of Table 2: 0, 0.5 and 1 everywhere, and the ground truth.

    Raises:
        TypeError, ValueError: the ground truth has a wrong shape, type or range.
    """
    objects = checked_masks(objects, PIXELS, name="objects")
    constants = {"0": 0.0, "0.5": 0.5, "1": 1.0}
    return {**{name: torch.full_like(objects, value) for name, value in constants.items()}, "G.T.": objects}


def segmentation_scores(
    masks: Shaped[Tensor, "batch height width"],
    objects: Shaped[Tensor, "batch height width"],
    valid: Shaped[Tensor, "batch height width"] | None = None,
) -> dict[str, Float[Tensor, " batch"]]:
    """Overlap of masks with the objects of their images, one value per image.

    - `accuracy`: the mean of m g + (1 - m)(1 - g); with a binary truth g this is 1 - `mae`;
    - `iou`: Σ min(m, g) / Σ max(m, g);
    - `mae`: the mean of |m - g|;
    - `f1_25`, `f1_50`, `f1_75`: the F1 score of the pixels with m > t, for t = 0.25, 0.5, 0.75;
    - `iou_10` ... `iou_90`: the intersection over union of the pixels with m > t, for t = 0.1 ... 0.9.

    IoU and F1 are 1 if mask and truth are both empty, and all scores are nan for an image without valid pixels. A soft
    truth (from the published resizing) enters the first three as it is, and the thresholded ones as g > 0.5.

    Args:
        masks: in [0, 1]; the merged mask of an image with several classes (`merge_classes`).
        objects: the ground truth g, in [0, 1].
        valid: the pixels to score; None for all.

    Raises:
        TypeError, ValueError: masks, objects or valid pixels have a wrong shape, type or range.
    """
    masks = checked_masks(masks, PIXELS)
    shape, device = masks.shape, masks.device
    objects = checked_masks(objects, shape, name="objects", device=device)
    if valid is None:
        valid = torch.ones_like(objects, dtype=torch.bool)
    else:
        valid = checked_booleans(valid, shape, name="valid pixels", device=device)
    mask, truth = masks.flatten(1), objects.flatten(1)  # (batch, pixels)
    mask = mask.to(torch.promote_types(mask.dtype, truth.dtype))
    weight = valid.flatten(1).to(mask.dtype)
    pixels = weight.sum(1)
    correct = mask * truth + (1 - mask) * (1 - truth)
    scores = {
        "accuracy": (weight * correct).sum(1) / pixels,
        "iou": _ratio((weight * torch.minimum(mask, truth)).sum(1), (weight * torch.maximum(mask, truth)).sum(1)),
        "mae": (weight * (mask - truth).abs()).sum(1) / pixels,
    }
    intersection, union, total = _overlaps(mask, truth, weight, (*F1_THRESHOLDS, *IOU_THRESHOLDS))
    for column, threshold in enumerate(F1_THRESHOLDS):
        scores[f"f1_{round(100 * threshold)}"] = _ratio(2 * intersection[:, column], total[:, column])
    for column, threshold in enumerate(IOU_THRESHOLDS, len(F1_THRESHOLDS)):
        scores[f"iou_{round(100 * threshold)}"] = _ratio(intersection[:, column], union[:, column])
    return {name: torch.where(pixels > 0, values, torch.nan) for name, values in scores.items()}


@torch.no_grad()
def saliency_score(
    classifier: nn.Module,
    images: ImageBatch,
    masks: Shaped[Tensor, "batch height width"],
    instances: Int[Tensor, "batch classes"],
    *,
    variant: Variant = "corrected",
) -> Float[Tensor, " batch"]:
    """The saliency score of each image; lower is better (section 4.3, equation 9).

    log max(mean of m, 0.05) - log Σ p[c], where p is the classifier's softmax on the masked image and the sum is over
    the classes of the image. It is computed by log-sum-exp, so that no score is infinite. nan for an image without
    objects.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: pixels in [0, 1].
        masks: in [0, 1].
        instances: number of objects of each class in the image (`SegmentedImages.instances`).
        variant: published: the baseline is the mean colour, and a class is counted once per *object*, so that three
            cars improve the score by log 3. Corrected: the baseline is black, and each class is counted once.

    Raises:
        TypeError, ValueError: images, masks, instances or the classifier's output have a wrong shape, type or range.
    """
    images = checked_images(images, classifier)
    masks = checked_masks(masks, (len(images), *images.shape[2:]), device=images.device)
    masked = apply_mask(images, masks.unsqueeze(1).to(images.dtype), baseline_colour(classifier, variant))
    logs = answers(classifier, masked, name="masked images").log_softmax(1)
    instances = checked_masks(instances, logs.shape, name="instances", values="positive", device=images.device)
    weights = instances.to(masks.dtype) if variant == "published" else (instances > 0).to(masks.dtype)
    log_probability = torch.logsumexp(logs.masked_fill(weights == 0, -torch.inf) + weights.clamp_min(1).log(), 1)
    log_area = masks.mean((1, 2)).clamp_min(SMALLEST_AREA).log()
    return torch.where(weights.sum(1) > 0, log_area - log_probability, torch.nan)


def _overlaps(mask: Tensor, truth: Tensor, weight: Tensor, thresholds: Sequence[float]) -> tuple[Tensor, ...]:
    """Intersection, union and |mask| + |truth| of the masks binarised at each threshold, each (batch, thresholds)."""
    objects = truth.gt(0.5).to(weight.dtype) * weight
    intersections, sizes = [], []
    for threshold in thresholds:  # in a loop: all at once would take as many times the memory
        binary = mask.gt(threshold).to(weight.dtype)
        intersections.append((binary * objects).sum(1))
        sizes.append((binary * weight).sum(1))
    intersection = torch.stack(intersections, 1)
    total = torch.stack(sizes, 1) + objects.sum(1, keepdim=True)
    return intersection, total - intersection, total


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Numerator over denominator; 1 where the denominator is 0: mask and truth are both empty."""
    tiny = torch.finfo(denominator.dtype).tiny
    return torch.where(denominator > 0, numerator / denominator.clamp_min(tiny), torch.ones_like(denominator))
