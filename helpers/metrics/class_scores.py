"""Class probabilities under the masks of all classes: Table 1 of "What You See is What You Classify" (section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from helpers.core.inputs import ImageBatch, checked_images
from helpers.core.mask_inputs import checked_booleans, checked_masks
from helpers.core.masking import apply_mask, baseline_colour
from helpers.core.outputs import Logits, not_finite
from helpers.core.replica import frozen
from helpers.core.types import Variant
from helpers.metrics.inputs import answers

THRESHOLDS = tuple(step / 10 for step in range(1, 10))


@torch.no_grad()
def masked_probabilities(
    classifier: nn.Module,
    images: ImageBatch,
    masks: Shaped[Tensor, "batch masks height width"],
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    variant: Variant = "corrected",
    chunk: int = 256,
) -> Float[Tensor, "batch columns classes"]:
    """The classifier's softmax on each image, and on the image under each of its masks.

    A mask is binarised at each threshold t, to the pixels with m > t, and the probabilities are averaged over
    thresholds. The paper takes the softmax of the multi-label classifier on purpose: it measures the confidence in one
    class *against all others*, which a good mask hides.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: pixels in [0, 1].
        masks: in [0, 1], such as those of five classes of interest.
        thresholds: by default the paper's nine, 0.1 to 0.9.
        variant: of the baseline behind hidden pixels (`masked_images`).
        chunk: masked images per forward pass.

    Returns:
        (batch, 1 + masks, classes): column 0 is for the image without a mask, column k for the k-th mask.

    Raises:
        TypeError, ValueError: images, masks or the classifier's output have a wrong shape, type or range; no threshold
            is given, or the chunk is not at least 1.
    """
    if not thresholds or chunk < 1:
        raise ValueError(f"expected at least one threshold and a chunk of at least 1, not {thresholds} and {chunk}")
    images = checked_images(images, classifier)
    masks = checked_masks(masks, (len(images), "masks", *images.shape[2:]), device=images.device)
    baseline, classifier = baseline_colour(classifier, variant), frozen(classifier)
    unmasked = answers(classifier, images, at_once=chunk).softmax(1).unsqueeze(1)
    levels = torch.tensor(tuple(thresholds), dtype=masks.dtype, device=masks.device)
    batch, count = masks.shape[:2]
    cases = torch.arange(batch * count * len(levels), device=masks.device)  # (image, mask, threshold), flattened
    masked, logits_of = [], Logits(classifier)
    for case in cases.split(chunk):
        image, mask = case // (count * len(levels)), case // len(levels) % count
        kept = masks[image, mask] > levels[case % len(levels), None, None]  # (chunk, height, width)
        inputs = apply_mask(images[image], kept.unsqueeze(1).to(images.dtype), baseline)
        masked.append(logits_of(inputs).softmax(1))
    if not masked:  # no mask was given
        return unmasked
    means = torch.cat(masked).unflatten(0, (batch, count, len(levels))).mean(2)  # (batch, masks, classes)
    finite = means.isfinite().flatten(1).all(1).tolist()
    if not all(finite):
        raise ValueError(not_finite(finite, "masked images"))
    return torch.cat([unmasked, means], 1)


def class_score_matrix(
    probabilities: Shaped[Tensor, "images columns classes"], labels: Shaped[Tensor, "images classes"]
) -> Float[Tensor, "classes columns"]:
    """Table 1: one row per target class, the mean over the images that show it; nan for a class that no image shows.

    Args:
        probabilities: from `masked_probabilities`.
        labels: the classes of each image.

    Raises:
        TypeError, ValueError: probabilities or labels have a wrong shape, type or range.
    """
    probabilities = checked_masks(probabilities, ("images", "columns", "classes"), name="probabilities")
    expected = (probabilities.shape[0], probabilities.shape[2])
    shown = checked_booleans(labels, expected, name="labels", device=probabilities.device).to(probabilities.dtype)
    totals = torch.einsum("ic,imc->cm", shown, probabilities)
    counts = shown.sum(0).unsqueeze(1)
    return torch.where(counts > 0, totals / counts.clamp_min(1), torch.nan)
