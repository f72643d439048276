"""Aggregation of the class masks to the target and the non-target mask."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def target_and_other_masks(
    logits: Float[Tensor, "batch classes height width"], labels: Bool[Tensor, "batch classes"]
) -> tuple[Float[Tensor, "batch 1 height width"], Float[Tensor, "batch 1 height width"]]:
    """The target mask m and the non-target mask n (the paper, section 3 and Figure 2).

    m is the pixelwise maximum over the masks of the classes in the image, n that over all other classes; 0 if there are
    none. The maximum is taken over the logits, as the sigmoid is monotone.

    Args:
        logits: of the class masks.
        labels: the classes in each image.
    """
    lowest = torch.finfo(logits.dtype).min
    present = labels[..., None, None]  # batch, classes, 1, 1
    target = logits.masked_fill(~present, lowest).amax(1, keepdim=True).sigmoid()
    other = logits.masked_fill(present, lowest).amax(1, keepdim=True).sigmoid()
    return target, other
