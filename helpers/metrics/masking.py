"""What a classifier is shown of an image where a mask says what to keep."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

Variant = Literal["corrected", "published"]


def masked_images(
    classifier: nn.Module,
    images: Float[Tensor, "*batch 3 height width"],
    masks: Float[Tensor, "*batch 1 height width"],
    variant: Variant = "corrected",
) -> Float[Tensor, "*batch 3 height width"]:
    """Images of which a mask hides a part.

    Corrected: hidden pixels are black, as the paper's x ⊙ m says (section 3.1). Published: the code multiplies the
    normalised image, so that hidden pixels show the mean colour that the normaliser takes away, a grey.

    Args:
        classifier: its `mean`, (1, 3, 1, 1), is the mean colour; a classifier without one sees pixels as they are.
        images: pixels in [0, 1].
        masks: 1 keeps a pixel, 0 hides it.
        variant: what stands where a pixel is hidden.

    Raises:
        ValueError: the variant is neither.
    """
    if variant not in get_args(Variant):
        raise ValueError(f"variant {variant!r} is not known; use 'corrected' or 'published'")
    if variant == "corrected":
        return images * masks
    mean = getattr(classifier, "mean", torch.zeros(1, 3, 1, 1))
    return torch.lerp(torch.as_tensor(mean).to(images).expand_as(images), images, masks.expand_as(images))
