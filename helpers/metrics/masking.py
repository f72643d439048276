"""Masked images as classifier input, in the corrected and the published variant."""

from __future__ import annotations

from typing import get_args

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from helpers.core.masking import apply_mask, baseline_colour
from helpers.core.number_types import as_pixels
from helpers.core.types import Variant


def masked_images(
    classifier: nn.Module,
    images: Shaped[Tensor, "batch 3 height width"],
    masks: Shaped[Tensor, "batch 1 height width"],
    variant: Variant = "corrected",
) -> Float[Tensor, "batch 3 height width"]:
    """Images with the baseline where a mask hides pixels.

    Corrected: the baseline is black, as in the paper's x ⊙ m (section 3.1). Published: the code multiplies the
    normalised image, so that the baseline is the mean colour of the normaliser, a grey.

    Args:
        classifier: its `mean` is the mean colour.
        images: pixels in [0, 1].
        masks: 1 keeps a pixel, 0 hides it; in between, a blend.
        variant: of the baseline.

    Raises:
        ValueError: the variant is unknown, or the classifier has no mean colour for the published one.
    """
    if variant not in get_args(Variant):
        raise ValueError(f"variant {variant!r} is not known; use 'corrected' or 'published'")
    images = as_pixels(images)
    return apply_mask(images, masks.to(images.dtype), baseline_colour(classifier, variant))
