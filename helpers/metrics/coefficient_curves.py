"""Deletion and insertion curves in any representation: coefficients are set to 0, or shown."""

from __future__ import annotations

from typing import get_args

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from helpers.core.inputs import ClassTarget, ImageBatch, checked_images
from helpers.core.mask_inputs import checked_masks
from helpers.core.outputs import ScoreName, score_name
from helpers.core.types import Variant
from helpers.methods.rde import Representation
from helpers.metrics.inputs import answers, checked_labels
from helpers.metrics.perturbation import PixelDirection, ranked_scores


@torch.no_grad()
def coefficient_curve(
    classifier: nn.Module,
    images: ImageBatch,
    relevance: Shaped[Tensor, "batch 1 k"],
    targets: ClassTarget,
    representation: Representation,
    *,
    direction: PixelDirection = "delete",
    steps: int = 50,
    variant: Variant = "corrected",
    score: ScoreName = "auto",
    seed: int = 0,
    chunk: int = 64,
) -> Float[Tensor, "batch fractions"]:
    """The class's score as coefficients are set to 0, or shown, in descending order of relevance.

    `pixel_curve` in another representation; in `Pixels` it is that curve with the black image as its baseline. Curves
    in two representations cannot be compared: a share of the wavelet coefficients that holds the coarsest band shows
    the whole image, if blurred, which no share of the pixels does.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: pixels in [0, 1].
        relevance: of each coefficient, such as `Explanation.representation_mask`; only the order counts.
        targets: the class whose score is measured, one per image, by index or by name.
        representation: of the images, such as `Wavelets((128, 128))`.
        direction: "delete" starts from all coefficients, "insert" from none.
        steps: number of steps from no coefficient to all.
        variant: of the altered images. `corrected` clamps them to [0, 1]. `published` stretches each to the full
            contrast, from 0 to 1, in 256 levels, as in the code of WAM (Kasmi et al., 2025): a nearly black rest of an
            image, or a nearly flat one, is made as bright and as rich in contrast as the image.
        score: of the class: `"softmax"`, `"sigmoid"`, `"logit"`, or `"auto"`, by the classifier's kind.
        seed: of the random order among equally relevant coefficients.
        chunk: images per forward pass.

    Returns:
        The score at each fraction, (batch, steps + 1); its area is `curve_area`.

    Raises:
        TypeError, ValueError: an argument has a wrong shape, type or range; the direction or the variant is unknown, or
            `steps` is not between 1 and the number of coefficients.
    """
    if direction not in get_args(PixelDirection):
        raise ValueError(f"direction {direction!r} is not known; use 'delete' or 'insert'")
    if variant not in get_args(Variant):
        raise ValueError(f"variant {variant!r} is not known; use 'corrected' or 'published'")
    images = checked_images(images, classifier)
    coefficients = representation.analyse(images)  # batch, 3, k
    due = (len(images), 1, coefficients.shape[2])
    if not 1 <= steps <= due[2]:
        raise ValueError(f"steps={steps} must lie between 1 and {due[2]}, the number of coefficients")
    relevance = checked_masks(relevance, due, name="relevance", values="any", device=images.device)
    logits = answers(classifier, images)
    classes = checked_labels(targets, logits, classifier)
    score = score_name(classifier, score, logits.shape[1])

    def altered(image: Tensor, first: Tensor) -> Tensor:
        shown = first if direction == "insert" else ~first
        pictures = representation.synthesise(coefficients[image] * shown.unsqueeze(1))  # some, 3, height, width
        return _stretched(pictures) if variant == "published" else pictures.clamp(0, 1)

    return ranked_scores(
        classifier, altered, relevance[:, 0], classes, score, steps=steps, seed=seed, chunk=chunk, name="altered images"
    )


def _stretched(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
    """Each image from its smallest value, 0, to its largest, 1, in 256 levels; black if it has one value only."""
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    stretched = (images - low) / (high - low).clamp_min(torch.finfo(images.dtype).tiny)
    return (255 * stretched).floor() / 255
