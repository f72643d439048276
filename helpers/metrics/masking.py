"""What a classifier is shown of an image where a mask says what to keep."""

from __future__ import annotations

from typing import get_args

from jaxtyping import Float
from torch import Tensor, nn

from helpers.core.masking import apply_mask, baseline_colour
from helpers.core.types import Variant


def masked_images(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    masks: Float[Tensor, "batch 1 height width"],
    variant: Variant = "corrected",
) -> Float[Tensor, "batch 3 height width"]:
    """Images of which a mask hides a part.

    Corrected: hidden pixels are black, as the paper's x ⊙ m says (section 3.1). Published: the code multiplies the
    normalised image, so that hidden pixels show the mean colour that the normaliser takes away, a grey.

    Args:
        classifier: its `mean` is the mean colour.
        images: pixels in [0, 1].
        masks: 1 keeps a pixel, 0 hides it.
        variant: what stands where a pixel is hidden.

    Raises:
        ValueError: the variant is neither, or the classifier has no mean colour for the published one.
    """
    if variant not in get_args(Variant):
        raise ValueError(f"variant {variant!r} is not known; use 'corrected' or 'published'")
    return apply_mask(images, masks, baseline_colour(classifier, variant))
