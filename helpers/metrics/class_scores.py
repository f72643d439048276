"""Is a class's mask enough for its class, and for no other? Table 1 of the paper (section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.core.types import Variant
from helpers.metrics.masking import masked_images

THRESHOLDS = tuple(step / 10 for step in range(1, 10))


@torch.no_grad()
def masked_probabilities(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    masks: Float[Tensor, "batch masks height width"],
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    variant: Variant = "corrected",
    chunk: int = 256,
) -> Float[Tensor, "batch columns classes"]:
    """The classifier's softmax on each image as it is, and under each of its masks.

    A mask is cut at each threshold t to the pixels with m > t, and the probabilities are averaged over thresholds.
    The paper takes the softmax of the multi-label classifier on purpose: how sure is it of one class *against all
    others*, which a good mask hides.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: pixels in [0, 1].
        masks: in [0, 1], for example of five classes of interest.
        thresholds: the paper's nine are 0.1, 0.2, ... 0.9.
        variant: what stands where a pixel is hidden (`masked_images`).
        chunk: masked images a forward pass.

    Returns:
        Column 0 is the image without a mask, column k the k-th mask: (batch, 1 + masks, classes).

    Raises:
        ValueError: no threshold is given, or the chunk is not at least 1.
    """
    if not thresholds or chunk < 1:
        raise ValueError(f"wanted at least one threshold and a chunk of at least 1, not {thresholds} and {chunk}")
    levels = torch.tensor(tuple(thresholds), dtype=masks.dtype, device=masks.device)
    batch, count = masks.shape[:2]
    cells = torch.arange(batch * count * len(levels), device=masks.device)
    parts = []
    for cell in cells.split(chunk):
        image, mask = cell // (count * len(levels)), cell // len(levels) % count
        kept = masks[image, mask] > levels[cell % len(levels), None, None]
        shown = masked_images(classifier, images[image], kept.unsqueeze(1).to(images.dtype), variant)
        parts.append(classifier(shown).softmax(1))
    plain = torch.cat([classifier(part).softmax(1) for part in images.split(chunk)])
    if not parts:  # no mask was given
        return plain.unsqueeze(1)
    masked = torch.cat(parts).unflatten(0, (batch, count, len(levels))).mean(2)
    return torch.cat([plain.unsqueeze(1), masked], 1)


def class_score_matrix(
    probabilities: Float[Tensor, "images columns classes"], labels: Bool[Tensor, "images classes"]
) -> Float[Tensor, "classes columns"]:
    """Table 1: a row a target class, the mean over all images that show it; nan for a class that no image shows.

    Args:
        probabilities: as `masked_probabilities` returns.
        labels: which classes each image shows.
    """
    shown = labels.to(probabilities.dtype)
    totals = torch.einsum("ic,imc->cm", shown, probabilities)
    counts = shown.sum(0).unsqueeze(1)
    return torch.where(counts > 0, totals / counts.clamp_min(1), torch.nan)
