"""Masked images, and the baseline colour of hidden pixels."""

from __future__ import annotations

from typing import get_args

from jaxtyping import Float
from torch import Tensor, nn

from helpers.core.replica import unwrapped
from helpers.core.types import Variant


def apply_mask(
    images: Float[Tensor, "batch 3 height width"],
    mask: Float[Tensor, "batch 1 height width"],
    baseline: Float[Tensor, "1 3 1 1"] | None = None,
) -> Float[Tensor, "batch 3 height width"]:
    """Masked images: the image where the mask is 1, the baseline colour (black if None) where it is 0."""
    return images * mask if baseline is None else baseline + (images - baseline) * mask


def baseline_colour(classifier: nn.Module, variant: Variant) -> Float[Tensor, "1 3 1 1"] | None:
    """The baseline colour of a variant: None (black), or the classifier's mean colour if published.

    The published code multiplies the normalised image by the mask, and there 0 is the mean colour.

    Raises:
        ValueError: the variant is not known, or is published and the classifier has no normaliser.
    """
    if variant not in get_args(Variant):
        raise ValueError(f"variant {variant!r} is not known; use 'corrected' or 'published'")
    if variant != "published":
        return None
    mean = getattr(unwrapped(classifier), "mean", None)
    if not isinstance(mean, Tensor):
        raise ValueError(
            "variant='published' hides pixels behind the classifier's mean colour, but this classifier has no `mean`; "
            "load it with helpers.classifiers.load_classifier"
        )
    return mean
