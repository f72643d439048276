"""Masked images as classifier input, in the corrected and the published variant."""

from __future__ import annotations

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from helpers.core.inputs import ImageBatch, checked_images
from helpers.core.mask_inputs import checked_masks
from helpers.core.masking import apply_mask, baseline_colour
from helpers.core.types import Variant


def masked_images(
    classifier: nn.Module,
    images: ImageBatch,
    masks: Shaped[Tensor, "batch 1 height width"],
    variant: Variant = "corrected",
) -> Float[Tensor, "batch 3 height width"]:
    """Images with the baseline where a mask hides pixels.

    Corrected: the baseline is black, as in the paper's x ⊙ m (section 3.1). Published: the code multiplies the
    normalised image, so that the baseline is the mean colour of the normaliser, a grey.

    Args:
        classifier: its `mean` is the mean colour.
        images: pixels in [0, 1].
        masks: in [0, 1]: 1 keeps a pixel, 0 hides it; in between, a blend.
        variant: of the baseline.

    Raises:
        TypeError, ValueError: images or masks have a wrong shape, type or range; the variant is unknown, or the
            classifier has no mean colour for the published one.
    """
    images = checked_images(images, classifier)
    masks = checked_masks(masks, (len(images), 1, *images.shape[2:]), device=images.device)
    return apply_mask(images, masks.to(images.dtype), baseline_colour(classifier, variant))
