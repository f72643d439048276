"""Images seen through masks, and the colour that shows where a mask hides them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from helpers.core.types import Variant


def apply_mask(
    images: Float[Tensor, "batch 3 height width"],
    mask: Float[Tensor, "batch 1 height width"],
    hidden: Float[Tensor, "1 3 1 1"] | None = None,
) -> Float[Tensor, "batch 3 height width"]:
    """Images seen through a mask: pixels where it is 1, black (or the colour `hidden`) where it is 0."""
    return images * mask if hidden is None else hidden + (images - hidden) * mask


def baseline_colour(classifier: object, variant: Variant) -> Float[Tensor, "1 3 1 1"] | None:
    """The colour that shows where a mask hides: None for black; published: the classifier's mean colour.

    The published code multiplies the normalised image, in which 0 is the mean colour.

    Raises:
        ValueError: the published variant is asked of a classifier that has no normaliser.
    """
    if variant != "published":
        return None
    mean = getattr(classifier, "mean", None)
    if not isinstance(mean, Tensor):
        raise ValueError(
            "variant='published' hides pixels behind the classifier's mean colour, but this classifier has no `mean`; "
            "load it with helpers.classifiers.load_classifier"
        )
    return mean
